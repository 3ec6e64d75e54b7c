"""Provider id → ready client: sameness, freshness, bounds, and life without Valkey."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from types import ModuleType

import pytest
from pytest_django import Settings

from providers import clients, engine, freshness, registry, services
from providers.errors import KeyMissing, KeyUnreadable, ProviderInactive, ProviderNotFound, UnsupportedKind
from providers.models import Provider
from providers.types import (
    ChatRequest,
    ClientConfig,
    Completion,
    EmbeddingRequest,
    Embeddings,
    ModelInfo,
    StreamEvent,
    TextDelta,
)
from tests.factories import make_provider
from tests.providers.registry_state import client_of, reset_registry
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_registry() -> None:
    reset_registry()


@pytest.fixture
def no_valkey(settings: Settings) -> None:
    """An address where nothing listens."""
    settings.VALKEY_URL = "redis://127.0.0.1:9/0"


def count_calls(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> list[str]:
    """The arguments of every call of ``module.name`` from now on."""
    calls: list[str] = []
    original = getattr(module, name)

    def counted(argument: str) -> object:
        calls.append(argument)
        return original(argument)

    monkeypatch.setattr(module, name, counted)
    return calls


class SlowClient:
    """Streams one delta, waits to be released, and tells whether it was closed."""

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self.release = asyncio.Event()
        self.closed = asyncio.Event()

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        yield TextDelta("one")
        await self.release.wait()
        yield TextDelta("two")

    async def complete(self, request: ChatRequest) -> Completion:
        raise NotImplementedError

    async def list_models(self) -> list[ModelInfo]:
        return []

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        raise NotImplementedError

    async def aclose(self) -> None:
        self.closed.set()


def slow_config() -> ClientConfig:
    return ClientConfig(provider_id="p", provider_name="P", kind="openai", base_url="http://p", api_key="k")


def test_the_second_call_returns_the_same_client() -> None:
    provider = make_provider()
    assert client_of(provider) is client_of(provider)


def test_a_hundred_callers_at_once_make_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = make_provider()
    loads = count_calls(monkeypatch, registry, "_load")

    async def ask() -> set[int]:
        return {id(client) for client in await asyncio.gather(*(registry.get_client(provider.pk) for _ in range(100)))}

    assert len(engine.run(ask(), timeout=20)) == 1
    assert len(loads) == 1


def test_a_caller_that_gives_up_does_not_take_the_client_from_the_others() -> None:
    provider = make_provider()

    async def ask() -> object:
        impatient = asyncio.ensure_future(registry.get_client(provider.pk))
        patient = asyncio.ensure_future(registry.get_client(provider.pk))
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert engine.run(ask(), timeout=10) is client_of(provider)


def test_each_event_loop_has_its_own_client() -> None:
    provider = make_provider()
    other = asyncio.run(registry.get_client(provider.pk))
    assert other is not client_of(provider)


def test_a_saved_provider_is_used_at_once_in_this_process() -> None:
    provider = make_provider(api_key="old-key")
    before = client_of(provider)
    services.update_provider(provider=provider, api_key="new-key")
    after = client_of(provider)
    assert after is not before
    assert after.config.api_key == "new-key"


@pytest.mark.parametrize("valkey_is_away", [False, True])
def test_a_change_by_another_process_is_seen_within_a_second(
    valkey_is_away: bool, request: pytest.FixtureRequest
) -> None:
    """R29."""
    if valkey_is_away:
        request.getfixturevalue("no_valkey")
    provider = make_provider(api_key="old-key")
    before = client_of(provider)
    row = Provider.objects.defer(None).get(pk=provider.pk)
    row.api_key = row.seal("api_key", "new-key")
    row.revision += 1
    row.save()
    changed_at = time.monotonic()
    while (client := client_of(provider)) is before:
        assert time.monotonic() - changed_at < 1
    assert client.config.api_key == "new-key"


@pytest.mark.parametrize("change", ["disable", "delete"])
def test_a_provider_that_another_process_withdraws_is_refused_within_a_second(change: str) -> None:
    """R29."""
    provider = make_provider()
    client_of(provider)
    rows = Provider.objects.filter(pk=provider.pk)
    rows.delete() if change == "delete" else rows.update(is_active=False)
    changed_at = time.monotonic()
    with pytest.raises(ProviderNotFound if change == "delete" else ProviderInactive):
        while time.monotonic() - changed_at < 1:
            client_of(provider)


def test_an_address_that_was_edited_past_the_services_is_used_and_loses_the_key() -> None:
    """S14."""
    provider = make_provider(api_key="some-key")
    client_of(provider)
    Provider.objects.filter(pk=provider.pk).update(base_url="http://127.0.0.2:9/v1")
    freshness.forget()
    with pytest.raises(KeyUnreadable):
        client_of(provider)


def test_within_half_a_second_nobody_asks_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = make_provider()
    looks = count_calls(monkeypatch, freshness, "look")
    client_of(provider)
    first = len(looks)
    for _ in range(50):
        client_of(provider)
    assert len(looks) - first <= 1


def test_a_client_in_use_is_closed_only_after_its_stream() -> None:
    async def scenario() -> list[str]:
        inner = SlowClient(slow_config())
        shared = clients.SharedClient(inner, stored_url="http://p")
        events = shared.stream(ChatRequest(model="m", messages=()))
        texts = [event.text async for event in take_one(events)]
        shared.retire()
        await asyncio.sleep(clients.GRACE + 0.2)
        assert not inner.closed.is_set()
        inner.release.set()
        texts += [event.text async for event in events if isinstance(event, TextDelta)]
        await asyncio.wait_for(inner.closed.wait(), clients.GRACE + 2)
        return texts

    assert asyncio.run(scenario()) == ["one", "two"]


async def take_one(events: AsyncIterator[StreamEvent]) -> AsyncIterator[TextDelta]:
    event = await anext(events)
    assert isinstance(event, TextDelta)
    yield event


def test_beyond_the_bound_the_least_used_client_goes(settings: Settings) -> None:
    settings.REGISTRY_MAX_CLIENTS = 2
    first, second, third = (make_provider() for _ in range(3))
    oldest, kept = client_of(first), client_of(second)
    assert client_of(first) is oldest
    client_of(third)
    assert client_of(first) is oldest
    assert client_of(second) is not kept


def test_cleanup_closes_what_nobody_used_for_long(settings: Settings) -> None:
    settings.REGISTRY_TTL = 1
    provider = make_provider()
    before = client_of(provider)
    before.used_at -= 10
    registry.cleanup()
    assert client_of(provider) is not before


def test_a_process_that_sleeps_closes_its_clients_by_itself(settings: Settings) -> None:
    settings.REGISTRY_TTL = 1
    clients._loops.pop(engine.loop(), None)  # the sweep of earlier tests has another pace
    client_of(make_provider())
    assert clients.used_here()
    wait_for(lambda: not clients.used_here(), 10, "the end of the idle client")


def test_clearing_builds_anew_here_and_elsewhere() -> None:
    provider = make_provider()
    before, revision = client_of(provider), Provider.objects.get(pk=provider.pk).revision
    registry.clear_provider(provider.pk)
    between = client_of(provider)
    registry.clear_all()
    assert len({before, between, client_of(provider)}) == 3
    assert Provider.objects.get(pk=provider.pk).revision == revision + 2


def test_a_provider_that_cannot_be_used_is_refused_by_name_of_the_reason() -> None:
    keyless = make_provider(kind="openai", base_url="http://127.0.0.1:9/v1")
    strange = make_provider()
    Provider.objects.filter(pk=strange.pk).update(kind="telepathy")
    disabled = make_provider(is_active=False)
    for provider, reason in ((keyless, KeyMissing), (strange, UnsupportedKind), (disabled, ProviderInactive)):
        with pytest.raises(reason):
            engine.run(registry.validate_provider(provider.pk), timeout=10)
    for unknown in (uuid.uuid4(), "no-id"):
        with pytest.raises(ProviderNotFound):
            engine.run(registry.validate_provider(unknown), timeout=10)


def test_a_provider_that_was_switched_on_works_at_once() -> None:
    provider = make_provider(is_active=False)
    with pytest.raises(ProviderInactive):
        registry.load_config(provider.pk)
    Provider.objects.filter(pk=provider.pk).update(is_active=True)
    assert registry.load_config(provider.pk).provider_name == provider.name


def test_clients_of_dead_loops_are_forgotten() -> None:
    provider = make_provider()
    asyncio.run(registry.get_client(provider.pk))
    registry.cleanup()
    assert not any(loop.is_closed() for loop in clients._loops)
