"""Provider id → ready client.

Two levels: the client object per event loop (``clients``), and the configuration in Valkey with its secrets still
encrypted (``shared_configs``). Both are filed under the revision that the database names (``freshness``), so a saved,
disabled or deleted provider is out of use everywhere within one second, with or without Valkey.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.db.models import F
from django.views.decorators.debug import sensitive_variables

from providers import adapters, clients, freshness, shared_configs
from providers.adapters.base import ProviderClient
from providers.clients import ClientKey, SharedClient
from providers.configs import build_configs
from providers.database import in_thread
from providers.errors import KeyUnreadable, ProviderInactive, ProviderNotFound
from providers.models import Provider, ProviderKey
from providers.shared_configs import Stored
from providers.types import ClientConfig

USE_INTERVAL = 1.0  # seconds between two notes of a provider's use by this process

ProviderId = UUID | str

logger = logging.getLogger(__name__)
_noted: dict[str, float] = {}
_background: set[asyncio.Task[None]] = set()


@dataclass(frozen=True, slots=True)
class CachedProvider:
    """A provider that some process used within the last half hour."""

    id: str
    name: str
    kind: str
    last_used: datetime
    processes: tuple[str, ...]


async def get_client(provider_id: ProviderId) -> ProviderClient:
    """The running loop's client of an active provider: the same object until the provider changes.

    Raises what ``load_config`` raises. Never close it; the registry does when nobody uses it any more.
    """
    name = _normal(provider_id)
    here = clients.of_running_loop()
    sighting = freshness.recent(name)
    client = here.get(ClientKey(name, sighting.revision)) if sighting else None
    if client is None or sighting is None or client.stored_url != sighting.base_url:
        client = await _shared_creation(name, here)
    _note_use(name)
    return client


def load_config(provider_id: ProviderId) -> ClientConfig:
    """An active provider's configuration with the first of its keys.

    Raises ``ProviderNotFound``, ``ProviderInactive``, ``UnsupportedKind``, ``KeyMissing`` or ``KeyUnreadable``.
    """
    return _load(_normal(provider_id))[1][0]


async def validate_provider(provider_id: ProviderId) -> None:
    """Nothing, when the provider answers: a real call, for its list of models, which costs nothing.

    Raises what ``load_config`` raises, and whatever goes wrong with the call: ``AuthFailed``, ``ConnectionFailed``, …
    """
    await (await get_client(provider_id)).list_models()


def clear_provider(provider_id: ProviderId) -> None:
    """Every process builds the provider's client anew; running calls finish on the old one.

    Raises ``ProviderNotFound``.
    """
    name = _normal(provider_id)
    found = Provider.objects.filter(pk=name).update(revision=F("revision") + 1)
    drop_provider(name)
    if not found:
        raise ProviderNotFound


def clear_all() -> None:
    """As ``clear_provider``, for all."""
    Provider.objects.update(revision=F("revision") + 1)
    clients.drop_everywhere()
    freshness.forget()
    shared_configs.drop_all()
    _noted.clear()


def drop_provider(provider_id: ProviderId) -> None:
    """Forget a provider whose row has just changed; other processes see it by its revision."""
    freshness.forget(str(provider_id))
    clients.drop_everywhere(str(provider_id))
    shared_configs.drop(str(provider_id))
    _noted.pop(str(provider_id), None)


def drop_shared(provider_id: ProviderId) -> None:
    """Forget only what Valkey holds of a provider: its encrypted form is out of date, its content is not."""
    shared_configs.drop(str(provider_id))


def cleanup() -> None:
    """Close this process's clients that were not used for ``REGISTRY_TTL``, and forget who used what before."""
    clients.drop_idle_everywhere(settings.REGISTRY_TTL)
    shared_configs.uses()


