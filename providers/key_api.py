"""REST: the further keys of a provider, for those who may change it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.rest import person
from accounts.scopes import MANAGING
from providers.keys import add_key, remove_key, update_key
from providers.lookup import find_key, find_provider
from providers.models import Provider
from providers.resting import list_rests, ring_of
from providers.serializers import KeyChangeSerializer, KeySerializer


class KeysView(APIView):
    """All further keys of a provider."""

    needs = MANAGING

    @extend_schema(responses=KeySerializer(many=True))
    def get(self, request: Request, pk: UUID) -> Response:
        """The keys that share the provider's load, oldest first; its own key is part of the provider."""
        provider = find_provider(person(request), pk)
        return Response(_shown(provider, provider.further_keys.all(), many=True))

    @extend_schema(request=KeySerializer, responses={201: KeySerializer})
    def post(self, request: Request, pk: UUID) -> Response:
        """One more key. Calls are shared out by weight; a key that is refused rests while the others answer."""
        provider = find_provider(person(request), pk)
        key = add_key(provider=provider, **_parsed(KeySerializer(data=request.data)))
        return Response(_shown(provider, key), status=status.HTTP_201_CREATED)


class KeyView(APIView):
    """One further key."""

    needs = MANAGING
    http_method_names = ("patch", "delete", "options")

    @extend_schema(request=KeyChangeSerializer, responses=KeySerializer)
    def patch(self, request: Request, pk: UUID, key_id: UUID) -> Response:
        """Change its label or its weight. Another secret is another key."""
        key = find_key(person(request), pk, key_id)
        given = _parsed(KeyChangeSerializer(data=request.data, partial=True))
        return Response(_shown(key.provider, update_key(key=key, **given)))

    @extend_schema(responses={204: None})
    def delete(self, request: Request, pk: UUID, key_id: UUID) -> Response:
        """Destroyed; no process uses it a second later."""
        remove_key(key=find_key(person(request), pk, key_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _parsed(serializer: KeyChangeSerializer) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def _shown(provider: Provider, keys: Any, *, many: bool = False) -> Any:
    return KeySerializer(keys, many=many, context={"rests": list_rests(ring_of(provider.pk, provider.revision))}).data
