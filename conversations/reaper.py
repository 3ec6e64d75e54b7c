"""Ends what nobody is running any more, and publishes again what nobody has claimed."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from redis.exceptions import RedisError

from conversations.events import REAPED, Event, EventId, EventType
from conversations.log import append_end, encode_payload
from conversations.models import Generation
from conversations.publication import publish_run
from conversations.salvage import book_what_was_written, salvage_text
from conversations.settlement import MAX_CRASHES, end_payload, interrupted_error
from providers.errors import Cancelled, ErrorRecord

logger = logging.getLogger(__name__)

SILENCE = timedelta(seconds=30)
FIRST_WAIT = 15  # seconds without a claim before a queued run is published again; doubles each time
LONGEST_WAIT = 600  # seconds
BATCH = 200
Status = Generation.Status


def reap() -> int:
    """One round; returns how many rows it touched. Safe to run in parallel."""
    silent = Generation.objects.filter(status=Status.RUNNING, heartbeat_at__lt=Now() - SILENCE)
    reaped = sum(_reap_run(pk, attempt) for pk, attempt in silent.values_list("pk", "attempt")[:BATCH])
    return reaped + _publish_overdue()


def end_queued(generation_id: UUID) -> bool:
    """Cancel a run that nobody has claimed; false when it is not queued."""
    with transaction.atomic():
        row = Generation.objects.select_for_update(of=("self",)).filter(pk=generation_id, status=Status.QUEUED)
        generation = row.first()
        if generation is None:
            return False
        _end(generation, Status.CANCELLED, Cancelled().record())
    return True


def _reap_run(generation_id: UUID, attempt: int) -> int:
    with transaction.atomic():
        row = Generation.objects.select_for_update(of=("self",)).filter(
            pk=generation_id, attempt=attempt, status=Status.RUNNING, heartbeat_at__lt=Now() - SILENCE
        )
        generation = row.select_related("message__agent__provider").first()
        if generation is None:
            return 0
        message = salvage_text(generation)
        had_output = bool(message.content or message.reasoning)
        if generation.cancel_requested:
            generation.usage = book_what_was_written(generation)
            _end(generation, Status.CANCELLED, Cancelled().record())
        elif had_output or attempt >= MAX_CRASHES + generation.failures:
            generation.usage = book_what_was_written(generation)
            _end(generation, Status.INTERRUPTED, interrupted_error())
        else:
            row.update(status=Status.QUEUED, published_at=Now(), publications=1)
            transaction.on_commit(lambda: publish_run(generation_id), robust=True)
    logger.warning("Generation %s had no heartbeat for 30 s (attempt %s).", generation_id, attempt)
    return 1


def _end(generation: Generation, status: Status, error: ErrorRecord) -> None:
    """Write the end, and on commit tell the followers."""
    Generation.objects.filter(pk=generation.pk).update(
        status=status, error=error, usage=generation.usage, finished_at=Now()
    )
    event = Event(
        EventId(generation.epoch, REAPED),
        EventType.GENERATION_END,
        encode_payload(end_payload(status, generation.finish_reason, generation.usage, error)),
    )
    transaction.on_commit(lambda: _tell(generation.pk, event), robust=True)


def _tell(generation_id: UUID, event: Event) -> None:
    try:
        append_end(generation_id, event)
    except (RedisError, OSError):
        logger.warning("Valkey did not take the end of %s; followers find it in the database.", generation_id)


def _publish_overdue() -> int:
    """The row is the outbox: what is queued, due and unclaimed for too long is published again."""
    now = timezone.now()
    due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=now)
    count = 0
    queued = Generation.objects.filter(due, status=Status.QUEUED)
    for generation in queued.only("pk", "published_at", "publications", "queued_at", "cancel_requested")[:BATCH]:
        if generation.cancel_requested:
            count += end_queued(generation.pk)
            continue
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** max(0, generation.publications - 1))
        if now - (generation.published_at or generation.queued_at) < timedelta(seconds=wait):
            continue
        Generation.objects.filter(pk=generation.pk, status=Status.QUEUED).update(
            published_at=Now(), publications=F("publications") + 1
        )
        publish_run(generation.pk)
        count += 1
    return count
