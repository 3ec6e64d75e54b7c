"""Following a generation: the one mechanism behind the WebSocket, the SSE endpoint and ``wait=true``.

Join the group first, then read the log, then drop what is older: no gap and no double. Frames come at most once, so
a frame that does not follow the last one sends the follower back to the log; the log may have lost its beginning
(trimmed, or Valkey was emptied), and then the beginning comes from the database.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from conversations.cancelling import cancel_and_wait
from conversations.database import in_thread
from conversations.events import START, Event, EventId, EventType
from conversations.log import decode_frame, group_name, read_last, read_log
from conversations.models import ACTIVE, Generation
from conversations.reaper import reap
from conversations.rebuild import events_before, events_of_finished

logger = logging.getLogger(__name__)

LOOK_EVERY = 10.0  # seconds: a lost last frame has no successor that would reveal it
JOIN_TRIES = 20  # a second apart
PATIENCE = 0.25  # seconds until a second look when the log and the database do not agree yet


class Lagging(Exception):
    """The reader is so slow that frames were dropped; it must come back with the id of its last event."""


class Frames:
    """The frames of one group on this event loop."""

    def __init__(self, channel: str) -> None:
        self._layer = get_channel_layer()
        self._channel = channel
        self._next: asyncio.Future[dict[str, object]] | None = None

    async def next(self, seconds: float) -> Event | None:
        """The next frame, or ``None`` after ``seconds``; raises ``Lagging``."""
        if self._layer.is_lagging(self._channel):
            raise Lagging
        if self._next is None:
            self._next = asyncio.ensure_future(self._layer.receive(self._channel))
        done, _ = await asyncio.wait({self._next}, timeout=seconds)
        if not done:
            return None
        message, self._next = self._next.result(), None
        return decode_frame(message)

    async def close(self) -> None:
        """Give the channel back."""
        if self._next is not None:
            await cancel_and_wait(self._next)


@asynccontextmanager
async def subscribe(group: str) -> AsyncIterator[Frames]:
    """Be in a group for the length of a block."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    frames = Frames(channel)
    try:
        await layer.group_add(group, channel)
        yield frames
    finally:
        with suppress(RedisError, OSError):
            await layer.group_discard(group, channel)
        await frames.close()
        await layer.drop_channel(channel)


async def follow(generation_id: UUID, after: EventId = START) -> AsyncGenerator[Event]:
    """Every event of a generation behind ``after``, in order, to its end; raises ``Lagging``.

    An id from the future replays from the start. Ends without an event when ``after`` is the end already, or when
    the generation is gone.
    """
    async with _subscribe_patiently(generation_id) as frames:
        last = after if after.epoch <= (await _look(generation_id)).epoch else START
        while True:
            was_over = (await _look(generation_id)).is_over
            async for event in _catch_up(generation_id, last, is_over=was_over):
                last = event.id
                yield event
                if event.type is EventType.GENERATION_END:
                    return
            if was_over:
                return
            while (frame := await frames.next(LOOK_EVERY)) is not None:
                if frame.id <= last:
                    continue
                if not frame.follows(last):
                    break
                last = frame.id
                yield frame
                if frame.type is EventType.GENERATION_END:
                    return


@asynccontextmanager
async def _subscribe_patiently(generation_id: UUID) -> AsyncIterator[Frames]:
    """Like ``subscribe``; a Valkey that does not answer yet is waited for."""
    async with AsyncExitStack() as stack:
        yield await _join(stack, generation_id)


async def _join(stack: AsyncExitStack, generation_id: UUID) -> Frames:
    for _ in range(JOIN_TRIES - 1):
        with suppress(RedisError, OSError):
            return await stack.enter_async_context(subscribe(group_name(generation_id)))
        await asyncio.sleep(1)
    return await stack.enter_async_context(subscribe(group_name(generation_id)))


async def _catch_up(generation_id: UUID, last: EventId, *, is_over: bool) -> AsyncIterator[Event]:
    """What the log and, where it fails, the database have behind ``last``."""
    while events := await _read(generation_id, last):
        if _has_hole(events[0], last):
            head = await in_thread(events_before, generation_id, events)
            if head is None:
                await asyncio.sleep(PATIENCE)
                continue
            events = [event for event in head if event.id > last] + events
        for event in events:
            last = event.id
            yield event
            if event.type is EventType.GENERATION_END:
                return
    if is_over:
        async for event in _rest_of_finished(generation_id, last):
            yield event


def _has_hole(first: Event, last: EventId) -> bool:
    """Whether something is missing between ``last`` and the first event of the log behind it."""
    restarts = first.type in {EventType.GENERATION_START, EventType.ATTEMPT_START}
    return not restarts and not first.follows(last) and first.type is not EventType.GENERATION_END


async def _read(generation_id: UUID, last: EventId) -> list[Event]:
    try:
        return await read_log(generation_id, last)
    except (RedisError, OSError) as error:
        logger.info("The event log cannot be read (%s).", type(error).__name__)
        return []


async def _is_end(generation_id: UUID, last: EventId) -> bool:
    """Whether the log is whole and ends at ``last``."""
    with suppress(RedisError, OSError):
        newest = await read_last(generation_id)
        return newest is not None and newest.type is EventType.GENERATION_END and newest.id <= last
    return False


async def _rest_of_finished(generation_id: UUID, last: EventId) -> AsyncIterator[Event]:
    """The run is over but the log says nothing more: one more look, then the whole answer from the database."""
    if await _is_end(generation_id, last):
        return
    await asyncio.sleep(PATIENCE)
    events = await _read(generation_id, last) or await in_thread(events_of_finished, generation_id)
    for event in events:
        if event.id > last:
            yield event


@dataclass(frozen=True, slots=True)
class Look:
    """What the row says."""

    is_over: bool
    epoch: int


async def _look(generation_id: UUID) -> Look:
    return await in_thread(look, generation_id)


def look(generation_id: UUID) -> Look:
    """Whether a generation is over or gone, and the epoch of its latest attempt; ends it if nobody runs it any more."""
    run = Generation.objects.filter(pk=generation_id)
    row = run.values_list("status", "epoch").first()
    if row is not None and row[0] in ACTIVE and reap(run):
        row = run.values_list("status", "epoch").first()
    return Look(row is None or row[0] not in ACTIVE, row[1] if row else 0)
