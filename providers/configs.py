"""From a provider's row to what an adapter needs to build its clients: here the keys are decrypted."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from providers import adapters
from providers.errors import KeyMissing, KeyUnreadable, UnsupportedKind
from providers.models import Provider, ProviderKey
from providers.types import MAIN_KEY, ClientConfig, Timeouts


class Key(NamedTuple):
    """A decrypted key; never leaves this module but inside a ``ClientConfig``."""

    id: str
    secret: str
    weight: int


@sensitive_variables("keys", "key", "first")
def build_configs(provider: Provider, further: Iterable[ProviderKey] = ()) -> tuple[ClientConfig, ...]:
    """One configuration for each key, the provider's own first.

    A further key that cannot be read is passed over while another one can. Raises ``UnsupportedKind``, ``KeyMissing``
    or ``KeyUnreadable``.
    """
    kind = adapters.KINDS.get(provider.kind)
    if kind is None:
        raise UnsupportedKind(provider=provider.name)
    keys = _keys(provider, further)
    if not keys and kind.key_required:
        raise KeyMissing(provider=provider.name)
    first, *rest = keys or [Key(MAIN_KEY, "", 1)]
    config = replace(_config(provider, first), all_keys=tuple(key.secret for key in keys))
    return config, *(replace(config, key_id=key.id, api_key=key.secret, key_weight=key.weight) for key in rest)


@sensitive_variables("first")
def _config(provider: Provider, first: Key) -> ClientConfig:
    return ClientConfig(
        provider_id=str(provider.pk),
        provider_name=provider.name,
        kind=provider.kind,
        base_url=provider.base_url,
        api_key=first.secret,
        headers=_headers(provider),
        organization=provider.organization,
        project=provider.project,
        timeouts=_timeouts(provider),
        key_id=first.id,
        key_weight=first.weight,
        max_concurrency=provider.max_concurrency,
        revision=provider.revision,
    )


@sensitive_variables("secret", "readable")
def _keys(provider: Provider, further: Iterable[ProviderKey]) -> list[Key]:
    """Those that can be read; raises ``KeyUnreadable`` when there are keys but none can."""
    readable: list[Key] = []
    failure: KeyUnreadable | None = None
    owners: list[tuple[str, Provider | ProviderKey, int]] = [(MAIN_KEY, provider, provider.key_weight)]
    owners += [(str(row.pk), row, row.weight) for row in further]
    for key_id, owner, weight in owners:
        try:
            secret = owner.open_secret("api_key")
        except KeyUnreadable as error:
            failure = error
            continue
        if secret:
            readable.append(Key(key_id, secret, weight))
    if failure is not None and not readable:
        raise failure
    return readable


def _timeouts(provider: Provider) -> Timeouts:
    """The provider's own limits where it has any, else those of the installation."""
    return Timeouts(
        connect=provider.connect_timeout or Timeouts().connect,
        first_event=provider.first_event_timeout or settings.FIRST_EVENT_TIMEOUT,
        idle=provider.idle_timeout or settings.IDLE_TIMEOUT,
        total=provider.total_timeout or settings.GENERATION_DEADLINE,
    )


def _headers(provider: Provider) -> Mapping[str, str]:
    try:
        content = json.loads(provider.open_secret("headers") or "{}")
    except ValueError:
        raise KeyUnreadable(provider=provider.name) from None
    return {str(name): str(value) for name, value in content.items()}
