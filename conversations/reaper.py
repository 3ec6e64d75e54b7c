"""Ends what nobody is running any more, and publishes again what nobody has claimed."""

import logging
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from redis.exceptions import RedisError

from conversations.claim import next_epoch
from conversations.decision import Again, End, after_crash
from conversations.events import REAPED, Event, EventId, EventType
from conversations.log import append_end, encode_payload
from conversations.models import Generation
from conversations.models.generation import GenerationQuerySet
from conversations.publication import publish_run
from conversations.rebuild import events_of_finished
from conversations.receipt import Receipt, add_attempt
from conversations.salvage import book_what_was_written, newly_written, salvage_text
from conversations.settlement import INTERRUPTED, interrupted_error, queue_again, read_dated, write_end
from providers.errors import Cancelled, ErrorRecord

logger = logging.getLogger(__name__)

SILENCE = timedelta(seconds=30)
FIRST_WAIT = 15  # seconds without a claim before a queued run is published again; doubles each time
LONGEST_WAIT = 600  # seconds
BATCH = 200
Status = Generation.Status


def reap(runs: GenerationQuerySet | None = None) -> int:
    """One round over all runs, or over these; returns how many rows it touched. Safe to run in parallel.

    Beat does it every ten seconds, and whoever follows a run does it to that run: nobody depends on beat alone.
    """
    runs = Generation.objects.all() if runs is None else runs
    silent = runs.filter(status=Status.RUNNING, heartbeat_at__lt=Now() - SILENCE)
    reaped = sum(_reap_run(pk, attempt) for pk, attempt in silent.values_list("pk", "attempt")[:BATCH])
    return reaped + _publish_overdue(runs.filter(status=Status.QUEUED))


def end_queued(generation_id: UUID) -> bool:
    """Cancel a run that nobody has claimed; false when it is not queued."""
    with transaction.atomic():
        row = Generation.objects.select_for_update(of=("self",)).filter(pk=generation_id, status=Status.QUEUED)
        if not row.exists():
            return False
        generation = read_dated(generation_id)
        if not generation.attempt:
            generation.epoch = next_epoch(generation.conversation_id)
            row.update(epoch=generation.epoch)
        _end(generation, Status.CANCELLED, Cancelled().record(), None, generation.receipt)
    return True


def _reap_run(generation_id: UUID, attempt: int) -> int:
    with transaction.atomic():
        row = Generation.objects.select_for_update(of=("self",)).filter(
            pk=generation_id, attempt=attempt, status=Status.RUNNING, heartbeat_at__lt=Now() - SILENCE
        )
        if not row.exists():
            return 0
        generation = read_dated(generation_id)
        salvage_text(generation)
        receipt = add_attempt(generation, None, INTERRUPTED)
        again = End() if newly_written(generation) or generation.cancel_requested else after_crash(generation)
        if isinstance(again, Again):
            queue_again(generation, again, receipt, None)
            transaction.on_commit(lambda: publish_run(generation_id), robust=True)
        else:
            stopped = generation.cancel_requested
            status, error = (
                (Status.CANCELLED, Cancelled().record()) if stopped else (Status.INTERRUPTED, interrupted_error())
            )
            _end(generation, status, error, book_what_was_written(generation), receipt)
    logger.warning("Generation %s had no heartbeat for 30 s (attempt %s).", generation_id, attempt)
    return 1


def _end(
    generation: Generation, status: Status, error: ErrorRecord, usage: dict[str, object] | None, receipt: Receipt
) -> None:
    """Write the end, and on commit tell the followers."""
    payload = write_end(generation, status, error, usage, receipt)
    event = Event(EventId(generation.epoch, REAPED), EventType.GENERATION_END, encode_payload(payload))
    # A continuation that never began has told nobody yet of the text that it was to go on from.
    is_untold = generation.prefix and not generation.attempt
    events = events_of_finished(generation.pk) if is_untold else [event]
    transaction.on_commit(lambda: _tell(generation.pk, events), robust=True)


def _tell(generation_id: UUID, events: list[Event]) -> None:
    try:
        append_end(generation_id, events)
    except (RedisError, OSError):
        logger.warning("Valkey did not take the end of %s; followers find it in the database.", generation_id)


def _publish_overdue(queued: GenerationQuerySet) -> int:
    """The row is the outbox: what is queued, due and unclaimed for too long is published again."""
    ended = [end_queued(pk) for pk in queued.filter(cancel_requested=True).values_list("pk", flat=True)[:BATCH]]
    count = sum(ended)
    for generation in queued.due().dated().order_by("queued_at")[:BATCH]:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** max(0, generation.publications - 1))
        if generation.read_at - (generation.published_at or generation.queued_at) < timedelta(seconds=wait):
            continue
        queued.filter(pk=generation.pk).update(published_at=Now(), publications=F("publications") + 1)
        publish_run(generation.pk)
        count += 1
    return count
