"""The registry's second level: configurations and uses in Valkey, and life without it."""

import time

import pytest
from django.db.models import F
from pytest_django import Settings

from providers import freshness, registry, shared_configs, valkey
from providers.models import Provider
from tests.factories import make_provider
from tests.providers.registry_state import client_of, reset_registry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_registry() -> None:
    reset_registry()


@pytest.fixture
def no_valkey(settings: Settings) -> None:
    """An address where nothing listens."""
    settings.VALKEY_URL = "redis://127.0.0.1:9/0"


def test_a_process_without_clients_finds_the_configuration_in_valkey() -> None:
    provider = make_provider(api_key="some-key")
    registry.load_config(provider.pk)
    assert shared_configs.load(str(provider.pk), provider.revision) is not None
    Provider.objects.filter(pk=provider.pk).update(organization="not-looked-at")
    assert registry.load_config(provider.pk).organization == ""
    assert registry.load_config(provider.pk).api_key == "some-key"


def test_an_entry_of_an_older_revision_is_never_found() -> None:
    provider = make_provider()
    registry.load_config(provider.pk)
    Provider.objects.filter(pk=provider.pk).update(organization="new", revision=F("revision") + 1)
    freshness.forget()
    assert registry.load_config(provider.pk).organization == "new"


def test_entries_expire_unless_they_are_used(settings: Settings) -> None:
    provider = make_provider()
    registry.load_config(provider.pk)
    name = shared_configs._config_key(str(provider.pk), provider.revision)
    valkey.client().expire(name, 5)
    registry.load_config(provider.pk)
    assert valkey.client().ttl(name) > settings.REGISTRY_TTL - 10


def test_a_broken_entry_is_passed_over() -> None:
    provider = make_provider()
    valkey.client().set(shared_configs._config_key(str(provider.pk), provider.revision), b"{]")
    assert registry.load_config(provider.pk).base_url == provider.base_url


def test_without_valkey_the_database_serves_and_one_line_is_logged(
    no_valkey: None, caplog: pytest.LogCaptureFixture
) -> None:
    provider = make_provider()
    first = client_of(provider)
    for _ in range(20):
        assert registry.load_config(provider.pk).provider_name == provider.name
    assert client_of(provider) is first
    assert [cached.id for cached in registry.cached_providers()] == [str(provider.pk)]
    assert len([record for record in caplog.records if "Valkey is away" in record.message]) == 1


def test_the_list_shows_every_process() -> None:
    provider = make_provider(name="Shown")
    client_of(provider)
    field = f"{provider.pk}|elsewhere:1"
    valkey.client().hset(shared_configs._uses_key(), field, f"1|{time.time() + 1:.3f}")
    deadline = time.monotonic() + 5
    while len((cached := registry.cached_providers()[0]).processes) < 2:
        assert time.monotonic() < deadline
    assert (cached.id, cached.name, cached.kind) == (str(provider.pk), "Shown", "openai-compatible")
    assert cached.processes == tuple(sorted(["elsewhere:1", shared_configs.process_name()]))


def test_uses_older_than_the_ttl_are_forgotten(settings: Settings) -> None:
    provider = make_provider()
    long_ago = time.time() - settings.REGISTRY_TTL - 1
    valkey.client().hset(shared_configs._uses_key(), f"{provider.pk}|dead:1", f"1|{long_ago:.3f}")
    registry.cleanup()
    assert registry.cached_providers() == []
    assert valkey.client().hlen(shared_configs._uses_key()) == 0
