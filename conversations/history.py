"""What of a conversation is sent to the model."""

from collections.abc import Iterator
from uuid import UUID

from django.conf import settings

from conversations.models import Message
from providers.types import ChatMessage


def read_history(reply: Message) -> tuple[ChatMessage, ...]:
    """The last messages of the branch that ends before ``reply``, oldest first, the empty ones left out."""
    newest_first = list(_ancestors(reply, settings.HISTORY_MESSAGES))
    return tuple(
        ChatMessage("user" if message.role == Message.Role.USER else "assistant", message.content)
        for message in reversed(newest_first)
        if message.content
    )


def _ancestors(message: Message, limit: int) -> Iterator[Message]:
    """Up to ``limit`` messages above this one, nearest first; reads the tree's links in one query."""
    links = dict(Message.objects.filter(conversation=message.conversation_id).values_list("pk", "parent_id"))
    wanted: list[UUID] = []
    parent = message.parent_id
    while parent is not None and len(wanted) < limit:
        wanted.append(parent)
        parent = links.get(parent)
    found = Message.objects.in_bulk(wanted)
    yield from (found[pk] for pk in wanted if pk in found)
