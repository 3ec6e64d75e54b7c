"""Sends the events of all runs of the process: one pipeline per tick, whatever their number."""

import asyncio
import logging
from uuid import UUID

from django.conf import settings
from redis.exceptions import RedisError, ResponseError

from conversations.events import Event, EventType
from conversations.log import KEEP, append_commands
from conversations.run import Run
from providers import valkey

logger = logging.getLogger(__name__)

SHORTEST_WINDOW = 0.025  # seconds: the first delta goes at once, later ones are merged for at least this long
LONGEST_WINDOW = 0.05
PAUSE_AFTER_FAILURE = 0.5  # seconds


class Flusher:
    """Belongs to the engine's loop. What was sent without an answer is sent again: the ids make that harmless."""

    def __init__(self) -> None:
        self._runs: dict[UUID, Run] = {}
        self._dirty = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._work(), name="flusher")
        self._is_failing = False

    def add(self, run: Run) -> None:
        """Begin to send a run's events."""
        self._runs[run.generation_id] = run

    def discard(self, run: Run) -> None:
        """Stop sending; what is not through is dropped."""
        if self._runs.get(run.generation_id) is run:
            del self._runs[run.generation_id]

    def wake(self) -> None:
        """Say that some run has news."""
        self._dirty.set()

    def close(self) -> None:
        """End the work; what is not through is dropped."""
        self._task.cancel()

    async def drain(self, run: Run, seconds: float) -> None:
        """Wait until the log has everything of a run, for ``seconds`` at most; it is sent later all the same."""
        deadline = asyncio.get_running_loop().time() + seconds
        while run.has_news and run.generation_id in self._runs and asyncio.get_running_loop().time() < deadline:
            self.wake()
            await asyncio.sleep(SHORTEST_WINDOW / 3)

    async def _work(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            began = self.loop.time()
            if await self._flush():
                await asyncio.sleep(window_after(self.loop.time() - began))
            else:
                self._dirty.set()
                await asyncio.sleep(PAUSE_AFTER_FAILURE)

    async def _flush(self) -> bool:
        """Send every outbox in one pipeline; false when Valkey did not answer and all must be sent again."""
        batch = [(run, list(run.fill_outbox())) for run in list(self._runs.values()) if run.has_news]
        pipeline = valkey.async_client().pipeline(transaction=False)
        for run, events in batch:
            is_end = events[-1].type is EventType.GENERATION_END
            ttl = KEEP if is_end else settings.GENERATION_DEADLINE + KEEP if run.creates_log else 0
            append_commands(pipeline, run.generation_id, events, creates=run.creates_log, ttl=ttl)
        try:
            answers = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
            return False
        if self._is_failing:
            self._is_failing = False
            logger.info("Valkey answers again.")
        self._settle(batch, answers)
        return True

    def _note_failure(self, error: Exception) -> None:
        if not self._is_failing:
            self._is_failing = True
            logger.warning("Valkey does not answer (%s); events wait in memory.", type(error).__name__)

    def _settle(self, batch: list[tuple[Run, list[Event]]], answers: list[object]) -> None:
        position = 0
        for run, events in batch:
            is_end = events[-1].type is EventType.GENERATION_END
            size = 2 * len(events) + (1 if is_end or run.creates_log else 0)
            self._settle_run(run, answers[position : position + 2 * len(events) : 2], is_end=is_end)
            position += size

    def _settle_run(self, run: Run, added: list[object], *, is_end: bool) -> None:
        if any(answer is None for answer in added):
            logger.warning("The event log of %s is gone; writing it again.", run.generation_id)
            run.restart_log()
            self.wake()
            return
        failures = [answer for answer in added if isinstance(answer, Exception) and not is_repetition(answer)]
        if failures:
            self._note_failure(failures[0])
            asyncio.get_running_loop().call_later(PAUSE_AFTER_FAILURE, self.wake)
            return
        run.outbox, run.creates_log = [], False
        if is_end:
            self.discard(run)
        elif run.has_news:
            self.wake()


def window_after(seconds: float) -> float:
    """How long deltas are merged after a flush that took ``seconds``: the longer, the busier the process is."""
    return min(LONGEST_WINDOW, SHORTEST_WINDOW + seconds)


def is_repetition(answer: Exception) -> bool:
    """Whether the stream has this id, or one of a newer attempt, already. Nothing is lost in either case."""
    return isinstance(answer, ResponseError) and "equal or smaller" in str(answer)
