"""At most so many calls at the same time, in one process and over several."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from providers import engine, registry, slots, valkey
from providers.errors import ProviderBusy
from providers.slots import Slots
from providers.types import TextDelta
from tests.factories import make_provider
from tests.providers.registry_state import reset_registry
from tests.providers.wire import ask

NAME = "one"


@pytest.fixture(autouse=True)
def empty_registry() -> Iterator[None]:
    reset_registry()
    slots._held.clear()
    yield
    reset_registry()


def key() -> str:
    return valkey.key("registry", "slots", NAME)


class Crowd:
    """Callers that hold a slot for a moment, and the most that held one at once."""

    def __init__(self) -> None:
        self.now = self.most = self.served = 0

    async def call(self, places: Slots, seconds: float = 0.05) -> None:
        async with places.take():
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(seconds)
            self.now -= 1
            self.served += 1


def places(limit: int, patience: float = 30.0) -> Slots:
    return Slots(NAME, "One", limit, patience)


def test_never_more_than_the_limit_at_once_and_everybody_is_served() -> None:
    crowd = Crowd()

    async def scenario() -> None:
        here = places(3)
        await asyncio.gather(*(crowd.call(here) for _ in range(20)))

    engine.run(scenario(), timeout=60)
    assert (crowd.most, crowd.served) == (3, 20)


def test_two_processes_share_the_limit() -> None:
    """Two loops that count for themselves, as two processes do."""
    crowd = Crowd()

    def process() -> None:
        async def scenario() -> None:
            own = places(2)
            own._held = defaultdict(set)
            await asyncio.gather(*(crowd.call(own) for _ in range(8)))
            await asyncio.gather(*slots._background)
            await valkey.close_async_client()

        asyncio.run(scenario())

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(process) for _ in range(2)]:
            done.result(timeout=60)
    assert crowd.most <= 2
    assert crowd.served == 16


def test_who_waits_too_long_is_told_so() -> None:
    async def scenario() -> None:
        here = places(1, patience=0.2)
        async with here.take():
            with pytest.raises(ProviderBusy) as error:
                async with here.take():
                    pass
            assert "One" in error.value.message

    engine.run(scenario(), timeout=60)


def test_a_cancelled_wait_holds_nothing() -> None:
    async def scenario() -> None:
        here = places(1)
        async with here.take():
            waiting = asyncio.ensure_future(Crowd().call(here))
            await asyncio.sleep(0.1)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        async with asyncio.timeout(5), here.take():
            pass
        await no_lease()

    engine.run(scenario(), timeout=60)


async def no_lease() -> None:
    """Leases are given back in the background."""
    end = time.monotonic() + 5
    while await valkey.async_client().zcard(key()):
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


def test_the_lease_of_a_dead_process_runs_out() -> None:
    seconds, _ = valkey.client().time()
    valkey.client().zadd(key(), {"dead": int(seconds) + 1})

    async def scenario() -> float:
        began = time.monotonic()
        async with places(1, patience=10).take():
            return time.monotonic() - began

    assert engine.run(scenario(), timeout=60) < 5


def test_a_lease_is_renewed_while_the_call_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "LEASE", 2)
    monkeypatch.setattr(slots, "RENEW_EVERY", 0.3)

    async def scenario() -> None:
        async with places(1).take():
            await asyncio.sleep(3.5)
            seconds, _ = await valkey.async_client().time()
            assert await valkey.async_client().zcount(key(), int(seconds) + 1, "+inf") == 1

    engine.run(scenario(), timeout=60)


def test_without_valkey_the_process_keeps_to_the_limit(settings: Settings) -> None:
    settings.VALKEY_URL = "redis://127.0.0.1:9/0"
    test_never_more_than_the_limit_at_once_and_everybody_is_served()


@pytest.mark.django_db(transaction=True)
def test_calls_of_a_limited_provider_wait_for_each_other(practice: str) -> None:
    provider = make_provider(base_url=f"{practice}/v1", api_key="practice", max_concurrency=1)
    open_calls: list[int] = []

    async def one(number: int) -> None:
        client = await registry.get_client(provider.pk)
        async for event in client.stream(ask("tokens=20", model="practice")):
            if isinstance(event, TextDelta) and number not in open_calls:
                open_calls.append(number)
        open_calls.append(number)

    async def scenario() -> None:
        await asyncio.gather(*(one(number) for number in range(3)))

    engine.run(scenario(), timeout=60)
    assert [open_calls[place] for place in (0, 2, 4)] == [open_calls[place] for place in (1, 3, 5)]
