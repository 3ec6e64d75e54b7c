"""What the registry keeps, says and lists around the moment in which a provider changes."""

import pytest

from providers import clients, engine, freshness, registry, services, shared_configs
from providers.errors import ProviderInactive, ProviderNotFound
from providers.models import Provider
from tests.factories import make_provider
from tests.providers.registry_state import client_of, reset_registry
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
