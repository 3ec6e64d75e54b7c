"""The tasks. They take an id, read the rows again, and tolerate absence and double delivery."""

import threading
from functools import partial
from uuid import UUID

from celery import shared_task

from accounts.sessions import purge_sessions
from conversations import drain, shelf, titles
from conversations.claim import claim_generation, claim_next
from conversations.execution import execute_claim, persistently
from conversations.publication import publish_run
from conversations.reaper import reap

SLACK = 0.05  # seconds: a retry must not come before the database's clock says that it is due


@shared_task(name="conversations.tasks.run_generation")
def run_generation(_generation_id: str) -> None:
    """Run the generation whose turn it is: the id only says that something is queued.

    What is to be tried again at once stays with this worker; what has to wait is published again after its delay.
    """
    claim = None if drain.is_draining() else persistently(claim_next)
    while claim is not None:
        settlement = execute_claim(claim)
        if settlement.retry_in is None:
            return
        if settlement.retry_in:
            _publish_later(claim.generation_id, settlement.retry_in)
            return
        if drain.is_draining():
            publish_run(claim.generation_id)
            return
        claim = persistently(partial(claim_generation, claim.generation_id))


@shared_task(name="conversations.tasks.reap_generations")
def reap_generations() -> None:
    """One round of the reaper."""
    reap()


@shared_task(name="conversations.tasks.purge_expired")
def purge_expired() -> None:
    """Delete for good what was long enough in the trash, temporary conversations that were left, ended sessions."""
    shelf.purge_expired()
    purge_sessions()


@shared_task(name=titles.TITLE_TASK)
def write_title(conversation_id: str) -> None:
    """A better title than the first words of the first message."""
    if not drain.is_draining():
        titles.write_title(UUID(conversation_id))


def _publish_later(generation_id: UUID, seconds: float) -> None:
    """A timer that dies with the process is made up for by the reaper."""
    timer = threading.Timer(seconds + SLACK, publish_run, [generation_id])
    timer.daemon = True
    timer.start()
