"""Turns the outcome of an attempt into its final rows, or into another attempt."""

import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from conversations.booking import book_usage, is_booked
from conversations.claim import Claim
from conversations.decision import Again, End, LeftHop, decide
from conversations.events import EventType
from conversations.models import Conversation, Generation, Message
from conversations.plan import Plan
from conversations.receipt import Receipt, add_attempt, close_receipt
from conversations.runner import Ending, Outcome
from conversations.telling import announce_end
from conversations.titles import wish_for_title
from conversations.tool_calls import with_calls
from providers import notices
from providers.errors import Cancelled, ErrorRecord, ProviderError, UnknownError
from providers.ledger import estimate_usage
from providers.types import FinishReason

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


def settle(claim: Claim, outcome: Outcome, plan: Plan | None) -> Settlement:
    """Write the outcome in one transaction, with the ledger entry; only the latter if the run was deleted meanwhile.

    Writes nothing if the row belongs to another attempt or is over.
    """
    with transaction.atomic():
        owned = Generation.objects.owned({claim.generation_id: claim.attempt})
        if outcome.ending is Ending.FENCED or not owned.update(heartbeat_at=Now()):
            _book_deleted(claim.generation_id, outcome, plan)
            return Settlement("")
        generation = read_dated(claim.generation_id)
        outcome = _as_shown(generation, outcome)
        generation.first_token_at = _moment(generation, outcome.first_token)
        decision = decide(generation, outcome, plan)
        receipt = add_attempt(generation, plan, _code(outcome))
        if isinstance(decision, Again):
            return _queue_again(generation, outcome, decision, receipt)
        return _end(generation, outcome, plan, decision, receipt)


def read_dated(generation_id: UUID) -> Generation:
    """A run with its agent, and the database's clock as ``read_at``."""
    rows = Generation.objects.select_related("conversation__owner", "message__agent__provider", "message__agent__owner")
    return rows.dated().get(pk=generation_id)


def _as_shown(generation: Generation, outcome: Outcome) -> Outcome:
    """Without the provider's own words where they may repeat an agent's instructions that the reader may not see."""
    agent = generation.message.agent
    if outcome.error is None or agent is None or agent.is_editable_by(generation.conversation.owner):
        return outcome
    return replace(outcome, error=outcome.error.without_detail())


def queue_again(generation: Generation, again: Again, receipt: Receipt, error: ErrorRecord | None) -> None:
    """Make a run wait for its next attempt; the times are the database's."""
    Generation.objects.filter(pk=generation.pk).update(
        status=Status.QUEUED,
        hop=again.hop,
        hops=[*generation.hops, *again.left],
        failures=again.failures,
        crashes=again.crashes,
        is_trimmed=again.is_trimmed,
        receipt=receipt,
        error=error,
        next_attempt_at=Now() + timedelta(seconds=again.delay) if again.delay else None,
        published_at=Now(),
        publications=F("publications") + 1,
    )


def _queue_again(generation: Generation, outcome: Outcome, again: Again, receipt: Receipt) -> Settlement:
    queue_again(generation, again, receipt, outcome.error.record() if outcome.error else None)
    events: list[tuple[EventType, object]] = [(EventType.NOTICE, again.notice)] if again.notice else []
    return Settlement(Status.QUEUED, events, retry_in=again.delay)


def _end(generation: Generation, outcome: Outcome, plan: Plan | None, decision: End, receipt: Receipt) -> Settlement:
    status, error = _final_status(generation, outcome)
    usage = _book(generation.pk, outcome, plan)
    if (thought := outcome.snapshot.thought_seconds) is not None:
        receipt["thought_seconds"] = max(1, round(thought))
    Message.objects.filter(pk=generation.message_id).update(
        content=outcome.snapshot.text,
        reasoning=outcome.snapshot.reasoning,
        tool_calls=with_calls(generation.message.tool_calls, outcome.calls),
    )
    payload = write_end(
        generation,
        status,
        error,
        usage,
        receipt,
        left=decision.left,
        finish_reason=_finish_reason(outcome),
        model_answered=outcome.finish.model if outcome.finish else "",
    )
    # Not before the run is let go: who deletes it has locked the conversation, and waits for the run.
    transaction.on_commit(partial(_touch, generation.conversation_id), robust=True)
    if status == Status.COMPLETED:
        wish_for_title(generation.conversation_id)
    return Settlement(status, [(EventType.GENERATION_END, payload)])


