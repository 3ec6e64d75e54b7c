"""The stored catalogue of models: fetched in the background, never while a page waits."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.utils import timezone

from accounts.models import User
from providers import catalogue_facts, engine, registry
from providers.catalogue_store import store_models
from providers.errors import ProviderError, ProviderInactive, ProviderTimeout
from providers.models import Provider, ProviderModel
from providers.models.catalogue import ProviderModelQuerySet
from providers.services import record_health
from providers.types import ModelInfo

LIST_LIMIT: Final = 10.0  # seconds

logger = logging.getLogger(__name__)


def refresh_models(*, provider: Provider) -> int:
    """Fetch the provider's list and store it; the number of models stored now.

    When the list cannot be had, the stored one stays, and the failure is recorded as the provider's health. A
    provider without any stored model then gets what is known about its vendor beforehand. Waits ``LIST_LIMIT`` seconds
    at most; not for callers on an event loop.
    """
    listed = _fetch(provider)
    if listed:
        store_models(provider, catalogue_facts.from_list(provider, listed), ProviderModel.Source.LIVE)
        Provider.objects.filter(pk=provider.pk).update(models_fetched_at=timezone.now())
    elif not ProviderModel.objects.filter(provider=provider).exists():
        store_models(provider, catalogue_facts.from_vendor(provider), ProviderModel.Source.STATIC)
    return ProviderModel.objects.filter(provider=provider).count()


def list_models(provider: Provider) -> ProviderModelQuerySet:
    """The stored models of one provider, hidden ones and those that do not chat included."""
    return ProviderModel.objects.filter(provider=provider)


def list_user_models(user: User) -> ProviderModelQuerySet:
    """Every model that a person may choose, with its provider, whose secrets stay behind."""
    rows = ProviderModel.objects.visible_to(user).offered().exclude(lifecycle=ProviderModel.Lifecycle.RETIRED)
    return rows.select_related("provider").defer("provider__api_key", "provider__headers")


def override_model(*, row: ProviderModel, overrides: Mapping[str, object]) -> ProviderModel:
    """Let an administrator's words win over what was found, now and after every refresh.

    ``None`` takes an override back; the found value returns with the next refresh. Raises ``ValidationError`` with
    field names.
    """
    merged = {**row.overrides, **catalogue_facts.clean_overrides(overrides)}
    row.overrides = {name: value for name, value in merged.items() if value is not None}
    catalogue_facts.apply_overrides(row)
    row.save()
    return row


def _fetch(provider: Provider) -> list[ModelInfo]:
    """The live list, empty when it cannot be had."""
    error: ProviderError | None = None
    listed: list[ModelInfo] = []
    try:
        listed = engine.run(_list(provider.pk), timeout=LIST_LIMIT + 2)
    except ProviderInactive:
        return []
    except ProviderError as failure:
        error = failure
    except TimeoutError:
        error = ProviderTimeout(phase="total", provider=provider.name)
    record_health(provider_id=provider.pk, error=error)
    if error is not None:
        logger.info("The models of provider %s could not be listed: %s", provider.pk, error.code)
    return listed


async def _list(provider_id: UUID) -> list[ModelInfo]:
    async with asyncio.timeout(LIST_LIMIT):
        client = await registry.get_client(provider_id)
        return await client.list_models()
