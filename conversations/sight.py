"""What a model gets to see: messages with their pictures, the newest first, as many as fit into one question."""

import base64
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from conversations.attachments import MOST
from conversations.models import Attachment, Message
from conversations.pictures import STORED_LIMIT
from providers.requests import IMAGE_LIMIT
from providers.types import ChatMessage, ImagePart, TextPart

logger = logging.getLogger(__name__)

ROOM: Final = MOST * STORED_LIMIT
"""Bytes of the pictures of one question: those of the newest message always fit, and every vendor takes it."""


class PictureCount(NamedTuple):
    """How many pictures of the messages that are sent go with them, and how many are only told of in words."""

    sent: int
    left_out: int


NO_PICTURES: Final = PictureCount(0, 0)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Messages as a model gets them, and how many pictures each has in the database."""

    messages: list[ChatMessage]
    pictures: list[int]


class _Budget:
    """What may still be sent of pictures."""

    def __init__(self, count: int) -> None:
        self._count, self._room = count, ROOM

    def take(self, picture: Attachment) -> bool:
        """Whether this one fits, too; from the first that does not, none does."""
        self._count -= 1
        self._room -= picture.size
        return self._count >= 0 and self._room >= 0


def load_messages(path: Sequence[UUID], *, takes_pictures: bool) -> Loaded:
    """The messages in the order of ``path``, nearest first; those that are gone are left out."""
    found = Message.objects.prefetch_related("attachments").in_bulk(path)
    budget = _Budget(IMAGE_LIMIT if takes_pictures else 0)
    rows = [found[pk] for pk in path if pk in found]
    return Loaded([_message(row, budget) for row in rows], [len(row.attachments.all()) for row in rows])


def _message(row: Message, budget: _Budget) -> ChatMessage:
    pictures = row.attachments.all()
    if row.role != Message.Role.USER:
        return ChatMessage("assistant", row.content)
    if not pictures:
        return ChatMessage("user", row.content)
    parts = [*_parts(pictures, budget), *([TextPart(row.content)] if row.content else [])]
    if any(isinstance(part, ImagePart) for part in parts):
        return ChatMessage("user", tuple(parts))
    return ChatMessage("user", "\n".join(part.text for part in parts if isinstance(part, TextPart)))


def _parts(pictures: Iterable[Attachment], budget: _Budget) -> Iterator[TextPart | ImagePart]:
    """Pictures before the words about them, as the vendors advise."""
    for number, picture in enumerate(pictures, 1):
        content = _read(picture) if budget.take(picture) else None
        if content is None:
            yield TextPart(f"[Picture {number}, {picture.width} by {picture.height} pixels, is not shown to you.]")
        else:
            yield ImagePart(picture.media_type, base64.b64encode(content).decode())


def _read(picture: Attachment) -> bytes | None:
    """The bytes; ``None`` when somebody has taken the file away: the answer comes all the same."""
    try:
        return picture.read()
    except OSError:
        logger.warning("The file of the attachment %s is gone.", picture.pk)
        return None
