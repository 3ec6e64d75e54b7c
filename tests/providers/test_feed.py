"""Between a stream and its reader: batches, pauses, bounds, and an end that closes the stream."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from providers import feed
from providers.errors import ProviderTimeout
from providers.feed import WAITING_LIMIT, Feed


class Source:
    """Numbers without end, as fast as they are taken."""

    def __init__(self, *, until: int | None = None, error: Exception | None = None, pause: float = 0) -> None:
        self.made = 0
        self.closed = asyncio.Event()
        self._until, self._error, self._pause = until, error, pause

    async def numbers(self) -> AsyncGenerator[int, None]:
        try:
            while self.made != self._until:
                await asyncio.sleep(self._pause)
                self.made += 1
                yield self.made
            if self._error is not None:
                raise self._error
        finally:
            self.closed.set()


async def everything(reading: Feed[int]) -> list[int]:
    numbers: list[int] = []
    while (batch := await reading.next_batch(5)) is not None:
        numbers += batch
    return numbers


async def test_nothing_is_lost_and_nothing_is_told_twice() -> None:
    source = Source(until=5_000)
    assert await everything(Feed(source.numbers())) == list(range(1, 5_001))
    assert source.closed.is_set()


async def test_what_has_arrived_comes_in_one_batch() -> None:
    source = Source(until=10)
    reading = Feed(source.numbers())
    await asyncio.wait_for(source.closed.wait(), 10)
    assert await reading.next_batch(5) == list(range(1, 11))
    assert await reading.next_batch(5) is None


async def test_silence_is_an_empty_batch() -> None:
    reading = Feed(Source(pause=60).numbers())
    assert await reading.next_batch(0.05) == []
    await reading.aclose()


async def test_a_failure_comes_after_what_arrived_before_it() -> None:
    reading = Feed(Source(until=2, error=LookupError("gone")).numbers())
    await reading.begin(5)
    assert await reading.next_batch(5) == [1]
    assert await reading.next_batch(5) == [2]
    with pytest.raises(LookupError):
        await reading.next_batch(5)


async def test_a_failure_at_once_is_raised_at_the_beginning() -> None:
    reading = Feed(Source(until=0, error=LookupError("gone")).numbers())
    with pytest.raises(LookupError):
        await reading.begin(5)


async def test_a_reader_who_never_reads_stops_the_source() -> None:
    source = Source()
    reading = Feed(source.numbers())
    await reading.begin(5)
    for _ in range(WAITING_LIMIT * 3):
        await asyncio.sleep(0)
    assert source.made == WAITING_LIMIT
    assert await reading.next_batch(5) == list(range(1, WAITING_LIMIT + 1))
    assert (await reading.next_batch(5) or [])[0] == WAITING_LIMIT + 1
    await reading.aclose()
    assert source.closed.is_set()


async def test_a_reader_who_stops_reading_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "STALL_LIMIT", 0.05)
    source = Source()
    reading = Feed(source.numbers())
    await reading.begin(5)
    assert await reading.next_batch(5) == [1]
    await asyncio.wait_for(source.closed.wait(), 10)
    assert await reading.next_batch(5) == list(range(2, WAITING_LIMIT + 2))
    with pytest.raises(ProviderTimeout) as failure:
        await reading.next_batch(5)
    assert failure.value.phase == "reader"


async def test_a_stream_that_nobody_begins_to_read_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "START_LIMIT", 0.05)
    source = Source(pause=0.001)
    reading = Feed(source.numbers())
    await reading.begin(5)
    await asyncio.wait_for(source.closed.wait(), 10)


async def test_whoever_leaves_at_the_beginning_closes_the_stream() -> None:
    source = Source(pause=60)
    waiting = asyncio.create_task(Feed(source.numbers()).begin(60))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert source.closed.is_set()
