"""From a provider's row to what an adapter needs to build its client: here the key is decrypted."""

import json
from collections.abc import Mapping

from django.conf import settings
from django.views.decorators.debug import sensitive_variables

from providers import adapters
from providers.errors import KeyMissing, KeyUnreadable, UnsupportedKind
from providers.models import Provider
from providers.types import ClientConfig, Timeouts


@sensitive_variables("key")
def build_config(provider: Provider) -> ClientConfig:
    """The configuration, key included; raises ``UnsupportedKind``, ``KeyMissing`` or ``KeyUnreadable``."""
    kind = adapters.KINDS.get(provider.kind)
    if kind is None:
        raise UnsupportedKind(provider=provider.name)
    key = provider.open_secret("api_key")
    if kind.key_required and not key:
        raise KeyMissing(provider=provider.name)
    return ClientConfig(
        provider_id=str(provider.pk),
        provider_name=provider.name,
        kind=provider.kind,
        base_url=provider.base_url,
        api_key=key,
        headers=_headers(provider),
        organization=provider.organization,
        project=provider.project,
        timeouts=Timeouts(
            first_event=settings.FIRST_EVENT_TIMEOUT, idle=settings.IDLE_TIMEOUT, total=settings.GENERATION_DEADLINE
        ),
    )


def _headers(provider: Provider) -> Mapping[str, str]:
    try:
        content = json.loads(provider.open_secret("headers") or "{}")
    except ValueError:
        raise KeyUnreadable(provider=provider.name) from None
    return {str(name): str(value) for name, value in content.items()}
