"""Events between whoever makes them and a reader who may be slow, silent or gone."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Generic, TypeVar

from providers.errors import ProviderTimeout

Item = TypeVar("Item")
WAITING_LIMIT = 1_000  # events that wait for a slow reader before the source has to wait, too
START_LIMIT = 10.0  # seconds within which somebody has to begin to read
STALL_LIMIT = 60.0  # seconds that the source waits for a reader who takes nothing


class Feed(Generic[Item]):
    """Reads a stream in a task of its own and hands over what has arrived in batches. Bound to the running loop.

    The stream is closed by ``aclose``, at its own end, and when nobody begins to read or reads on; a reader who comes
    back after all gets what has arrived, then ``ProviderTimeout``.
    """

    def __init__(self, stream: AsyncGenerator[Item, None]) -> None:
        self._waiting: list[Item] = []
        self._news, self._room = asyncio.Event(), asyncio.Event()
        self._task = asyncio.create_task(self._pump(stream))
        self._task.add_done_callback(self._ended)
        self._unread: asyncio.TimerHandle | None = None
        self._alarm: asyncio.TimerHandle | None = None

    async def begin(self, seconds: float) -> None:
        """Return at the first event, at the end, or after ``seconds``. Raises what the stream raised by then."""
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._news.wait()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        if self._task.done() and not self._waiting:
            self._task.result()
        self._unread = asyncio.get_running_loop().call_later(START_LIMIT, self._task.cancel)

    async def next_batch(self, seconds: float) -> list[Item] | None:
        """What has arrived; nothing after ``seconds`` or less; ``None`` at the end. Raises as the stream does."""
        if self._unread is not None:
            self._unread.cancel()
        if not self._waiting and not self._task.done():
            self._news.clear()
            if self._alarm is None:
                self._alarm = asyncio.get_running_loop().call_later(seconds, self._ring)
            await self._news.wait()
        if not self._waiting and self._task.done():
            self._task.result()
            return None
        batch, self._waiting = self._waiting, []
        self._room.set()
        return batch

    async def aclose(self) -> None:
        """Close the stream and wait until it is closed."""
        self._task.cancel()
        if self._alarm is not None:
            self._alarm.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _ring(self) -> None:
        """One alarm serves many batches: setting and taking back a limit for each would cost more than the batch."""
        self._alarm = None
        self._news.set()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._news.set()
        if not task.cancelled():
            task.exception()  # seen, even when nobody reads on

    async def _pump(self, stream: AsyncGenerator[Item, None]) -> None:
        async with aclosing(stream):
            async for item in stream:
                if not self._waiting:
                    self._news.set()
                self._waiting.append(item)
                if len(self._waiting) >= WAITING_LIMIT:
                    self._room.clear()
                    await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        """While the source waits no time limit of its own runs, and it holds a connection and a slot."""
        try:
            async with asyncio.timeout(STALL_LIMIT):
                await self._room.wait()
        except TimeoutError:
            raise ProviderTimeout(phase="reader") from None
