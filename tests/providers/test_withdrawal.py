"""What the registry keeps, says and lists around the moment in which a provider changes."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pytest_django import Settings

from providers import clients, engine, freshness, registry, services, shared_configs, valkey
from providers.errors import ProviderError, ProviderInactive, ProviderNotFound
from providers.models import Provider
from providers.types import TextDelta
from tests.factories import make_provider
from tests.providers.registry_state import client_of, reset_registry
from tests.providers.wire import ask
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
LIMIT = 10.0  # seconds


@pytest.fixture
def provider() -> Provider:
    reset_registry()
    return make_provider(api_key="some-key")


@pytest.mark.parametrize("how", ["switched off", "deleted"])
def test_a_provider_that_another_process_withdraws_leaves_no_client_behind(provider: Provider, how: str) -> None:
    client_of(provider)
    rows = Provider.objects.filter(pk=provider.pk)
    rows.delete() if how == "deleted" else rows.update(is_active=False)
    freshness.forget()
    with pytest.raises((ProviderInactive, ProviderNotFound)):
        engine.run(registry.get_client(provider.pk), timeout=LIMIT)
    assert clients.used_here() == {}


def test_a_provider_that_is_switched_off_while_it_is_loaded_is_not_called_unknown(provider: Provider) -> None:
    freshness.look(str(provider.pk))
    Provider.objects.filter(pk=provider.pk).update(is_active=False)
    with pytest.raises(ProviderInactive):
        registry.load_config(provider.pk)


def test_a_provider_that_is_used_right_after_a_change_is_listed(provider: Provider) -> None:
    client_of(provider)
    wait_for(shared_configs.uses, LIMIT, "the first note")
    services.update_provider(provider=provider, name="Renamed")
    assert shared_configs.uses() == []
    client_of(provider)
    wait_for(shared_configs.uses, LIMIT, "the note after the change")


def run_drip(provider: Provider, model: str) -> tuple[str, ProviderError | None]:
    """A long answer: what came of it, and how it failed."""

    async def scenario() -> tuple[str, ProviderError | None]:
        client = await registry.get_client(provider.pk)
        text = ""
        try:
            async for event in client.stream(ask("tokens=120", model=model)):
                text += event.text if isinstance(event, TextDelta) else ""
        except ProviderError as error:
            return text, error
        return text, None

    return engine.run(scenario(), timeout=60)


@pytest.mark.parametrize("how", ["switched off", "deleted"])
@pytest.mark.parametrize("model", ["practice-slow", "practice-silent"])
def test_running_calls_end_within_a_second_when_the_operator_wants_it(
    settings: Settings, practice: str, how: str, model: str
) -> None:
    settings.RUNNING_CALLS = "cancel"
    reset_registry()
    provider = make_provider(base_url=f"{practice}/v1", api_key="practice")
    rows = Provider.objects.filter(pk=provider.pk)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_drip, provider, model)
        wait_for(lambda: str(provider.pk) in clients.used_here(), LIMIT, "the call")
        time.sleep(1.0)  # the call has to be under way, or even in the middle of the answer
        withdrawn = time.monotonic()
        rows.delete() if how == "deleted" else rows.update(is_active=False)
        text, error = running.result(timeout=LIMIT)
    assert isinstance(error, ProviderInactive)
    assert time.monotonic() - withdrawn < 2.5
    assert bool(text) == (model == "practice-slow")


def test_a_call_that_waits_for_its_slot_ends_too(settings: Settings, practice: str) -> None:
    settings.RUNNING_CALLS = "cancel"
    reset_registry()
    provider = make_provider(base_url=f"{practice}/v1", api_key="practice", max_concurrency=1)
    held = valkey.key("registry", "slots", str(provider.pk))
    valkey.client().zadd(held, {"elsewhere": time.time() + 3600})
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(run_drip, provider, "practice-fast") for _ in range(3)]
        wait_for(lambda: client_of(provider)._calls == 3, LIMIT, "the calls")
        withdrawn = time.monotonic()
        Provider.objects.filter(pk=provider.pk).update(is_active=False)
        ends = [call.result(timeout=LIMIT) for call in calls]
    assert time.monotonic() - withdrawn < 2.5
    assert [(text, type(error)) for text, error in ends] == [("", ProviderInactive)] * 3


def test_a_withdrawn_client_takes_no_further_call(provider: Provider) -> None:
    client = client_of(provider)

    async def scenario() -> None:
        await client.withdraw()
        await client.list_models()

    with pytest.raises(ProviderInactive):
        engine.run(scenario(), timeout=LIMIT)


def test_running_calls_finish_unless_the_operator_wants_otherwise(practice: str) -> None:
    reset_registry()
    provider = make_provider(base_url=f"{practice}/v1", api_key="practice")
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run_drip, provider, "practice")
        wait_for(lambda: str(provider.pk) in clients.used_here(), LIMIT, "the call")
        time.sleep(0.5)  # the client is there before its call
        services.update_provider(provider=provider, is_active=False)
        text, error = running.result(timeout=LIMIT)
    assert error is None
    assert text
