"""Conversations and their runs in the Django admin: to look after, not to read or to edit."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from conversations.models import Conversation, Generation


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows that only the product itself writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never by hand."""
        return False


@admin.register(Conversation)
class ConversationAdmin(ReadOnlyAdmin):
    """Who talks with which agent. What is said is not shown here."""

    list_display = ("id", "owner", "agent", "created_at", "updated_at", "is_archived")
    list_filter = ("is_archived", "agent")
    search_fields = ("owner__email",)
    list_select_related = ("owner", "agent")
    fields = ("id", "owner", "agent", "created_at", "updated_at", "is_pinned", "is_archived")


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    """Runs: where they stand and why they failed."""

    list_display = ("id", "status", "provider_name", "model", "attempt", "queued_at", "finished_at")
    list_filter = ("status", "provider_name", "model")
    date_hierarchy = "queued_at"
    fields = (
        "id", "conversation", "status", "attempt", "failures", "provider_name", "model", "finish_reason", "usage",
        "error", "queued_at", "started_at", "first_token_at", "heartbeat_at", "finished_at",
    )  # fmt: skip

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A run goes with its conversation."""
        return False
