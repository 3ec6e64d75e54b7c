"""REST: webhook endpoints, their log, tests."""

from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import person
from accounts.scopes import MANAGING
from providers.models import WebhookDelivery, WebhookEndpoint
from providers.webhooks.serializers import (
    DeliverySerializer,
    EndpointSerializer,
    NewEndpointSerializer,
    SecretSerializer,
)
from providers.webhooks.services import (
    create_endpoint,
    delete_endpoint,
    retry_delivery,
    rotate_secret,
    send_test,
    update_endpoint,
)

UUID_PATTERN: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class WebhookViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    viewsets.GenericViewSet[WebhookEndpoint],
):
    """One's own endpoints, and for staff those of the whole server."""

    needs = MANAGING
    serializer_class = EndpointSerializer
    queryset = WebhookEndpoint.objects.none()

    def get_queryset(self) -> Any:
        """Oldest first."""
        return WebhookEndpoint.objects.visible_to(person(self.request))

    @extend_schema(request=EndpointSerializer, responses={201: NewEndpointSerializer})
    def create(self, request: Request) -> Response:
        """A new endpoint; its signing secret is in this answer and never again."""
        given = self._parsed(partial=False)
        is_server_wide = given.pop("server_wide", False)
        if is_server_wide and not request.user.is_staff:
            raise PermissionDenied
        endpoint, secret = create_endpoint(owner=None if is_server_wide else person(request), **given)
        body = {**EndpointSerializer(endpoint).data, "secret": secret}
        return Response(body, status=status.HTTP_201_CREATED)

    @extend_schema(request=EndpointSerializer, responses=EndpointSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Change fields; switching it on again forgives what was."""
        endpoint = self.get_object()
        return Response(EndpointSerializer(update_endpoint(endpoint=endpoint, **self._parsed(partial=True))).data)

    def perform_destroy(self, instance: WebhookEndpoint) -> None:
        """With its log."""
        delete_endpoint(endpoint=instance)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"])
    def test(self, request: Request, pk: str) -> Response:
        """Send ``webhook.test`` to this endpoint; look at its deliveries for what came of it."""
        delivery = send_test(endpoint=self.get_object())
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=SecretSerializer)
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """A new signing secret, in this answer only; for a day messages are signed with both."""
        endpoint = self.get_object()
        secret = rotate_secret(endpoint=endpoint)
        return Response({"secret": secret, "old_secret_until": endpoint.old_secret_until})

    @extend_schema(responses=DeliverySerializer(many=True), filters=False)
    @action(detail=True, methods=["get"])
    def deliveries(self, request: Request, pk: str) -> Response:
        """What was told in the last 30 days, newest first."""
        rows: Any = self.get_object().deliveries.all()
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(DeliverySerializer(page, many=True).data)

    @extend_schema(request=None, responses={202: DeliverySerializer})
    @action(detail=True, methods=["post"], url_path=f"deliveries/(?P<delivery_pk>{UUID_PATTERN})/retry")
    def retry(self, request: Request, pk: str, delivery_pk: str) -> Response:
        """Send it again now, with the same ``webhook-id``."""
        rows = WebhookDelivery.objects.filter(endpoint=self.get_object()).select_related("endpoint")
        delivery = retry_delivery(delivery=get_object_or_404(rows, pk=delivery_pk))
        return Response(DeliverySerializer(delivery).data, status=status.HTTP_202_ACCEPTED)

    def _parsed(self, *, partial: bool) -> dict[str, Any]:
        serializer = EndpointSerializer(data=self.request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
