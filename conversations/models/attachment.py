"""Pictures that people attach to their messages."""

import secrets
import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Max, Q, Sum
from django.db.models.functions import Now

from accounts.models import User
from conversations.models.conversation import Conversation
from conversations.models.message import Message

UNSENT_LIFETIME: Final = timedelta(days=1)
"""How long a picture waits for a conversation that has not begun."""
DRAFT_LIFETIME: Final = timedelta(days=30)
"""How long a picture waits in the composer of a conversation."""
THUMB: Final = (320, 240)  # CSS pixels of a picture that stands alone in the transcript
ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg"}


def stored_name(attachment: "Attachment", _given: str) -> str:
    """Where the bytes are kept below the folder of uploads: under a name that nobody can guess."""
    token = secrets.token_hex(20)
    return f"{token[:2]}/{token}.{ENDINGS[attachment.media_type]}"


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    """Reads of attachments."""

    def visible_to(self, user: User) -> "AttachmentQuerySet":
        """One's own, but for those of conversations in the trash."""
        return self.filter(owner=user, conversation__trashed_at=None)

    def unsent(self) -> "AttachmentQuerySet":
        """Those that wait in a composer, in the order in which they came."""
        return self.filter(message=None).order_by("created_at", "id")

    def abandoned(self) -> "AttachmentQuerySet":
        """Those that have waited for too long."""
        alone = Q(conversation=None, created_at__lt=Now() - UNSENT_LIFETIME)
        return self.filter(alone | Q(created_at__lt=Now() - DRAFT_LIFETIME), message=None)

    def bytes_of(self, user: User) -> int:
        """How much a person keeps; versions and forks share their bytes, which count once."""
        sizes = self.filter(owner=user).order_by().values("file").annotate(bytes=Max("size"))
        return sizes.aggregate(total=Sum("bytes"))["total"] or 0


class Attachment(models.Model):
    """A picture, made anew from what was uploaded, so that nothing else is in the file.

    Without a message it waits in a composer: in that of ``conversation``, or of one that has not begun. Rows of several
    messages (versions, forks) may share one file, which goes with the last of them (``conversations.attachments``).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="attachments")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, null=True, related_name="attachments")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    file = models.FileField(upload_to=stored_name, max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        ordering = ("position", "created_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(message=None) | Q(conversation__isnull=False), name="sent_attachment_has_conversation"
            ),
        )
        indexes = (
            models.Index(fields=("file",), name="attachments_of_file"),
            models.Index(fields=("created_at",), name="attachments_unsent", condition=Q(message=None)),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def thumb(self) -> tuple[int, int]:
        """Width and height in which it is shown when it stands alone: whole, never enlarged."""
        scale = min(1, THUMB[0] / self.width, THUMB[1] / self.height)
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))

    def read(self) -> bytes:
        """The stored bytes; raises ``OSError`` when they are gone."""
        with self.file.storage.open(str(self.file.name)) as stored:
            return bytes(stored.read())