def cached_providers() -> list[CachedProvider]:
    """What all processes used within ``REGISTRY_TTL``, last used first; without Valkey this process only."""
    last: dict[str, float] = {name: time.time() - age for name, age in clients.used_here().items()}
    processes: dict[str, set[str]] = {name: {shared_configs.process_name()} for name in last}
    for use in shared_configs.uses():
        last[use.provider_id] = max(use.used_at, last.get(use.provider_id, 0.0))
        processes.setdefault(use.provider_id, set()).add(use.process)
    rows = {str(row.pk): row for row in Provider.objects.filter(pk__in=last)}
    cached = [
        CachedProvider(
            id=name,
            name=rows[name].name,
            kind=rows[name].kind,
            last_used=datetime.fromtimestamp(used_at, tz=UTC),
            processes=tuple(sorted(processes[name])),
        )
        for name, used_at in last.items()
        if name in rows
    ]
    return sorted(cached, key=lambda provider: provider.last_used, reverse=True)


async def _shared_creation(name: str, here: clients.LoopClients) -> SharedClient:
    """However many callers ask at once, one looks and creates; one that gives up does not take it from the rest."""
    task = here.pending.get(name)
    if task is None:
        task = asyncio.get_running_loop().create_task(_find_or_create(name, here))
        here.pending[name] = task
        task.add_done_callback(lambda done: _creation_ended(name, here, done))
    return await asyncio.shield(task)


def _creation_ended(name: str, here: clients.LoopClients, task: asyncio.Task[SharedClient]) -> None:
    here.pending.pop(name, None)
    if not task.cancelled():
        task.exception()  # seen, even when every caller has left


@sensitive_variables("configs")
async def _find_or_create(name: str, here: clients.LoopClients) -> SharedClient:
    try:
        sighting = await in_thread(freshness.look, name)
    except (ProviderNotFound, ProviderInactive):
        here.drop(name)  # its key has no business in memory any more
        raise
    known = here.get(ClientKey(name, sighting.revision))
    if known is not None and known.stored_url == sighting.base_url:
        return known
    revision, configs = await in_thread(_load, name)
    await asyncio.to_thread(adapters.load_dialects)
    client = SharedClient(*map(adapters.create_client, configs), stored_url=configs[0].base_url)
    here.sweep_from_now_on(settings.REGISTRY_TTL)
    here.put(ClientKey(name, revision), client, limit=settings.REGISTRY_MAX_CLIENTS)
    return client


def _load(name: str) -> tuple[int, tuple[ClientConfig, ...]]:
    """The revision and the configurations under it, one for each key."""
    sighting = freshness.look(name)
    shared = shared_configs.load(name, sighting.revision)
    # Valkey may have answered late: by then the configuration has to be the present one still.
    if shared is not None and _is_of(shared, sighting) and _is_of(shared, freshness.look(name)):
        try:
            return shared.provider.revision, build_configs(*shared)
        except KeyUnreadable:
            logger.info("The shared configuration of provider %s is out of date.", name)
    stored = _read(name)
    configs = build_configs(*stored)
    shared_configs.store(stored)
    return stored.provider.revision, configs


def _read(name: str) -> Stored:
    """The rows. A change between the two reads has another revision, so nobody finds the mixture under it."""
    row = Provider.objects.defer(None).filter(pk=name).first()
    if row is None:
        raise ProviderNotFound
    if not row.is_active:
        raise ProviderInactive(provider=row.name)
    keys = ProviderKey.objects.defer(None).filter(provider=row)
    for key in keys:
        key.provider = row
    return Stored(row, tuple(keys))


def _is_of(stored: Stored, sighting: freshness.Sighting) -> bool:
    return (stored.provider.revision, stored.provider.base_url) == (sighting.revision, sighting.base_url)


def _note_use(name: str) -> None:
    """In the background: whoever asked for the client does not wait for Valkey."""
    now = time.monotonic()
    if now - _noted.get(name, 0.0) < USE_INTERVAL:
        return
    sighting = freshness.recent(name)
    if sighting is None:
        return
    _noted[name] = now
    task = asyncio.get_running_loop().create_task(shared_configs.record_use(name, sighting.revision))
    _background.add(task)
    task.add_done_callback(_background.discard)


def _normal(provider_id: ProviderId) -> str:
    try:
        return str(UUID(str(provider_id)))
    except ValueError:
        raise ProviderNotFound from None
