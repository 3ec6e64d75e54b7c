"""Turns the outcome of an attempt into its final rows, or into another attempt."""

import logging
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from conversations.booking import book_usage
from conversations.claim import Claim
from conversations.events import EventType
from conversations.models import Conversation, Generation, Message
from conversations.runner import Ending, Outcome
from providers.errors import Cancelled, ErrorRecord, ProviderError, UnknownError
from providers.ledger import estimate_usage
from providers.retry import RetryPolicy, next_delay
from providers.types import ChatRequest, FinishReason

logger = logging.getLogger(__name__)

POLICY = RetryPolicy()
MAX_CRASHES = 2
"""Attempts of a run that dies with its process or is handed back."""
Status = Generation.Status


@dataclass(slots=True)
class Settlement:
    """What became of the run, the events that tell it, and when to publish it again (seconds)."""

    status: str
    events: list[tuple[EventType, object]] = field(default_factory=list)
    retry_in: float | None = None

    @property
    def is_final(self) -> bool:
        """Whether the run is over."""
        return self.status not in (Status.QUEUED, "")


def settle(claim: Claim, outcome: Outcome, request: ChatRequest | None) -> Settlement:
    """Write the outcome in one transaction, with the ledger entry; writes nothing if the attempt lost its row."""
    if outcome.ending is Ending.FENCED:
        return Settlement("")
    delay = _delay_of_retry(claim, outcome)
    with transaction.atomic():
        owned = Generation.objects.owned({claim.generation_id: claim.attempt})
        if not owned.update(heartbeat_at=Now()):
            return Settlement("")
        if delay is not None:
            return _queue_again(claim, outcome, delay)
        return _end(claim, outcome, request)


def _delay_of_retry(claim: Claim, outcome: Outcome) -> float | None:
    """Seconds until the next attempt, or ``None`` when there is none."""
    if outcome.has_output:
        return None
    if outcome.ending is Ending.HANDED_BACK:
        return 0.0 if claim.attempt < MAX_CRASHES + claim.failures else None
    if outcome.ending is Ending.FAILED and outcome.error is not None:
        return next_delay(outcome.error, claim.failures + 1, POLICY)
    return None


def _queue_again(claim: Claim, outcome: Outcome, delay: float) -> Settlement:
    error = outcome.error
    failures = claim.failures + (1 if error else 0)
    Generation.objects.filter(pk=claim.generation_id).update(
        status=Status.QUEUED,
        failures=failures,
        error=error.record() if error else None,
        next_attempt_at=timezone.now() + timedelta(seconds=delay) if delay else None,
        published_at=Now(),
        publications=F("publications") + 1,
    )
    events: list[tuple[EventType, object]] = []
    if error is not None:
        text = f"{error.message} Trying again in {max(1, round(delay))} s ({failures + 1} of {POLICY.attempts})."
        events = [(EventType.NOTICE, {"text": text, "code": error.code, "retry_in": delay})]
    return Settlement(Status.QUEUED, events, retry_in=delay)


def _end(claim: Claim, outcome: Outcome, request: ChatRequest | None) -> Settlement:
    status, error = _final_status(outcome)
    finish_reason = _finish_reason(outcome)
    usage = _book(claim, outcome, request)
    Message.objects.filter(pk=claim.message_id).update(
        content=outcome.snapshot.text, reasoning=outcome.snapshot.reasoning
    )
    Generation.objects.filter(pk=claim.generation_id).update(
        status=status,
        finish_reason=finish_reason,
        usage=usage,
        error=error,
        first_token_at=outcome.first_token_at,
        finished_at=Now(),
    )
    Conversation.objects.filter(pk=claim.conversation_id).update(updated_at=Now())
    return Settlement(status, [(EventType.GENERATION_END, end_payload(status, finish_reason, usage, error))])


def _finish_reason(outcome: Outcome) -> str:
    """The model's own reason, ``error`` for a failure, and nothing for a run that somebody or something ended."""
    if outcome.finish is not None:
        return outcome.finish.reason.value
    return FinishReason.ERROR.value if outcome.ending is Ending.FAILED else ""


def end_payload(
    status: str, finish_reason: str, usage: dict[str, object] | None, error: ErrorRecord | None
) -> dict[str, object]:
    """The data of a generation-end event."""
    return {"status": str(status), "finish_reason": finish_reason or None, "usage": usage, "error": error}


def _final_status(outcome: Outcome) -> tuple[Status, ErrorRecord | None]:
    match outcome.ending:
        case Ending.FINISHED:
            return Status.COMPLETED, None
        case Ending.STOPPED:
            return Status.CANCELLED, Cancelled().record()
        case Ending.HANDED_BACK:
            return Status.INTERRUPTED, interrupted_error()
        case _:
            error: ProviderError = outcome.error or UnknownError()
            return Status.FAILED, error.record()


def interrupted_error() -> ErrorRecord:
    """The error of a run whose process ended under it."""
    record = UnknownError().record()
    record["code"] = "interrupted"
    record["message"] = "The answer was interrupted because the server stopped."
    record["hint"] = "What had arrived was kept. Regenerate to get a whole answer."
    return record


def _book(claim: Claim, outcome: Outcome, request: ChatRequest | None) -> dict[str, object] | None:
    """The ledger entry of a call that reached the provider, and its public form."""
    told = outcome.finish.usage if outcome.finish else None
    if request is None or (told is None and not outcome.has_output and outcome.ending is not Ending.FINISHED):
        return None
    written = outcome.snapshot.text + outcome.snapshot.reasoning
    return book_usage(claim.generation_id, request, told or estimate_usage(request, written))
