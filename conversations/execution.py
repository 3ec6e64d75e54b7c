"""One generation from claim to settlement, in a worker's thread. ORM before and after; the stream is the engine's."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection

from conversations.claim import Claim, claim_generation
from conversations.plan import Plan, plan_attempt
from conversations.run import Run
from conversations.runner import Ending, Outcome, announce, begin_run, finish_run, stream_attempt
from conversations.settlement import Settlement, settle
from providers import engine
from providers.errors import ProviderError

logger = logging.getLogger(__name__)

TRIES = 4  # within a second and a half; a claimed run has no heartbeat yet, and the reaper takes silence for death
SETTLE_TRIES = 30  # a database restart takes seconds; the text waits in memory

Result = TypeVar("Result")


def execute_generation(generation_id: UUID) -> Settlement | None:
    """Run a queued generation; ``None`` when somebody else has it, it is over, or it is not due yet."""
    claim = claim_generation(generation_id)
    return None if claim is None else execute_claim(claim)


def execute_claim(claim: Claim) -> Settlement:
    """Run a claimed attempt to its settlement."""
    run = Run(
        generation_id=claim.generation_id,
        message_id=claim.message_id,
        attempt=claim.attempt,
        epoch=claim.epoch,
        prefix=claim.prefix,
        reasoning_prefix=claim.reasoning_prefix,
    )
    engine.run(begin_run(run, claim.reason))
    ended = False
    try:
        outcome, plan = _attempt(claim, run)
        settlement = persistently(lambda: settle(claim, outcome, plan), SETTLE_TRIES)
        connection.close()
        if settlement.events:  # only now: who sees generation-end finds it in the database
            engine.run(announce(run, settlement.events))
        ended = settlement.is_final
        return settlement
    finally:
        engine.run(finish_run(run, ended=ended))


def _attempt(claim: Claim, run: Run) -> tuple[Outcome, Plan | None]:
    """Plan the request and stream its answer; without a plan nobody was asked."""
    try:
        plan = persistently(lambda: plan_attempt(claim))
    except ProviderError as error:
        return Outcome(Ending.FAILED, run.whole(), error=error), None
    except (OperationalError, InterfaceError):
        return Outcome(Ending.NOT_BEGUN, run.whole()), None
    finally:
        connection.close()
    if notices := plan.notices():
        engine.run(announce(run, notices))
    return engine.run(stream_attempt(run, plan.hop.provider.pk, plan.request)), plan


def persistently(work: Callable[[], Result], tries: int = TRIES) -> Result:
    """Try again while the database is away; the last failure is raised.

    What the rows do not allow is tried once more: something may have been deleted in that very moment.
    """
    for attempt in range(tries):
        try:
            return work()
        except DatabaseError as error:
            connection.close()
            if attempt == tries - 1 or (attempt and isinstance(error, IntegrityError)):
                raise
            logger.warning("The database did not answer (%s); asking again.", type(error).__name__)
            time.sleep(min(2.0, 0.2 * 2**attempt))
    raise AssertionError("unreachable")
