"""The places of waiting runs, for pages that watch them: looked up once a second per process, however many watch."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from uuid import UUID

from conversations.database import in_thread
from conversations.models import Generation

LOOK_EVERY = 2.0  # seconds between two looks of one watcher
FRESH = 1.0  # seconds for which one look serves all watchers


class _Board:
    """The places as they were a moment ago."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._places: dict[UUID, int] = {}
        self._read_at = float("-inf")

    def read(self) -> dict[UUID, int]:
        with self._lock:
            if time.monotonic() - self._read_at > FRESH:
                self._places = Generation.objects.all().places()
                self._read_at = time.monotonic()
            return self._places


_board = _Board()


async def watch_place(generation_id: UUID) -> AsyncIterator[int]:
    """The run's place now and whenever it has changed, until a worker takes the run or it is over.

    Says nothing while the run waits for its retry.
    """
    last: int | None = None
    while await in_thread(_is_queued, generation_id):
        place = (await in_thread(_board.read)).get(generation_id)
        if place is not None and place != last:
            yield place
        last = place
        await asyncio.sleep(LOOK_EVERY)


def _is_queued(generation_id: UUID) -> bool:
    return Generation.objects.filter(pk=generation_id, status=Generation.Status.QUEUED).exists()