def _touch(conversation_id: UUID) -> None:
    Conversation.objects.filter(pk=conversation_id).update(updated_at=Now())


def write_end(
    generation: Generation,
    status: Status,
    error: ErrorRecord | None,
    usage: dict[str, object] | None,
    receipt: Receipt,
    *,
    left: list[LeftHop] | None = None,
    finish_reason: str = "",
    model_answered: str = "",
) -> dict[str, object]:
    """The final row of a run that was read by ``read_dated``; returns the data of its generation-end."""
    now = generation.read_at
    generation.hops = [*generation.hops, *(left or [])]
    Generation.objects.filter(pk=generation.pk).update(
        status=status,
        finish_reason=finish_reason,
        usage=usage,
        error=error,
        hops=generation.hops,
        receipt=close_receipt(
            receipt,
            generation,
            finished_at=now,
            usage=usage,
            model_answered=model_answered,
        ),
        first_token_at=generation.first_token_at,
        finished_at=now,
    )
    announce_end(generation, status, finish_reason, usage, error)
    return end_payload(status, finish_reason, usage, error)


def _moment(generation: Generation, monotonic: float | None) -> datetime | None:
    """A moment of this process's clock on the database's, which has just been read."""
    if monotonic is None or generation.started_at is None:
        return None
    return max(generation.started_at, generation.read_at - timedelta(seconds=time.monotonic() - monotonic))


def _finish_reason(outcome: Outcome) -> str:
    """The model's own reason, ``error`` for a failure, and nothing for a run that somebody or something ended.

    Some servers say ``stop`` behind a call of a tool; it is one all the same.
    """
    if outcome.finish is not None:
        if outcome.calls and outcome.finish.reason is FinishReason.STOP:
            return FinishReason.TOOL_CALLS.value
        return outcome.finish.reason.value
    return FinishReason.ERROR.value if outcome.ending is Ending.FAILED else ""


def end_payload(
    status: str, finish_reason: str, usage: dict[str, object] | None, error: ErrorRecord | None
) -> dict[str, object]:
    """The data of a generation-end event."""
    return {"status": str(status), "finish_reason": finish_reason or None, "usage": usage, "error": error}


def _final_status(generation: Generation, outcome: Outcome) -> tuple[Status, ErrorRecord | None]:
    match outcome.ending:
        case Ending.FINISHED:
            return Status.COMPLETED, None
        case Ending.STOPPED:
            return Status.CANCELLED, Cancelled().record()
        case _ if generation.cancel_requested and not outcome.has_output:
            return Status.CANCELLED, Cancelled().record()
        case Ending.HANDED_BACK:
            return Status.INTERRUPTED, interrupted_error()
        case _:
            return Status.FAILED, _error(outcome).record()


def _error(outcome: Outcome) -> ProviderError:
    return outcome.error or UnknownError()


def _code(outcome: Outcome) -> str:
    codes = {Ending.FINISHED: "ok", Ending.STOPPED: Cancelled.code, Ending.HANDED_BACK: INTERRUPTED}
    return codes.get(outcome.ending) or _error(outcome).code


INTERRUPTED = "interrupted"


def interrupted_error() -> ErrorRecord:
    """The error of a run whose process ended under it."""
    record = UnknownError().record()
    record["code"] = INTERRUPTED
    record["message"] = notices.INTERRUPTED
    record["hint"] = notices.INTERRUPTED_HINT
    return record


def _book(generation_id: UUID, outcome: Outcome, plan: Plan | None) -> dict[str, object] | None:
    """The ledger entry of a call that reached the provider, and its public form."""
    told = outcome.finish.usage if outcome.finish else None
    if plan is None or (told is None and not outcome.has_output and outcome.ending is not Ending.FINISHED):
        return None
    called = "".join(call.name + call.arguments for call in outcome.calls)
    return book_usage(generation_id, plan, told or estimate_usage(plan.request, outcome.written + called))


def _book_deleted(generation_id: UUID, outcome: Outcome, plan: Plan | None) -> None:
    """What was used stays used; once, for whoever ended the run before it was deleted has booked it."""
    is_gone = not Generation.objects.filter(pk=generation_id).exists()
    if is_gone and plan is not None and not is_booked(generation_id, plan):
        _book(generation_id, outcome, plan)
