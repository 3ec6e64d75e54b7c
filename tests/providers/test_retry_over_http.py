"""The retry policy over HTTP: how often a provider is really asked, and when (P9, P10, P11)."""

import asyncio
from itertools import pairwise

import httpx2
import pytest

from providers.errors import ProviderError, RateLimited
from providers.practice import running_practice
from providers.practice.log import Entry
from providers.retry import RetryPolicy, with_retry
from tests.providers.wire import ask, config, connected

POLICY = RetryPolicy(attempts=3, base=0.01)
DIALECTS = ["openai-compatible", "anthropic"]


async def answer(base: str, fault: str, dialect: str, policy: RetryPolicy = POLICY) -> str:
    async with connected(config(base, dialect)) as client:
        completion = await with_retry(lambda: client.complete(ask(f"echo: yes fault: {fault}")), policy)
    return completion.text


def calls(base: str) -> list[Entry]:
    entries: list[Entry] = httpx2.get(f"{base}/log", trust_env=False).json()
    return entries


def pauses(base: str) -> list[float]:
    """Seconds between the end of a call and the start of the next."""
    entries = calls(base)
    return [later["start"] - (earlier["end"] or 0) for earlier, later in pairwise(entries)]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        ("429", [2.0, 2.0], [6.0, 6.0]),
        ("429-date", [1.5], [7.0]),
        ("429-ms", [0.3], [4.0]),
        ("429-nonsense", [0], [4.0]),
    ],
)
async def test_the_wait_is_the_one_that_was_asked_for(
    fault: str, least: list[float], most: list[float], dialect: str
) -> None:
    """P9."""
    with running_practice() as base:
        assert await answer(base, fault, dialect) == f"yes fault: {fault}"
        waited = pauses(base)
    assert len(waited) == len(least)
    for seconds, low, high in zip(waited, least, most, strict=True):
        assert low - 0.05 <= seconds <= high, waited  # a clock that is read twice


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "code", "count"),
    [
        ("400", "invalid_request", 1),
        ("400-again", "invalid_request", 1),
        ("401", "auth_failed", 1),
        ("403", "permission_denied", 1),
        ("404", "model_not_found", 1),
        ("quota", "quota_exceeded", 1),
        ("429-long", "rate_limit", 1),
        ("500", "server_error", 3),
        ("502", "server_error", 3),
        ("503", "overloaded", 3),
        ("529", "overloaded", 3),
    ],
)
async def test_a_provider_is_asked_exactly_as_often_as_it_makes_sense(
    fault: str, code: str, count: int, dialect: str
) -> None:
    """P10, P11."""
    with running_practice() as base:
        with pytest.raises(ProviderError) as caught:
            await answer(base, fault, dialect)
        assert caught.value.code == code
        assert len(calls(base)) == count
        assert {entry["ended"] for entry in calls(base)} == {"completed"}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_error_that_passes_is_asked_over_once(dialect: str) -> None:
    """P11."""
    with running_practice() as base:
        assert await answer(base, "500-then-ok", dialect) == "yes fault: 500-then-ok"
        assert len(calls(base)) == 2


async def test_no_connection_is_held_while_waiting() -> None:
    """P10."""
    with running_practice() as base:
        task = asyncio.create_task(answer(base, "429", "openai-compatible"))
        for _ in range(200):
            if [entry["ended"] for entry in calls(base)] == ["completed"]:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("the refused call did not end")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(calls(base)) == 1


async def test_the_total_time_bounds_the_waits() -> None:
    with running_practice() as base:
        with pytest.raises(RateLimited):
            await answer(base, "429", "openai-compatible", RetryPolicy(attempts=9, total=1.0))
        assert len(calls(base)) == 1
