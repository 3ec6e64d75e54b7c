"""REST: providers, their models, the registry."""

from typing import Any, cast
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.etags import check_match, tagged
from accounts.idempotency import MAKING_KEY, make_once
from accounts.rest import IF_MATCH, IF_NONE_MATCH, narrowed, person
from accounts.scopes import ADMINISTERING, MANAGING, READING
from providers import registry
from providers.discovery import hide_model, list_models, list_user_models, override_model, refresh_models
from providers.errors import ProviderNotFound
from providers.generation import test_provider
from providers.models import Provider, UsageRecord
from providers.serializers import (
    CachedProviderSerializer,
    ModelChangeSerializer,
    ModelFilters,
    ModelSerializer,
    ProviderFilters,
    ProviderSerializer,
    TestRequestSerializer,
    TestResultSerializer,
    UsageQuerySerializer,
    UsageSerializer,
)
from providers.services import create_provider, delete_provider, missing_secrets, update_provider
from providers.usage import sum_usage
from providers.validation import ProviderFields


class KeyNeeded(APIException):
    """An address or kind changed without its secrets."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "key_needed"

    def __init__(self, missing: list[str]) -> None:
        super().__init__(
            f"A new base_url or kind needs {' and '.join(missing)} again: "
            "secrets are bound to the address they were given for."
        )


class ProviderViewSet(viewsets.GenericViewSet[Provider]):
    """Providers that the caller may use; one's own and, for staff, the shared ones may be changed."""

    needs = MANAGING
    serializer_class = ProviderSerializer
    queryset = Provider.objects.none()

    def get_queryset(self) -> Any:
        """What may be seen to read, what may be changed to change; the rest does not exist."""
        user = person(self.request)
        if self.action in {"list", "retrieve", "models"}:
            return Provider.objects.visible_to(user)
        return Provider.objects.editable_by(user)

    @extend_schema(parameters=[ProviderFilters])
    def list(self, request: Request) -> Response:
        """Providers, by name."""
        page = self.paginate_queryset(narrowed(request, self.get_queryset(), ProviderFilters))
        return self.get_paginated_response(ProviderSerializer(page, many=True).data)

    @extend_schema(parameters=[IF_NONE_MATCH])
    def retrieve(self, request: Request, pk: str) -> Response:
        """One provider, with an ``ETag``; 304 for ``If-None-Match``."""
        return self._shown(self.get_object())

    @extend_schema(parameters=[MAKING_KEY])
    def create(self, request: Request) -> Response:
        """A new provider; only staff may share it."""
        given = self._parsed(ProviderSerializer)
        owner = person(request)
        mine = Provider.objects.editable_by(owner)
        provider = make_once(request, mine, lambda: create_provider(owner=owner, **given))
        return self._shown(provider, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[IF_MATCH])
    @transaction.atomic
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change fields. A changed ``base_url`` or ``kind`` without ``api_key`` is refused with 422.

        With ``If-Match`` a provider that was changed since is left alone, with 412.
        """
        provider = self._locked()
        given = self._parsed(ProviderSerializer, partial=True)
        if missing := missing_secrets(provider, cast("ProviderFields", given)):
            raise KeyNeeded(missing)
        changes = {"owner": person(request), **given} if given.get("is_shared") is False else given
        return self._shown(update_provider(provider=provider, **changes))

    @extend_schema(parameters=[IF_MATCH])
    @transaction.atomic
    def destroy(self, request: Request, pk: str) -> Response:
        """Gone, with its models; agents keep their names."""
        delete_provider(provider=self._locked())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=TestRequestSerializer, responses=TestResultSerializer)
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """One real, small call. A failing provider is a successful test: look at ``ok``."""
        given = self._parsed(TestRequestSerializer)
        result = test_provider(provider=self.get_object(), model=given.get("model") or None)
        return Response(TestResultSerializer(result).data)

    @extend_schema(responses=ModelSerializer(many=True), filters=False)
    @action(detail=True)
    def models(self, request: Request, pk: str) -> Response:
        """The stored catalogue."""
        return Response(ModelSerializer(list_models(self.get_object()), many=True).data)

    @extend_schema(request=None, responses=ModelSerializer(many=True))
    @action(detail=True, methods=["post"], url_path="models/refresh")
    def refresh(self, request: Request, pk: str) -> Response:
        """Read the live list now, within ten seconds; when it fails the stored one stays and the provider says why."""
        provider = self.get_object()
        refresh_models(provider=provider)
        return Response(ModelSerializer(list_models(provider), many=True).data)

    @extend_schema(request=ModelChangeSerializer, responses=ModelSerializer)
    @action(detail=True, methods=["patch"], url_path=r"models/(?P<model_pk>\d+)")
    def change_model(self, request: Request, pk: str, model_pk: str) -> Response:
        """Hide a model, or say better what it can do."""
        row = get_object_or_404(list_models(self.get_object()), pk=model_pk)
        given = self._parsed(ModelChangeSerializer)
        hidden = given.pop("is_hidden", None)
        if given:
            row = override_model(row=row, overrides=given)
        if hidden is not None:
            hide_model(row=row, is_hidden=hidden)
        return Response(ModelSerializer(row).data)

    def _locked(self) -> Provider:
        """The provider, which nobody else changes until the end of the transaction, if it is as the caller knows it."""
        provider = self.get_object()
        Provider.objects.select_for_update().only("pk").get(pk=provider.pk)
        provider.refresh_from_db(fields=["revision"])
        check_match(self.request, provider.revision)
        return provider

    def _shown(self, provider: Provider, **options: Any) -> Response:
        return tagged(self.request, provider.revision, ProviderSerializer(provider).data, **options)

    def _parsed(self, serializer_class: Any, *, partial: bool = False) -> dict[str, Any]:
        serializer = serializer_class(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        given = dict(serializer.validated_data)
        if given.get("is_shared") and not self.request.user.is_staff:
            raise PermissionDenied
        return given


class ModelsView(APIView):
    """All models that the caller may use."""

    needs = READING

    @extend_schema(parameters=[ModelFilters], responses=ModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Models of all active providers, without the hidden ones."""
        rows = narrowed(request, list_user_models(person(request)), ModelFilters)
        return Response(ModelSerializer(rows, many=True).data)


