"""Putting the registry of the test process back to its beginning, and asking it."""

from providers import clients, engine, freshness, registry, resting
from providers.models import Provider
from providers.outage import outage


def reset_registry() -> None:
    """No client, sighting or outage of an earlier test."""
    clients.drop_everywhere()
    freshness.forget()
    registry._noted.clear()
    outage.forget()
    resting._seen_here.clear()


def client_of(provider: Provider) -> clients.SharedClient:
    """The engine's client of a provider."""
    client = engine.run(registry.get_client(provider.pk), timeout=10)
    assert isinstance(client, clients.SharedClient)
    return client
