"""The tasks. They take an id, read the row again, and tolerate absence and double delivery."""

import threading
from uuid import UUID

from celery import shared_task

from conversations import drain
from conversations.execution import execute_generation
from conversations.publication import publish_run
from conversations.reaper import reap


@shared_task(name="conversations.tasks.run_generation")
def run_generation(generation_id: str) -> None:
    """Run one queued generation; publishes it again after the delay when it is to be retried."""
    if drain.is_draining():
        return
    pk = UUID(generation_id)
    settlement = execute_generation(pk)
    if settlement is not None and settlement.retry_in is not None:
        timer = threading.Timer(settlement.retry_in, publish_run, [pk])
        timer.daemon = True
        timer.start()


@shared_task(name="conversations.tasks.reap_generations")
def reap_generations() -> None:
    """One round of the reaper."""
    reap()
