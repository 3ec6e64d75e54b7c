"""Messages: a tree in which edits and regenerations are siblings."""

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import User
from agents.models import Agent
from conversations.models.conversation import Conversation

if TYPE_CHECKING:
    from conversations.models.generation import Generation


class MessageQuerySet(models.QuerySet["Message"]):
    """Reads of messages."""

    def visible_to(self, user: User) -> "MessageQuerySet":
        """Those of one's own conversations that are not in the trash."""
        return self.filter(conversation__owner=user, conversation__trashed_at=None)


class Message(models.Model):
    """What a person wrote or an agent answered. ``content`` grows by checkpoints while a run lasts.

    The messages of a conversation are a tree: a parent is an older message of the same conversation and of the other
    role, and neither parent, conversation nor role ever changes. The database itself sees to that (the migration
    ``0003_message_tree`` says how), so a walk along ``parent`` always ends.

    ``tool_calls`` are written when a run ends; ``conversations/tool_calls.py`` says what one holds.
    """

    class Role(models.TextChoices):
        """Who speaks."""

        USER = "user"
        ASSISTANT = "assistant"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    role = models.CharField(max_length=10, choices=Role)
    content = models.TextField(blank=True)
    reasoning = models.TextField(blank=True)
    tool_calls = models.JSONField(default=list, blank=True)
    agent = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, related_name="messages")
    agent_name = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    run: "Generation | None"
    """Its latest generation; set by ``branch.active_branch``."""
    sibling_ids: list[uuid.UUID]
    """Its versions in order, itself included; set by ``branch.active_branch``."""

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ("created_at", "id")
        indexes = (models.Index(fields=("conversation", "created_at"), name="messages_of_conversation"),)
        constraints = (
            models.CheckConstraint(condition=Q(parent=None) | ~Q(parent=F("id")), name="message_not_own_parent"),
            models.CheckConstraint(
                condition=Q(role="user") | Q(role="assistant", parent__isnull=False), name="answer_has_question"
            ),
        )

    def __str__(self) -> str:
        return f"{self.role}: {self.content[:40]}"

    @property
    def version(self) -> int:
        """Its number among its versions, from 1."""
        return self.sibling_ids.index(self.pk) + 1

    @property
    def version_before(self) -> uuid.UUID | None:
        """The version before this one."""
        return self.sibling_ids[self.version - 2] if self.version > 1 else None

    @property
    def version_after(self) -> uuid.UUID | None:
        """The version after this one."""
        return self.sibling_ids[self.version] if self.version < len(self.sibling_ids) else None


class SendKey(models.Model):
    """An idempotency key: the same key sends once. Kept for 7 days per person."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    reply = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="send_key_once_per_user"),)

    def __str__(self) -> str:
        return self.key
