"""Claiming a queued generation: exactly one worker gets it, and gets a new attempt number."""

import time
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from conversations.models import Generation


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to write for one attempt. ``reason`` is the error code for which there is a new attempt."""

    generation_id: UUID
    message_id: UUID
    conversation_id: UUID
    attempt: int
    failures: int
    epoch: int
    reason: str


def claim_generation(generation_id: UUID) -> Claim | None:
    """Take a queued, due generation; ``None`` when there is nothing to take. Double delivery is harmless."""
    now = timezone.now()
    due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    with transaction.atomic():
        row = Generation.objects.select_for_update(of=("self",)).filter(
            due, pk=generation_id, status=Generation.Status.QUEUED, cancel_requested=False
        )
        generation = row.first()
        if generation is None:
            return None
        siblings = Generation.objects.filter(conversation=generation.conversation_id)
        latest = siblings.aggregate(latest=Coalesce(Max("epoch"), 0))["latest"]
        epoch = max(time.time_ns() // 1_000_000, latest + 1)
        row.update(
            status=Generation.Status.RUNNING,
            attempt=F("attempt") + 1,
            epoch=epoch,
            heartbeat_at=Now(),
            started_at=Coalesce(F("started_at"), Now()),
            next_attempt_at=None,
        )
        return Claim(
            generation_id=generation.pk,
            message_id=generation.message_id,
            conversation_id=generation.conversation_id,
            attempt=generation.attempt + 1,
            failures=generation.failures,
            epoch=epoch,
            reason=(generation.error or {}).get("code", ""),
        )
