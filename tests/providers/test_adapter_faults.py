"""What both dialects make of providers that fail, stall or are stopped (P2, P3, P11, P12)."""

import asyncio
import time
from contextlib import aclosing

import httpx2
import pytest

from providers import errors
from providers.practice import running_practice
from providers.types import (
    TextDelta,
)
from tests.providers.wire import KEY, ask, config, connected, events_of

FAULTS: list[tuple[str, type[errors.ProviderError], int]] = [
    ("400", errors.InvalidRequest, 0),
    ("401", errors.AuthFailed, 0),
    ("403", errors.PermissionRefused, 0),
    ("404", errors.ModelNotFound, 0),
    ("context", errors.ContextTooLong, 0),
    ("quota", errors.QuotaExceeded, 0),
    ("429", errors.RateLimited, 0),
    ("500", errors.ServerError, 0),
    ("503", errors.Overloaded, 0),
    ("529", errors.Overloaded, 0),
    ("html", errors.BadResponse, 0),
    ("empty", errors.BadResponse, 0),
    ("204", errors.BadResponse, 0),
    ("garbage", errors.BadResponse, 0),
    ("malformed-sse", errors.BadResponse, 0),
    ("truncated-json", errors.BadResponse, 0),
    ("cut", errors.Incomplete, 10),
    ("rst", errors.ConnectionFailed, 10),
    ("error-event", errors.ServerError, 50),
]


@pytest.mark.parametrize(("fault", "kind", "pieces"), FAULTS)
@pytest.mark.parametrize("dialect", ["openai-compatible", "anthropic"])
async def test_every_fault_is_typed_and_the_text_before_it_is_kept(
    practice: str, fault: str, kind: type[errors.ProviderError], pieces: int, dialect: str
) -> None:
    received = []
    async with connected(config(practice, dialect)) as client:
        with pytest.raises(errors.ProviderError) as caught:
            async for event in client.stream(ask("tokens=100", f"practice-{fault}")):
                received.append(event)
    assert type(caught.value) is kind
    assert len([event for event in received if isinstance(event, TextDelta)]) == pieces
    assert KEY not in repr(caught.value.record())


@pytest.mark.parametrize(
    ("fault", "limits", "phase"),
    [
        ("silent", {"first_event": 0.2}, "first_event"),
        ("slow-first", {"first_event": 0.2}, "first_event"),
        ("stall", {"idle": 0.2}, "idle"),
        ("comments", {"first_event": 0.5, "idle": 1.3, "total": 2.2}, "total"),
        ("endless", {"total": 0.3}, "total"),
        ("silent", {"total": 0.2}, "total"),
    ],
)
@pytest.mark.parametrize("dialect", ["openai-compatible", "anthropic"])
async def test_every_time_limit_ends_the_call_and_names_its_phase(
    practice: str, fault: str, limits: dict[str, float], phase: str, dialect: str
) -> None:
    start = time.monotonic()
    with pytest.raises(errors.ProviderTimeout) as caught:
        await events_of(config(practice, dialect, limits=limits), ask("tokens=100", f"practice-{fault}"))
    assert caught.value.phase == phase
    assert time.monotonic() - start < max(limits.values()) + 1


async def test_a_slow_reader_is_not_an_idle_provider(practice: str) -> None:
    async with connected(config(practice, limits={"idle": 0.2})) as client:
        async for event in client.stream(ask("echo: a b c")):
            if isinstance(event, TextDelta):
                await asyncio.sleep(0.3)


@pytest.mark.parametrize("dialect", ["openai-compatible", "anthropic"])
async def test_closing_the_stream_closes_the_connection(dialect: str) -> None:
    with running_practice() as base:
        async with connected(config(base, dialect)) as client:
            async with aclosing(client.stream(ask("hi", "practice-endless"))) as events:  # type: ignore[type-var]
                async for event in events:
                    if isinstance(event, TextDelta):
                        break
            assert await ended(base) == "client hung up"


@pytest.mark.parametrize("fault", ["endless", "silent"])
async def test_cancelling_the_task_closes_the_connection(fault: str) -> None:
    with running_practice() as base:
        async with connected(config(base)) as client:
            task = asyncio.create_task(client.complete(ask("hi", f"practice-{fault}")))
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await ended(base) == "client hung up"


async def ended(base: str) -> str:
    async with httpx2.AsyncClient(trust_env=False) as client:
        for _ in range(100):
            entry = (await client.get(f"{base}/log")).json()[0]
            if entry["end"] is not None:
                return str(entry["ended"])
            await asyncio.sleep(0.01)
    return "never"
