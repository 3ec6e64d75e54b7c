"""One generation from claim to settlement, in a worker's thread. ORM before and after; the stream is the engine's."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, connection

from agents.services import build_request
from conversations.claim import Claim, claim_generation
from conversations.events import EventType
from conversations.history import read_history
from conversations.models import Generation
from conversations.run import Run
from conversations.runner import Ending, Outcome, announce, finish_run, stream_attempt
from conversations.settlement import Settlement, settle
from providers import engine
from providers.errors import ProviderError, ProviderNotFound
from providers.types import ChatRequest

logger = logging.getLogger(__name__)

SETTLE_TRIES = 30  # a database restart takes seconds; the text waits in memory


@dataclass(frozen=True, slots=True)
class Plan:
    """What an attempt is going to ask of whom."""

    provider_id: UUID
    provider_name: str
    request: ChatRequest
    dropped: tuple[str, ...]


def execute_generation(generation_id: UUID) -> Settlement | None:
    """Run a queued generation; ``None`` when somebody else has it, it is over, or it is not due yet."""
    claim = claim_generation(generation_id)
    if claim is None:
        return None
    run = Run(generation_id=claim.generation_id, message_id=claim.message_id, attempt=claim.attempt, epoch=claim.epoch)
    engine.run(announce(run, _first_events(claim)))
    try:
        plan = _plan(claim)
    except ProviderError as error:
        outcome = Outcome(Ending.FAILED, run.whole(), has_output=False, first_token_at=None, error=error)
        return _conclude(claim, run, outcome, None)
    finally:
        connection.close()
    if plan.dropped:
        engine.run(announce(run, [(EventType.NOTICE, {"text": _dropped_notice(plan)})]))
    outcome = engine.run(stream_attempt(run, plan.provider_id, plan.request))
    return _conclude(claim, run, outcome, plan)


def _first_events(claim: Claim) -> list[tuple[EventType, object]]:
    start = (EventType.GENERATION_START, {"message": str(claim.message_id)})
    attempt = (EventType.ATTEMPT_START, {"attempt": claim.attempt, "reason": claim.reason})
    return [start, attempt] if claim.attempt == 1 else [attempt]


def _plan(claim: Claim) -> Plan:
    """The request of this attempt, from what the database says now."""
    rows = Generation.objects.select_related("message__agent__provider", "override_provider")
    generation = rows.get(pk=claim.generation_id)
    agent = generation.asked_agent
    if agent is None or agent.provider is None:
        raise ProviderNotFound
    request, dropped = build_request(agent, read_history(generation.message))
    Generation.objects.owned({claim.generation_id: claim.attempt}).update(
        provider_name=agent.provider.name, model=request.model
    )
    return Plan(agent.provider.pk, agent.provider.name, request, dropped)


def _dropped_notice(plan: Plan) -> str:
    names = ", ".join(name.replace("_", " ") for name in plan.dropped)
    return f"{plan.request.model} does not take {names}; left out."


def _conclude(claim: Claim, run: Run, outcome: Outcome, plan: Plan | None) -> Settlement:
    """Write the outcome, then tell the followers: who sees generation-end finds it in the database."""
    settlement = _persistently(lambda: settle(claim, outcome, plan.request if plan else None))
    connection.close()
    if settlement.events:
        engine.run(announce(run, settlement.events))
    engine.run(finish_run(run, ended=settlement.is_final))
    return settlement


def _persistently(write: Callable[[], Settlement]) -> Settlement:
    """Try again while the database is away; the last failure is raised and the reaper takes over."""
    for attempt in range(SETTLE_TRIES):
        try:
            return write()
        except DatabaseError as error:
            connection.close()
            if attempt == SETTLE_TRIES - 1:
                raise
            logger.warning("The outcome could not be saved yet (%s).", type(error).__name__)
            time.sleep(min(2.0, 0.2 * 2**attempt))
    raise AssertionError("unreachable")
