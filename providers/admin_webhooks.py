"""Webhook endpoints and their log in the Django admin: to look at, to switch off, to delete."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from providers.models import WebhookDelivery, WebhookEndpoint
from providers.webhooks.services import delete_endpoint, update_endpoint


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ModelAdmin):  # type: ignore[misc]
    """Made and changed by their owners, whose secret nobody else should see."""

    list_display = ("place", "owner", "description", "is_active", "off_reason", "failing_since", "created_at")
    list_filter = ("is_active", "off_reason")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "url", "description")
    fields = readonly_fields = (
        "owner", "place", "description", "events", "is_active", "off_reason", "failing_since", "created_at",
    )  # fmt: skip
    actions = ("switch_off",)

    @admin.display(description=_("address"))
    def place(self, endpoint: WebhookEndpoint) -> str:
        """Without its query, in which some receivers expect a password."""
        return endpoint.place

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Under Settings, where the secret is shown."""
        return False

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        """Through the service."""
        delete_endpoint(endpoint=obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Through the service, one by one."""
        for endpoint in queryset:
            delete_endpoint(endpoint=endpoint)

    @admin.action(description=_("Switch off"))
    def switch_off(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Nothing more is sent there."""
        for endpoint in queryset.filter(is_active=True):
            update_endpoint(endpoint=endpoint, is_active=False)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ModelAdmin):  # type: ignore[misc]
    """The log, to read."""

    list_display = ("created_at", "event", "endpoint", "status", "attempts", "response_code", "next_attempt_at")
    list_filter = ("status", "event")
    list_select_related = ("endpoint",)
    fields = readonly_fields = (
        "endpoint", "event", "body", "status", "attempts", "response_code", "response_text", "problem", "created_at",
        "attempted_at", "next_attempt_at",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Written by what happens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> bool:
        """A log is not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: WebhookDelivery | None = None) -> bool:
        """Not by hand: it forgets by itself, after 30 days, and goes with its endpoint."""
        return "/webhookendpoint/" in request.path
