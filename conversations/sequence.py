"""Which runs of a conversation a page has to follow."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from conversations.events import EventId
from conversations.models import ACTIVE, Generation

JUST_FINISHED = timedelta(seconds=30)
"""A page may have been rendered while the run was still going."""
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Followed:
    """A run and the message it writes."""

    pk: UUID
    message_id: UUID


def generations_after(conversation_id: UUID, position: EventId | None) -> list[Followed]:
    """The runs with events behind ``position``, oldest first; without one those that go on or have just ended.

    Of a message only its latest: that begins with all that the ones before have left.
    """
    if position is None:
        wanted = Q(status__in=ACTIVE) | Q(finished_at__gt=Now() - JUST_FINISHED)
    else:
        wanted = Q(status__in=ACTIVE) | Q(epoch__gte=position.epoch)
    runs = Generation.objects.filter(wanted, conversation=conversation_id).order_by("-queued_at")
    latest: dict[UUID, UUID] = {}
    for pk, message_id in runs.values_list("pk", "message_id")[:AT_ONCE]:
        latest.setdefault(message_id, pk)
    return [Followed(pk, message_id) for message_id, pk in reversed(latest.items())]
