"""A conversation: a tree of messages with a head."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.models import Agent


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Reads of conversations."""

    def visible_to(self, user: User) -> "ConversationQuerySet":
        """Only one's own."""
        return self.filter(owner=user)

    def search(self, words: str) -> "ConversationQuerySet":
        """Those whose title or text contains the words."""
        if not words:
            return self
        return self.filter(Q(title__icontains=words) | Q(messages__content__icontains=words)).distinct()


class Conversation(models.Model):
    """One person's conversation with an agent. ``head`` is the last message of the branch that is shown.

    ``is_title_automatic`` until a person or a model has given it a title.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    agent = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, related_name="conversations")
    title = models.CharField(_("title"), max_length=200, blank=True)
    is_title_automatic = models.BooleanField(default=True)
    head = models.ForeignKey("conversations.Message", on_delete=models.SET_NULL, null=True, related_name="+")
    is_pinned = models.BooleanField(default=False)
    is_archived = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now_add=True)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at", "-id")
        indexes = (models.Index(fields=("owner", "is_archived", "-updated_at"), name="conversations_of_owner"),)

    def __str__(self) -> str:
        return self.title or str(self.pk)
