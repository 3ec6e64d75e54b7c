"""The row of the practice provider: shared, keyless in spirit, with a catalogue that is known beforehand."""

import json
from functools import partial
from typing import Final

from django.db import transaction
from django.db.models import F

from providers import registry
from providers.catalogue_facts import from_list
from providers.catalogue_store import store_models
from providers.errors import KeyUnreadable
from providers.models import Provider, ProviderModel
from providers.practice.catalogue import openai_list
from providers.slugs import free_slug
from providers.types import ClientConfig

KEY: Final = "practice"
NAME: Final = "Practice"


@transaction.atomic
def ensure_practice_provider(*, base_url: str) -> Provider:
    """The practice provider at ``base_url``, created or moved there as needed; makes no call."""
    provider = Provider.objects.select_for_update().filter(is_practice=True).first() or _new(base_url)
    if provider.base_url != base_url or not _has_key(provider):
        _move(provider, base_url)
    _store_catalogue(provider)
    fresh: Provider = Provider.objects.get(pk=provider.pk)
    return fresh


def _new(base_url: str) -> Provider:
    shared = Provider.objects.filter(is_shared=True)
    provider = Provider(
        name=NAME if not Provider.objects.filter(owner=None, name=NAME).exists() else f"{NAME} (Wiz)",
        slug=free_slug(Provider.objects.all(), NAME, "practice"),
        kind=Provider.Kind.COMPATIBLE,
        base_url=base_url,
        is_shared=True,
        is_practice=True,
        is_default=not shared.filter(is_default=True).exists(),
        has_api_key=True,
    )
    provider.api_key = provider.seal("api_key", KEY)
    provider.save()
    return provider


def _move(provider: Provider, base_url: str) -> None:
    provider.base_url = base_url
    provider.api_key = provider.seal("api_key", KEY)
    provider.has_api_key = True
    provider.revision = F("revision") + 1
    provider.save(update_fields=["base_url", "api_key", "has_api_key", "revision", "updated_at"])
    transaction.on_commit(partial(registry.drop_provider, provider.pk), robust=True)


def _has_key(provider: Provider) -> bool:
    try:
        return provider.open_secret("api_key") == KEY
    except KeyUnreadable:
        return False


def _store_catalogue(provider: Provider) -> None:
    if ProviderModel.objects.filter(provider=provider).exists():
        return
    from providers.adapters.openai_models import read_models  # imports the SDKs, which most processes do without

    listed = read_models(json.dumps(openai_list()).encode(), _config(provider))
    store_models(provider, from_list(provider, listed), ProviderModel.Source.STATIC)


def _config(provider: Provider) -> ClientConfig:
    return ClientConfig(
        provider_id=str(provider.pk),
        provider_name=provider.name,
        kind=provider.kind,
        base_url=provider.base_url,
        api_key=KEY,
    )
