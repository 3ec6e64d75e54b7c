"""One streamed call: opened, read under its time limits, decoded by a dialect's reader, closed whatever happens."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Protocol, TypeVar

import httpx2

from providers import errors
from providers.adapters import failures
from providers.adapters.complaints import RAW_LIMIT
from providers.adapters.sse import BODY_LIMIT, COMMENT, Event, SSEDecoder
from providers.types import ClientConfig, Ping, StreamEvent, Timeouts

TAIL_LIMIT = 5.0  # seconds to wait for usage and the end mark once the model has given its finish reason
DRAIN_LIMIT = 0.25  # seconds to wait for the end of the body after the end mark, so that the connection can be reused
Result = TypeVar("Result")


class StreamedResponse(Protocol):
    """What the SDKs give for a call made with ``with_streaming_response``."""

    @property
    def http_response(self) -> httpx2.Response:
        """The response; its body is not read yet."""
        ...


Opener = Callable[[], AbstractAsyncContextManager[StreamedResponse]]
"""Makes the call; not called before somebody iterates, so that an unused stream costs nothing."""


class Reader(Protocol):
    """A dialect's state machine over one stream."""

    @property
    def ended(self) -> bool:
        """Whether the model gave evidence of its end."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the dialect's end mark came: nothing follows."""
        ...

    def read(self, name: str, data: bytes) -> Iterable[StreamEvent]:
        """The events in one server-sent event. Raises ``ProviderError``."""
        ...

    def finish(self) -> Iterable[StreamEvent]:
        """What is still held back, then ``Finish``. Called only after ``ended``."""
        ...


class Clock:
    """The time limits of one call; ``wait`` raises ``ProviderTimeout`` with the phase that ran out."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._loop = asyncio.get_running_loop()
        start = self._loop.time()
        self._idle = timeouts.idle
        self._end = start + timeouts.total
        self._until = start + timeouts.first_event
        self._phase = "first_event"
        self._timer: asyncio.TimerHandle | None = None
        self._armed_for = self._end
        self._waiter: asyncio.Task[object] | None = None
        self._expired = False

    def seen(self) -> None:
        """An event came, be it a comment: from now on the idle limit counts, anew."""
        self._phase = "idle"
        self._until = self._loop.time() + self._idle

    def hurry(self) -> None:
        """The answer is over; only the rest of the protocol is awaited."""
        self._idle = min(self._idle, TAIL_LIMIT)

    async def wait(self, awaitable: Awaitable[Result]) -> Result:
        """The awaitable's result, if it comes in time."""
        self._arm()
        self._waiter = waiter = asyncio.current_task(self._loop)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if not self._expired or waiter is None or waiter.uncancel() > 0:
                raise
        finally:
            self._waiter = None
        raise errors.ProviderTimeout(phase=self._phase if self._until < self._end else "total")

    def _arm(self) -> None:
        """One timer serves many waits: setting and taking back a limit for each costs more than reading a piece."""
        when = min(self._until, self._end)
        if self._timer is not None and self._armed_for > when:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._armed_for = when
            self._timer = self._loop.call_at(when, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() < min(self._until, self._end):
            self._arm()
            return
        self._expired = True
        self._waiter.cancel()


async def run_exchange(
    opener: Opener, reader: Reader, *, config: ClientConfig, model: str
) -> AsyncGenerator[StreamEvent, None]:
    """Yield a call's events, ``Finish`` last. Raises ``ProviderError`` only, with provider and model filled in."""
    failure: Exception | None = None
    try:
        async with aclosing(_batches(opener, reader, Clock(config.timeouts))) as batches:
            async for batch in batches:
                for name, data in batch:
                    if name is COMMENT:
                        yield Ping()
                        continue
                    for event in reader.read(name, data):
                        yield event
    except Exception as error:
        failure = error
    if reader.ended:
        for event in reader.finish():
            yield event
        return
    raise failures.from_exception(failure or errors.Incomplete(), config=config, model=model)


async def read_body(opener: Opener, *, config: ClientConfig, model: str = "") -> bytes:
    """The whole body of a plain call, at most ``BODY_LIMIT`` bytes. Raises ``ProviderError`` only."""
    try:
        clock = Clock(config.timeouts)
        async with aclosing(_chunks(opener, clock)) as chunks:
            body = bytearray()
            async for chunk in chunks:
                clock.seen()
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise errors.BadResponse(detail=f"The answer is longer than {BODY_LIMIT} bytes.")
            return bytes(body)
    except Exception as error:
        failure = failures.from_exception(error, config=config, model=model)
    raise failure


async def _chunks(opener: Opener, clock: Clock) -> AsyncGenerator[bytes, None]:
    opening = opener()
    response = await clock.wait(opening.__aenter__())
    try:
        async with aclosing(response.http_response.aiter_bytes()) as body:
            while (chunk := await clock.wait(anext(body, None))) is not None:
                yield chunk
    finally:
        await opening.__aexit__(None, None, None)


async def _batches(opener: Opener, reader: Reader, clock: Clock) -> AsyncGenerator[list[Event], None]:
    """The decoded events of each read, until the reader has what it needs or the body ends."""
    decoder = SSEDecoder()
    untouched, heard = True, False
    async with aclosing(_chunks(opener, clock)) as chunks:
        async for chunk in chunks:
            if untouched and (start := chunk.lstrip(b"\xef\xbb\xbf\r\n\t ")):
                untouched = False
                if start[0] in b"{[<":
                    raise await _not_a_stream(start, chunks)
            batch = decoder.feed(chunk)
            if not batch:
                continue
            heard = heard or any(name is not COMMENT for name, _ in batch)
            yield batch
            if reader.complete:
                await _drain(chunks)
                return
            if reader.ended:
                clock.hurry()
            clock.seen()
    last = _last(decoder)
    if not heard and not last:
        raise errors.BadResponse(detail="An empty answer." if untouched else "An answer without any message in it.")
    yield last


def _last(decoder: SSEDecoder) -> list[Event]:
    """What the end of the stream completes, unless it was cut in the middle of a message."""
    return [(name, data) for name, data in decoder.close() if _is_whole(data)]


def _is_whole(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return data == b"[DONE]"
    return True


async def _not_a_stream(start: bytes, chunks: AsyncIterator[bytes]) -> errors.ProviderError:
    """A body that is JSON or HTML although the status was 200: an error object, or another kind of server."""
    body = bytearray(start)
    async for chunk in chunks:
        body += chunk
        if len(body) > RAW_LIMIT:
            break
    return failures.from_success_body(bytes(body))


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    try:
        async with asyncio.timeout(DRAIN_LIMIT):
            async for _ in chunks:
                pass
    except (TimeoutError, errors.ProviderError, httpx2.HTTPError):
        pass
