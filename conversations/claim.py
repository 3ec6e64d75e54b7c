"""Claiming a queued generation: exactly one worker gets it, and gets a new attempt number."""

import time
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Coalesce, Now

from conversations.models import Generation
from conversations.models.generation import GenerationQuerySet


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write for one attempt. ``reason`` is the error code for which there is a new attempt."""

    generation_id: UUID
    message_id: UUID
    conversation_id: UUID
    attempt: int
    epoch: int
    reason: str
    prefix: str
    reasoning_prefix: str


def claim_generation(generation_id: UUID) -> Claim | None:
    """Take a queued, due generation; ``None`` when there is nothing to take. Double delivery is harmless."""
    with transaction.atomic():
        rows = Generation.objects.select_for_update(of=("self",))
        return _take(rows.filter(pk=generation_id).due())


def claim_next() -> Claim | None:
    """Take the queued, due generation whose turn it is; ``None`` when nothing waits.

    A task in the broker only says that something is queued: whose turn it is, is decided here.
    """
    with transaction.atomic():
        skips = connection.features.has_select_for_update_skip_locked
        due = Generation.objects.select_for_update(of=("self",), skip_locked=skips).due().order_by("queued_at", "pk")
        for person in Generation.objects.all().turns():
            if (claim := _take(due.filter(conversation__owner=person))) is not None:
                return claim
    return None


def _take(rows: GenerationQuerySet) -> Claim | None:
    """Claim the first of these rows; called in a transaction."""
    generation = rows.first()
    if generation is None:
        return None
    epoch = next_epoch(generation.conversation_id)
    Generation.objects.filter(pk=generation.pk).update(
        status=Generation.Status.RUNNING,
        attempt=F("attempt") + 1,
        epoch=epoch,
        provider_name="",
        model="",
        heartbeat_at=Now(),
        started_at=Coalesce(F("started_at"), Now()),
        next_attempt_at=None,
        publications=0,
    )
    return Claim(
        generation_id=generation.pk,
        message_id=generation.message_id,
        conversation_id=generation.conversation_id,
        attempt=generation.attempt + 1,
        epoch=epoch,
        reason=(generation.error or {}).get("code", ""),
        prefix=generation.prefix,
        reasoning_prefix=generation.reasoning_prefix,
    )


def next_epoch(conversation_id: UUID) -> int:
    """The epoch of a new attempt: about now, and later than all before it in the conversation."""
    siblings = Generation.objects.filter(conversation=conversation_id)
    latest: int = siblings.aggregate(latest=Coalesce(Max("epoch"), 0))["latest"]
    return max(time.time_ns() // 1_000_000, latest + 1)
