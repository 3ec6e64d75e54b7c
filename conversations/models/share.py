"""Share links: a branch of a conversation that others may read."""

import secrets
import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from conversations.models.conversation import Conversation
from conversations.models.message import Message


def new_token() -> str:
    """What only those know who were given the link."""
    return secrets.token_urlsafe(32)


class ShareQuerySet(models.QuerySet["Share"]):
    """Reads of share links."""

    def visible_to(self, user: User) -> "ShareQuerySet":
        """Those of one's own conversations that are not in the trash."""
        return self.filter(conversation__owner=user, conversation__trashed_at=None)

    def open(self) -> "ShareQuerySet":
        """Those that still lead somewhere: their time is not over, their owner may log in, nothing is in the trash."""
        lasting = Q(expires_at=None) | Q(expires_at__gt=Now())
        return self.filter(lasting, conversation__trashed_at=None, conversation__owner__is_active=True)


class Share(models.Model):
    """A link to the branch that ended in ``head`` when it was made; what is said later is not in it."""

    class Audience(models.TextChoices):
        """Who may open it."""

        LINK = "link", _("Anyone who has the link")
        MEMBERS = "members", _("People who are logged in here")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="shares")
    head = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="+")
    token = models.CharField(max_length=64, unique=True, default=new_token, editable=False)
    audience = models.CharField(_("audience"), max_length=10, choices=Audience, default=Audience.MEMBERS)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "id")

    def __str__(self) -> str:
        return str(self.pk)
