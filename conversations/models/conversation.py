"""A conversation: a tree of messages with a head. Folders and tags say where it is kept."""

import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.models import Agent
from providers.models import Provider

if TYPE_CHECKING:
    from conversations.finding import Hit

TRASH_LIFETIME: Final = timedelta(days=30)
TEMPORARY_LIFETIME: Final = timedelta(hours=1)
"""How long a temporary conversation outlives its last message when nobody says that its page was left."""


class FolderQuerySet(models.QuerySet["Folder"]):
    """Reads of folders."""

    def visible_to(self, user: User) -> "FolderQuerySet":
        """Only one's own."""
        return self.filter(owner=user)


class Folder(models.Model):
    """Conversations that belong together. Its instructions are added to the system prompt of their runs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="folders")
    name = models.CharField(_("name"), max_length=100)
    instructions = models.TextField(_("instructions"), blank=True, max_length=20_000)
    position = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = FolderQuerySet.as_manager()

    class Meta:
        ordering = ("position", Lower("name"), "id")
        constraints = (models.UniqueConstraint("owner", Lower("name"), name="folder_once_per_owner"),)

    def __str__(self) -> str:
        return self.name


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Reads of conversations."""

    def visible_to(self, user: User) -> "ConversationQuerySet":
        """Only one's own, and nothing that is in the trash."""
        return self.filter(owner=user, trashed_at=None)

    def listed_for(self, user: User) -> "ConversationQuerySet":
        """Those that lists, search and export tell of: no temporary ones."""
        return self.visible_to(user).filter(is_temporary=False)

    def tagged(self, name: str) -> "ConversationQuerySet":
        """Those with this tag."""
        return self.filter(tags__name=name.replace("\0", "").casefold())

    def trashed_by(self, user: User) -> "ConversationQuerySet":
        """One's own trash, the latest first."""
        return self.filter(owner=user, trashed_at__isnull=False).order_by("-trashed_at", "-id")

    def expired(self) -> "ConversationQuerySet":
        """What is to be deleted for good: 30 days in the trash, or temporary and left alone for an hour."""
        old = Q(trashed_at__lt=Now() - TRASH_LIFETIME)
        return self.filter(old | Q(is_temporary=True, updated_at__lt=Now() - TEMPORARY_LIFETIME))


class Conversation(models.Model):
    """One person's conversation with an agent. ``head`` is the last message of the branch that is shown.

    ``is_title_automatic`` until a person or a model has given it a title. What has ``trashed_at`` exists for nobody but
    its owner's trash. ``draft`` is what was written in the composer and not sent yet.
    Without an agent, ``model`` of ``provider`` answers alone. ``parameters`` are used instead of the agent's own: see
    ``conversations/parameters.py``.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations")
    agent = models.ForeignKey(Agent, on_delete=models.SET_NULL, null=True, related_name="conversations")
    provider = models.ForeignKey(Provider, on_delete=models.SET_NULL, null=True, related_name="+")
    model = models.CharField(max_length=200, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    folder = models.ForeignKey(Folder, on_delete=models.SET_NULL, null=True, related_name="conversations")
    title = models.CharField(_("title"), max_length=200, blank=True)
    is_title_automatic = models.BooleanField(default=True)
    head = models.ForeignKey("conversations.Message", on_delete=models.SET_NULL, null=True, related_name="+")
    is_pinned = models.BooleanField(default=False)
    is_archived = models.BooleanField(default=False)
    is_temporary = models.BooleanField(default=False)
    trashed_at = models.DateTimeField(null=True, editable=False)
    draft = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now_add=True)

    hit: "Hit | None"
    """Where a search found its words; set by ``shelf_query.search``."""

    objects = ConversationQuerySet.as_manager()

    class Meta:
        ordering = ("-updated_at", "-id")
        indexes = (
            models.Index(fields=("owner", "is_archived", "-updated_at"), name="conversations_of_owner"),
            models.Index(fields=("trashed_at",), name="conversations_in_trash", condition=Q(trashed_at__isnull=False)),
        )

    def __str__(self) -> str:
        return self.title or str(self.pk)

    @property
    def answerer(self) -> Agent | None:
        """Who answers next: the agent, or the model that was chosen to answer alone."""
        if self.agent is None and self.model:
            return Agent.bare(self.owner, self.provider, self.model)
        return self.agent

    @property
    def is_trashed(self) -> bool:
        """Whether it waits in the trash for its end."""
        return self.trashed_at is not None


class Tag(models.Model):
    """A word by which somebody finds a conversation again."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("conversation", "name"), name="tag_once_per_conversation"),)
        indexes = (models.Index(fields=("name",), name="tags_by_name"),)

    def __str__(self) -> str:
        return self.name
