"""Text from a provider, against the practice server."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from providers import engine, generation
from providers.errors import ModelNotFound, ProviderError, ProviderNotFound
from providers.models import Provider
from providers.practice import running_practice
from providers.retry import NO_RETRY, RetryPolicy
from providers.types import ChatMessage, ChatRequest, Completion, Finish, FinishReason, StreamEvent, TextDelta
from tests.factories import make_provider

pytestmark = pytest.mark.django_db(transaction=True)
REQUEST = ChatRequest(model="practice-fast", messages=(ChatMessage(role="user", content="Hello"),))
QUICK = RetryPolicy(attempts=2, base=0.001)


@pytest.fixture(scope="module")
def practice_url() -> Iterator[str]:
    with running_practice() as url:
        yield f"{url}/v1"


@pytest.fixture
def provider(practice_url: str) -> Provider:
    return make_provider(base_url=practice_url, api_key="practice")


async def collect(provider: Provider, request: ChatRequest) -> list[StreamEvent]:
    return [event async for event in generation.stream(provider, request)]


def test_a_stream_ends_with_its_finish(provider: Provider) -> None:
    events = engine.run(collect(provider, REQUEST), timeout=20)
    assert isinstance(events[-1], Finish)
    assert events[-1].reason is FinishReason.STOP
    assert any(isinstance(event, TextDelta) for event in events)


def test_a_whole_answer_equals_the_streamed_one(provider: Provider) -> None:
    events = engine.run(collect(provider, REQUEST), timeout=20)
    whole = engine.run(generation.complete(provider, REQUEST), timeout=20)
    assert whole.text == "".join(event.text for event in events if isinstance(event, TextDelta))


def test_an_unknown_model_is_named_in_the_error(provider: Provider) -> None:
    with pytest.raises(ModelNotFound) as error:
        engine.run(generation.complete(provider, replace(REQUEST, model="no-such")), timeout=20)
    assert error.value.model == "no-such"


def test_an_unknown_provider_is_a_typed_error(provider: Provider) -> None:
    Provider.objects.all().delete()
    with pytest.raises(ProviderNotFound):
        engine.run(collect(provider, REQUEST), timeout=20)


def test_only_the_policy_retries(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """P11."""
    calls = count_calls(monkeypatch)
    for policy, expected in ((QUICK, 2), (NO_RETRY, 1)):
        calls.clear()
        with pytest.raises(ProviderError):
            engine.run(generation.complete(provider, replace(REQUEST, model="practice-500"), policy=policy), 20)
        assert len(calls) == expected


def count_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    from providers.clients import SharedClient

    calls: list[str] = []
    original = SharedClient.complete

    async def counted(self: SharedClient, request: ChatRequest) -> Completion:
        calls.append(request.model)
        return await original(self, request)

    monkeypatch.setattr(SharedClient, "complete", counted)
    return calls


def test_a_stream_that_is_closed_early_leaves_no_running_call(provider: Provider) -> None:
    from providers import registry
    from providers.clients import SharedClient

    async def scenario() -> bool:
        events = generation.stream(provider, replace(REQUEST, model="practice-slow"))
        await anext(events)
        await events.aclose()
        client = await registry.get_client(provider.pk)
        assert isinstance(client, SharedClient)
        return client.is_busy

    assert engine.run(scenario(), timeout=20) is False


def test_a_test_that_works_says_so_and_records_it(provider: Provider) -> None:
    result = generation.test_provider(provider=provider, model="practice-fast")
    assert (result.ok, result.code, result.model) == (True, "ok", "practice-fast")
    assert 0 <= result.latency_ms < 20_000
    provider.refresh_from_db()
    assert provider.health == "ok"


def test_without_a_model_the_first_listed_one_is_asked(provider: Provider) -> None:
    result = generation.test_provider(provider=provider)
    assert (result.ok, result.model) == (True, "practice")


def test_a_test_that_fails_tells_the_next_step_and_records_it(provider: Provider) -> None:
    result = generation.test_provider(provider=provider, model="practice-401")
    assert (result.ok, result.code) == (False, "auth_failed")
    assert result.hint
    assert result.detail == "Incorrect API key provided."
    provider.refresh_from_db()
    assert (provider.health, provider.health_code) == ("failing", "auth_failed")
    assert provider.health_detail == result.detail


def test_a_server_that_is_not_there_fails_the_test_quickly() -> None:
    """P1."""
    started = time.monotonic()
    result = generation.test_provider(provider=make_provider(), model="any")
    assert (result.ok, result.code) == (False, "connection_failed")
    assert time.monotonic() - started < 15


def test_a_silent_server_ends_the_test_at_its_limit(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """P2."""
    monkeypatch.setattr(generation, "TEST_LIMIT", 0.5)
    result = generation.test_provider(provider=provider, model="practice-silent")
    assert (result.ok, result.code) == (False, "timeout")


def test_a_disabled_provider_fails_the_test_without_a_call(practice_url: str) -> None:
    provider = make_provider(base_url=practice_url, is_active=False)
    result = generation.test_provider(provider=provider, model="practice")
    assert (result.ok, result.code) == (False, "provider_inactive")


def test_many_streams_at_once_share_one_client(provider: Provider) -> None:
    async def all_of_them() -> list[list[StreamEvent]]:
        return await asyncio.gather(*(collect(provider, REQUEST) for _ in range(20)))

    answers = engine.run(all_of_them(), timeout=30)
    assert len({str(events) for events in answers}) == 1
