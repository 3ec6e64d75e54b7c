"""All running attempts of this process, on the engine's loop: streaming, checkpoints, stop, drain."""

import asyncio
import logging
import time
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings

from conversations.checkpoint import save_checkpoints
from conversations.control import listen_for_stops
from conversations.events import EventType
from conversations.flusher import Flusher
from conversations.run import Run, Snapshot
from providers import generation
from providers.adapters.completion import Calls
from providers.errors import BadResponse, ProviderError, ProviderTimeout, UnknownError
from providers.types import ChatRequest, Finish, ReasoningDelta, TextDelta, ToolCall, ToolCallDelta

logger = logging.getLogger(__name__)

CHECKPOINT_EVERY = 1.0  # seconds
CUT_TRIES = 3  # a second apart: libraries may forget a cancellation


class Ending(StrEnum):
    """How a stream ended."""

    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    """A person said stop."""
    HANDED_BACK = "handed_back"
    """This process is shutting down."""
    NOT_BEGUN = "not_begun"
    """The database did not tell what to ask."""
    FENCED = "fenced"
    """The row belongs to another attempt or is over: nothing may be written."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known when the stream is over."""

    ending: Ending
    snapshot: Snapshot
    written: str = ""
    """What this attempt has written, reasoning included."""
    first_token: float | None = None
    """When the first token came, on this process's monotonic clock."""
    finish: Finish | None = None
    error: ProviderError | None = None
    calls: tuple[ToolCall, ...] = ()
    """The tools that the model called. Readers see them when the run is over, so they do not count as output."""

    @property
    def has_output(self) -> bool:
        """Whether a reader may have seen something of this attempt."""
        return bool(self.written)


