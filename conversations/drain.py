"""A worker that is told to stop: claims nothing new, gives its streams time, hands the rest back.

Celery waits for the tasks of a threads pool for ever, so the end of the streams is what ends the process.
"""

import threading

from celery.signals import worker_shutting_down
from django.conf import settings

from conversations.runner import get_runner
from providers import engine

_draining = threading.Event()


def is_draining() -> bool:
    """Whether this process must not begin anything."""
    return _draining.is_set()


@worker_shutting_down.connect
def start_draining(**_: object) -> None:
    """Called by Celery in its signal handler: must not wait."""
    if not _draining.is_set():
        _draining.set()
        engine.submit(_drain())


async def _drain() -> None:
    await (await get_runner()).hand_back_all(settings.DRAIN_LIMIT)
