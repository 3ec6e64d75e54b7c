"""The audit log in the Django admin: to be read only."""

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.models import AuditEvent


@admin.register(AuditEvent)
class AuditEventAdmin(ModelAdmin):  # type: ignore[misc]
    """Who did what, when, from where. Nobody adds, changes or deletes an entry here."""

    list_display = ("created_at", "action", "actor_name", "target", "detail", "via", "address")
    list_filter = ("action", "created_at")
    search_fields = ("actor_name", "target", "target_id", "address")
    fields = readonly_fields = (
        "created_at", "action", "actor_name", "target", "target_id", "detail", "via", "address",
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Entries are written by what they tell of."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        """What happened has happened."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEvent | None = None) -> bool:
        """Not by a click."""
        return False
