"""Level two of the registry: configurations in Valkey, their secrets still encrypted, and who used which when.

A configuration is stored under its id and revision and never changes there, so a stale one cannot be found. Without
Valkey every function does nothing; that is logged once per outage and tried again a few seconds later.
"""

import json
import os
import socket
import time
from collections.abc import Iterable
from typing import NamedTuple

import redis
import redis.asyncio
from django.conf import settings

from providers import valkey
from providers.models import Provider, ProviderKey
from providers.outage import outage
from providers.sealed import Sealed, sealed_field

PLAIN_COLUMNS = (
    "name", "kind", "base_url", "organization", "project", "revision", "key_weight", "connect_timeout",
    "first_event_timeout", "idle_timeout", "total_timeout", "max_concurrency",
)  # fmt: skip
SECRET_COLUMNS = ("api_key", "headers")


class Stored(NamedTuple):
    """A provider's row and those of its further keys; unsaved copies when they come from Valkey."""

    provider: Provider
    keys: tuple[ProviderKey, ...] = ()


class Use(NamedTuple):
    """The last time (seconds since the epoch) that a process used a revision of a provider."""

    provider_id: str
    process: str
    revision: int
    used_at: float


def load(provider_id: str, revision: int) -> Stored | None:
    """What somebody stored of this revision; found entries live on for another TTL."""
    name = _config_key(provider_id, revision)
    content = outage.guard(lambda client: client.getex(name, ex=settings.REGISTRY_TTL), None)
    if not isinstance(content, bytes):
        return None
    try:
        return _thaw(provider_id, content)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def store(stored: Stored) -> None:
    """Keep a configuration, secrets as encrypted as the database holds them."""
    provider = stored.provider
    content: dict[str, object] = {name: getattr(provider, name) for name in PLAIN_COLUMNS}
    content |= {name: _freeze(getattr(provider, name)) for name in SECRET_COLUMNS}
    content["keys"] = [[str(key.pk), key.weight, _freeze(key.api_key)] for key in stored.keys]
    name = _config_key(str(provider.pk), provider.revision)
    outage.guard(lambda client: client.set(name, json.dumps(content), ex=settings.REGISTRY_TTL), None)


async def record_use(provider_id: str, revision: int) -> None:
    """Note that this process used the provider now."""
    field, value = f"{provider_id}|{process_name()}", f"{revision}|{time.time():.3f}"

    async def note(client: redis.asyncio.Redis) -> None:
        pipeline = client.pipeline(transaction=False)
        pipeline.hset(_uses_key(), field, value)
        pipeline.expire(_uses_key(), settings.REGISTRY_TTL)
        await pipeline.execute()

    await outage.aguard(note, None)


def uses() -> list[Use]:
    """Every use by every process within the TTL; forgets older ones."""
    nothing: list[Use] = []
    found = outage.guard(lambda client: _parse_uses(client.hgetall(_uses_key())), nothing)
    limit = time.time() - settings.REGISTRY_TTL
    stale = [use for use in found if use.used_at < limit]
    _forget_uses(stale)
    return [use for use in found if use.used_at >= limit]


def drop(provider_id: str) -> None:
    """Forget one provider's configurations and uses."""
    mine = [use for use in uses() if use.provider_id == provider_id]
    names = {_config_key(provider_id, use.revision) for use in mine}
    if names:
        outage.guard(lambda client: client.delete(*names), None)
    _forget_uses(mine)


def drop_all() -> None:
    """Forget everything."""

    def sweep(client: redis.Redis) -> None:
        names = list(client.scan_iter(match=valkey.key("registry", "*"), count=1000))
        if names:
            client.delete(*names)

    outage.guard(sweep, None)


def _freeze(sealed: Sealed | None) -> str | None:
    return None if sealed is None else sealed.token.decode()


def _thaw(provider_id: str, content: bytes) -> Stored:
    values = json.loads(content)
    provider = Provider(pk=provider_id, **{name: values[name] for name in PLAIN_COLUMNS})
    for name in SECRET_COLUMNS:
        if (token := values[name]) is not None:
            setattr(provider, name, Sealed(token.encode(), sealed_field(Provider, name)))
    field = sealed_field(ProviderKey, "api_key")
    keys = (
        ProviderKey(pk=pk, provider=provider, weight=weight, api_key=Sealed(token.encode(), field))
        for pk, weight, token in values["keys"]
    )
    return Stored(provider, tuple(keys))


def _parse_uses(content: object) -> list[Use]:
    found: list[Use] = []
    for field, value in content.items() if isinstance(content, dict) else ():
        provider_id, _, process = field.decode().partition("|")
        revision, _, used_at = value.decode().partition("|")
        found.append(Use(provider_id, process, int(revision), float(used_at)))
    return found


def _forget_uses(stale: Iterable[Use]) -> None:
    fields = [f"{use.provider_id}|{use.process}" for use in stale]
    if fields:
        outage.guard(lambda client: client.hdel(_uses_key(), *fields), None)


def process_name() -> str:
    """This process, as the others see it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _config_key(provider_id: str, revision: int) -> str:
    return valkey.key("registry", "config", provider_id, revision)


def _uses_key() -> str:
    return valkey.key("registry", "uses")
