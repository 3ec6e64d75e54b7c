"""Conversations and their runs in the Django admin: to look after, not to read or to edit."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from accounts.admin import CountedDeletion
from conversations.models import Conversation, Generation
from conversations.services import delete_conversation


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows that only the product itself writes."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never by hand."""
        return False


@admin.register(Conversation)
class ConversationAdmin(CountedDeletion, ReadOnlyAdmin):
    """Who talks with which agent. What is said is not shown here, nor the title, which quotes it."""

    list_display = ("id", "owner", "agent", "created_at", "updated_at", "is_archived")
    list_filter = ("is_archived", "agent")
    search_fields = ("owner__email",)
    list_select_related = ("owner", "agent")
    fields = ("id", "owner", "agent", "created_at", "updated_at", "is_pinned", "is_archived")
    actions = None  # deleting many at once would write their titles into the admin's log

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Conversation | None:
        """The row, named by its id."""
        conversation: Conversation | None = super().get_object(request, object_id, from_field)
        if conversation is not None:
            conversation.title = ""
        return conversation

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        """Through the service, which stops what is still going."""
        delete_conversation(conversation=obj)


@admin.register(Generation)
class GenerationAdmin(ReadOnlyAdmin):
    """Runs: where they stand and why they failed."""

    list_display = ("id", "status", "provider_name", "model", "attempt", "queued_at", "finished_at")
    list_filter = ("status", "provider_name", "model")
    date_hierarchy = "queued_at"
    fields = (
        "id", "conversation_number", "status", "attempt", "failures", "crashes", "provider_name", "model", "hops",
        "finish_reason", "usage", "error", "receipt", "queued_at", "started_at", "first_token_at", "heartbeat_at",
        "finished_at",
    )  # fmt: skip

    @admin.display(description=_("conversation"))
    def conversation_number(self, row: Generation) -> str:
        """Its id: the title quotes what was said."""
        return str(row.conversation_id)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """A run goes with its conversation."""
        return False