class UsageView(APIView):
    """What was used: one's own, for staff everybody's."""

    needs = READING

    @extend_schema(parameters=[UsageQuerySerializer], responses=UsageSerializer(many=True))
    def get(self, request: Any) -> Response:
        """Sums by day, model, provider, agent, user, or over everything."""
        query = UsageQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        given = query.validated_data
        records = UsageRecord.objects.visible_to(request.user)
        if "from" in given:
            records = records.filter(created_at__date__gte=given["from"])
        if "to" in given:
            records = records.filter(created_at__date__lte=given["to"])
        return Response(UsageSerializer(sum_usage(records, given["group_by"]), many=True).data)


class RegistryView(APIView):
    """The cached providers, for staff."""

    needs = ADMINISTERING
    http_method_names = ("get", "delete")

    @extend_schema(responses=CachedProviderSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Over all processes."""
        return Response(CachedProviderSerializer(registry.cached_providers(), many=True).data)

    @extend_schema(responses={204: None}, operation_id="registry_clear")
    def delete(self, request: Request) -> Response:
        """Drop every client; they are made anew at the next use."""
        registry.clear_all()
        return Response(status=status.HTTP_204_NO_CONTENT)


class CachedProviderView(APIView):
    """One cached provider, for staff."""

    needs = ADMINISTERING

    @extend_schema(responses={204: None}, operation_id="registry_clear_provider")
    def delete(self, request: Request, provider_id: UUID) -> Response:
        """Drop its client; it is made anew at the next use."""
        try:
            registry.clear_provider(provider_id)
        except ProviderNotFound:
            raise Http404 from None
        return Response(status=status.HTTP_204_NO_CONTENT)
