"""Putting the registry of the test process back to its beginning, and asking it."""

from providers import clients, engine, freshness, registry, resting, shared_configs
from providers.models import Provider


def reset_registry() -> None:
    """No client, sighting or outage of an earlier test."""
    clients.drop_everywhere()
    freshness.forget()
    registry._noted.clear()
    shared_configs.outage.until = 0.0
    resting._seen_here.clear()


def client_of(provider: Provider) -> clients.SharedClient:
    """The engine's client of a provider."""
    client = engine.run(registry.get_client(provider.pk), timeout=10)
    assert isinstance(client, clients.SharedClient)
    return client
