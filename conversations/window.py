"""A stretch of the shown branch: a page draws a few dozen messages, however many there are.

Links are walked in the database, from the stretch's end upwards, so that its cost depends on its own length. Only
going down (``newer``) reads the links from the head: which child is on the branch is known from there alone.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import connection

from conversations.branch import dress
from conversations.models import Conversation, Generation, Message

SIZE: Final = 40  # messages
CONTEXT: Final = 10  # messages above one that was looked for
FARTHEST: Final = 100_000  # messages of one branch

_WALK = """
WITH RECURSIVE walk(id, parent_id, step) AS (
    SELECT id, parent_id, 1 FROM conversations_message WHERE id = %s AND conversation_id = %s
    UNION ALL
    SELECT above.id, above.parent_id, walk.step + 1
    FROM conversations_message AS above JOIN walk ON above.id = walk.parent_id
    WHERE walk.step < %s AND walk.id <> %s
)
SELECT id FROM walk ORDER BY step DESC
"""


@dataclass(frozen=True, slots=True)
class Window:
    """Messages as ``active_branch`` gives them, and whether there are older and newer ones."""

    messages: list[Message]
    has_older: bool
    has_newer: bool


def latest(conversation: Conversation) -> Window:
    """The last messages of the branch."""
    path = _up(conversation, conversation.head_id, SIZE + 1)
    return _window(conversation, path[-SIZE:], has_older=len(path) > SIZE, has_newer=False)


def older(conversation: Conversation, message_id: UUID) -> Window:
    """The messages just above this one."""
    path = _up(conversation, message_id, SIZE + 2)[:-1]
    return _window(conversation, path[-SIZE:], has_older=len(path) > SIZE, has_newer=True)


def newer(conversation: Conversation, message_id: UUID) -> Window:
    """The messages just below this one, on the shown branch."""
    path = _down_to(conversation, message_id)[1:]
    return _window(conversation, path[:SIZE], has_older=True, has_newer=len(path) > SIZE)


def around(conversation: Conversation, message_id: UUID) -> Window:
    """This message with some above it, and what comes below it; the latest if it is not on the shown branch."""
    below = _down_to(conversation, message_id)
    if not below:
        return latest(conversation)
    above = _up(conversation, message_id, CONTEXT + 2)[:-1]
    path = [*above[-CONTEXT:], *below[: SIZE - CONTEXT]]
    has_newer = len(below) > SIZE - CONTEXT
    return _window(conversation, path, has_older=len(above) > CONTEXT, has_newer=has_newer)


def between(conversation: Conversation, first: UUID, last: UUID | None) -> Window | None:
    """From one message to another, else to the end: what a page shows already; ``None`` off the shown branch."""
    path = _down_to(conversation, first)
    if not path:
        return None
    end = path.index(last) + 1 if last in path else len(path)
    has_older = len(_up(conversation, first, 2)) > 1
    return _window(conversation, path[:end], has_older=has_older, has_newer=end < len(path))


def is_among_the_latest(conversation: Conversation, message_id: UUID) -> bool:
    """Whether the page shows the message by itself."""
    return message_id in _up(conversation, conversation.head_id, SIZE)


def newest_usage(conversation: Conversation) -> dict[str, object] | None:
    """What was counted for the last of the latest answers that was counted at all."""
    path = _up(conversation, conversation.head_id, SIZE)
    runs = Generation.objects.filter(message__in=path, usage__isnull=False).order_by("queued_at")
    counted = dict(runs.values_list("message", "usage"))
    return next((counted[pk] for pk in reversed(path) if pk in counted), None)


def _down_to(conversation: Conversation, message_id: UUID) -> list[UUID]:
    """From this message to the head; empty when it is not on the shown branch."""
    path = _up(conversation, conversation.head_id, FARTHEST, message_id)
    return path if path[:1] == [message_id] else []


def _up(conversation: Conversation, start: UUID | None, count: int, end: UUID | None = None) -> list[UUID]:
    """So many messages at and above ``start``, the highest first; nothing above ``end``."""
    if start is None:
        return []
    nobody = UUID(int=0)
    with connection.cursor() as cursor:
        values: tuple[UUID | str | int, ...] = (_stored(start), _stored(conversation.pk), count, _stored(end or nobody))
        cursor.execute(_WALK, values)
        return [value if isinstance(value, UUID) else UUID(value) for (value,) in cursor.fetchall()]


def _stored(pk: UUID) -> UUID | str:
    """An id as the database keeps it."""
    return pk if connection.features.has_native_uuid_field else pk.hex


def _window(conversation: Conversation, path: list[UUID], *, has_older: bool, has_newer: bool) -> Window:
    return Window(dress(path, conversation.pk), has_older, has_newer)
