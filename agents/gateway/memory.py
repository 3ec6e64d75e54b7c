"""What was looked up a moment ago, so that a busy caller does not look it up for every request."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from providers.database import in_thread

MAX_AGE: Final = 0.8  # seconds; a token that was revoked must not be accepted a second later
LIMIT: Final = 10_000  # answers

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Memory(Generic[Key, Value]):
    """Answers of a look-up, each used for ``MAX_AGE`` seconds from when the look began. Failures are not remembered."""

    def __init__(self) -> None:
        self._known: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._looking: dict[tuple[asyncio.AbstractEventLoop, Key], asyncio.Task[Value]] = {}

    async def get(self, key: Key, look: Callable[[], Value]) -> Value:
        """The remembered answer, else that of ``look``, which runs in a thread, once for all who ask meanwhile."""
        known = self._known.get(key)
        if known is not None and time.monotonic() - known[0] < MAX_AGE:
            return known[1]
        loop = asyncio.get_running_loop()
        task = self._looking.get((loop, key))
        if task is None:
            task = self._looking[loop, key] = loop.create_task(self._look(key, look))
            task.add_done_callback(lambda done: self._ended(loop, key, done))
        return await asyncio.shield(task)

    async def _look(self, key: Key, look: Callable[[], Value]) -> Value:
        started = time.monotonic()
        value = await in_thread(look)
        self._known[key] = (started, value)
        self._known.move_to_end(key)
        while len(self._known) > LIMIT:
            self._known.popitem(last=False)
        return value

    def _ended(self, loop: asyncio.AbstractEventLoop, key: Key, task: "asyncio.Task[Value]") -> None:
        self._looking.pop((loop, key), None)
        if not task.cancelled():
            task.exception()  # seen, even when everybody has left