class Active:
    """A run and the task that streams it."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.calls = Calls()
        self.task = asyncio.current_task()
        self.cut: Ending | None = None
        self.first_token: float | None = None

    def cut_off(self, ending: Ending) -> None:
        """End the stream at once, which closes the connection to the provider; said again if it was not heard."""
        self.cut = self.cut or ending
        if self.task is not None:
            self.task.cancel()


class Runner:
    """One per process; created on the engine's loop by ``get_runner``."""

    def __init__(self) -> None:
        self._active: dict[UUID, Active] = {}
        self.flusher = Flusher()
        self._is_closing = False
        self._tasks = [
            asyncio.create_task(self._checkpoint_for_ever(), name="checkpoints"),
            asyncio.create_task(listen_for_stops(self.stop), name="stops"),
        ]

    async def stream(self, run: Run, provider_id: UUID, request: ChatRequest, deadline: float) -> Outcome:
        """Stream one attempt that has begun to its end. Never raises for what a provider or a person does.

        ``deadline`` is in seconds from now.
        """
        active = Active(run)
        if self._is_closing:
            return self._outcome(active, Ending.HANDED_BACK)
        self._active[run.generation_id] = active
        try:
            async with asyncio.timeout(deadline):
                finish = await self._consume(active, provider_id, request)
            return self._outcome(active, Ending.FINISHED, finish=finish)
        except asyncio.CancelledError:
            if active.cut is None:
                raise
            asyncio.current_task().uncancel()  # type: ignore[union-attr]
            return self._outcome(active, active.cut)
        except TimeoutError:
            return self._outcome(active, Ending.FAILED, error=ProviderTimeout(phase="total"))
        except ProviderError as error:
            return self._outcome(active, Ending.FAILED, error=error)
        except Exception:
            logger.exception("The stream of %s failed unexpectedly.", run.generation_id)
            return self._outcome(active, Ending.FAILED, error=UnknownError())
        finally:
            self._active.pop(run.generation_id, None)

    async def finish(self, run: Run, *, ended: bool) -> None:
        """After the database has the outcome: get the last events out and let the run go."""
        self.flusher.wake()
        await self.flusher.drain(run, 2)
        if not ended:
            self.flusher.discard(run)

    def stop(self, generation_id: UUID) -> None:
        """Stop a run of this process, if it is one."""
        if active := self._active.get(generation_id):
            active.cut_off(Ending.STOPPED)

    async def hand_back_all(self, seconds: float) -> None:
        """Give the streams ``seconds`` to end by themselves, then cut the rest off; begin none any more."""
        self._is_closing = True
        tasks = [active.task for active in self._active.values() if active.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for _ in range(CUT_TRIES):
            for active in list(self._active.values()):
                active.cut_off(Ending.HANDED_BACK)
            if self._active:
                await asyncio.wait(tasks, timeout=1)

    async def _consume(self, active: Active, provider_id: UUID, request: ChatRequest) -> Finish:
        run = active.run
        async with aclosing(generation.stream(provider_id, request)) as events:
            async for event in events:
                match event:
                    case TextDelta(text):
                        run.write(EventType.TEXT_DELTA, text)
                    case ReasoningDelta(text):
                        run.write(EventType.REASONING_DELTA, text)
                    case ToolCallDelta():
                        active.calls.add(event)
                    case Finish():
                        return event
                    case _:
                        continue
                if active.first_token is None:
                    active.first_token = time.monotonic()
                self.flusher.wake()
        raise BadResponse(detail="The stream ended without an event that says why.")

    def _outcome(
        self, active: Active, ending: Ending, *, finish: Finish | None = None, error: ProviderError | None = None
    ) -> Outcome:
        run, calls = active.run, active.calls.whole()
        run.end_text()
        return Outcome(ending, run.whole(), run.written, active.first_token, finish, error, calls)

    async def _checkpoint_for_ever(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_EVERY)
            if self._active:
                await self._checkpoint()

    async def _checkpoint(self) -> None:
        runs = {active.run.generation_id: active.run for active in self._active.values()}
        attempts = {pk: run.attempt for pk, run in runs.items()}
        snapshots = [snapshot for run in runs.values() if (snapshot := run.snapshot())]
        try:
            verdict = await sync_to_async(save_checkpoints, thread_sensitive=False)(attempts, snapshots)
        except Exception as error:
            logger.warning("Checkpoint failed (%s); trying again in a second.", type(error).__name__)
            for snapshot in snapshots:
                runs[snapshot.generation_id].forget_snapshot()
            return
        for pk in attempts:
            if pk not in verdict.owned and (active := self._active.get(pk)) and active.run is runs[pk]:
                active.cut_off(Ending.FENCED)
            elif pk in verdict.stopped:
                self.stop(pk)


_runner: Runner | None = None


async def get_runner() -> Runner:
    """The process's runner; call it on the engine's loop."""
    global _runner  # noqa: PLW0603 - one per process
    loop = asyncio.get_running_loop()
    if _runner is None or _runner.flusher.loop is not loop:
        _runner = Runner()
    return _runner


async def stream_attempt(run: Run, provider_id: UUID, request: ChatRequest) -> Outcome:
    """Stream one attempt on the engine's loop."""
    runner = await get_runner()
    return await runner.stream(run, provider_id, request, settings.GENERATION_DEADLINE)


async def finish_run(run: Run, *, ended: bool) -> None:
    """See ``Runner.finish``."""
    with suppress(TimeoutError):
        await (await get_runner()).finish(run, ended=ended)


async def begin_run(run: Run, reason: str) -> None:
    """Tell the followers that an attempt begins, with the error code for which there is a new one.

    From here on its events are sent, whether it comes to a stream or not, until ``finish_run`` lets it go.
    """
    if run.attempt == 1:
        run.announce(EventType.GENERATION_START, {"message": str(run.message_id)})
    run.start({"attempt": run.attempt, "reason": reason})
    flusher = (await get_runner()).flusher
    flusher.add(run)
    flusher.wake()


async def announce(run: Run, events: list[tuple[EventType, object]]) -> None:
    """Add events that are not deltas to a run, on the engine's loop."""
    for event_type, payload in events:
        run.announce(event_type, payload)
    (await get_runner()).flusher.wake()
