"""REST: the caller and the caller's tokens."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken
from accounts.rest import person
from accounts.scopes import MANAGING, READING
from accounts.serializers import MeSerializer, NewTokenSerializer, TokenSerializer
from accounts.services import create_token, revoke_token


class MeView(APIView):
    """Who is calling."""

    needs = READING

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """The caller."""
        return Response(MeSerializer(person(request)).data)


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
