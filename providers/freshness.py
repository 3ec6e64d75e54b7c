"""The truth about a provider in a few columns, looked at no more than twice a second per provider and process."""

import time
from typing import NamedTuple

from providers.errors import ProviderInactive, ProviderNotFound
from providers.models import Provider

MAX_AGE = 0.5  # seconds; a change must be seen everywhere within one second


class Sighting(NamedTuple):
    """An active provider's revision and address, and when the look at it began (monotonic seconds).

    The address is part of it because a row that was edited past the services keeps its revision.
    """

    revision: int
    base_url: str
    seen_at: float


_sightings: dict[str, Sighting] = {}


def recent(provider_id: str) -> Sighting | None:
    """What was seen within the last half second, if anything; touches nothing but memory."""
    sighting = _sightings.get(provider_id)
    if sighting is None or time.monotonic() - sighting.seen_at > MAX_AGE:
        return None
    return sighting


def look(provider_id: str) -> Sighting:
    """The sighting of the moment, from the database unless a recent one is known.

    Raises ``ProviderNotFound`` and ``ProviderInactive``; neither is remembered, so that switching a provider on works
    at once.
    """
    if (known := recent(provider_id)) is not None:
        return known
    _sightings.pop(provider_id, None)
    started = time.monotonic()
    row = Provider.objects.filter(pk=provider_id).values_list("revision", "base_url", "is_active", "name").first()
    if row is None:
        raise ProviderNotFound
    revision, base_url, is_active, name = row
    if not is_active:
        raise ProviderInactive(provider=name)
    _sightings[provider_id] = sighting = Sighting(revision, base_url, started)
    return sighting


def forget(provider_id: str | None = None) -> None:
    """Look at the database next time: for one provider, or all."""
    if provider_id is None:
        _sightings.clear()
    else:
        _sightings.pop(provider_id, None)
