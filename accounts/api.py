"""REST: the caller and the caller's tokens."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.etags import check_match, tagged
from accounts.models import ApiToken, User
from accounts.rest import IF_MATCH, IF_NONE_MATCH, person
from accounts.scopes import MANAGING, Needs, Scope
from accounts.serializers import DeviceSerializer, MeSerializer, NewTokenSerializer, TokenSerializer
from accounts.services import change_preferences, create_token, revoke_token
from accounts.sessions import devices_of, end_session, sessions_of

PREFERENCES: Final = (
    "name", "theme", "high_contrast", "single_keys", "language", "default_agent", "temporary_by_default",
)  # fmt: skip


class MeView(APIView):
    """Who is calling."""

    needs = MANAGING
    serializer_class: type[MeSerializer] = MeSerializer

    @extend_schema(parameters=[IF_NONE_MATCH])
    def get(self, request: Request) -> Response:
        """The caller, with an ``ETag``; 304 for ``If-None-Match``."""
        return self._shown(request, person(request))

    @extend_schema(parameters=[IF_MATCH])
    @transaction.atomic
    def patch(self, request: Request) -> Response:
        """Change what one likes. With ``If-Match`` nothing happens, with 412, when it was changed since."""
        user = person(request)
        stored = User.objects.select_for_update().get(pk=user.pk)
        check_match(request, _version_of(stored))
        serializer = self.serializer_class(stored, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        self.check_preferences(user, serializer.validated_data)
        change_preferences(user=user, **serializer.validated_data)
        return self._shown(request, user)

    def check_preferences(self, user: User, wanted: Mapping[str, Any]) -> None:
        """Raise ``ValidationError`` for what only packages further up know to be wrong."""

    def _shown(self, request: Request, user: User) -> Response:
        user.refresh_from_db(fields=PREFERENCES)
        return tagged(request, _version_of(user), self.serializer_class(user).data)


class SessionsView(APIView):
    """The devices on which the caller is logged in."""

    needs = Needs(read=Scope.MANAGE, write=Scope.MANAGE)

    @extend_schema(responses=DeviceSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The last seen first; ``is_current`` is the one that asks."""
        key = None if request.auth else request.session.session_key
        return Response(DeviceSerializer(devices_of(person(request), key), many=True).data)


class SessionView(APIView):
    """One of the devices."""

    needs = Needs(read=Scope.MANAGE, write=Scope.MANAGE)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Logged out; what it has open closes within seconds."""
        end_session(session=get_object_or_404(sessions_of(person(request)), pk=pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _version_of(user: User) -> str:
    return repr([getattr(user, name) for name in PREFERENCES])


class TokenViewSet(mixins.ListModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[ApiToken]):
    """One's own tokens."""

    needs = MANAGING
    serializer_class = TokenSerializer
    queryset = ApiToken.objects.none()

    def get_queryset(self) -> Any:
        """Newest first."""
        return ApiToken.objects.visible_to(person(self.request))

    @extend_schema(request=TokenSerializer, responses={201: NewTokenSerializer})
    def create(self, request: Request) -> Response:
        """A new token; its value is in this answer and never again.

        Without ``scopes`` it gets all that the caller has. A token makes no stronger token, and none that outlives it.
        """
        serializer = TokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        maker = request.auth if isinstance(request.auth, ApiToken) else None
        token, value = create_token(user=person(request), maker=maker, **serializer.validated_data)
        body = {**TokenSerializer(token).data, "token": value}
        return Response(body, status=status.HTTP_201_CREATED)

    def perform_destroy(self, instance: ApiToken) -> None:
        """Stops working at once."""
        revoke_token(token=instance)
