"""The stored catalogue of models: fetched in the background, never while a page waits."""

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from accounts.models import User
from providers import broker, catalogue_facts, claims, engine, registry
from providers.catalogue_facts import Facts
from providers.catalogue_store import store_models
from providers.errors import ProviderError, ProviderInactive, ProviderTimeout
from providers.models import Provider, ProviderModel
from providers.models.catalogue import ProviderModelQuerySet
from providers.notices import NO_CHAT_MODEL
from providers.services import REFRESH_TASK, record_health
from providers.types import ModelInfo

LIST_LIMIT: Final = 10.0  # seconds
ROUNDS: Final = 3  # a provider that is saved again and again while it is fetched does not hold a worker for ever
JUST_SAVED: Final = timedelta(seconds=30)  # within which a fetch that was asked for on saving has begun

logger = logging.getLogger(__name__)


def refresh_models(*, provider: Provider, patience: float = LIST_LIMIT) -> int:
    """Fetch the provider's list and store it; the number of models stored now.

    When the list cannot be had or holds nothing that chats, the stored one stays, and ``models_error`` says why. A
    provider without a list of its own gets what is known about its vendor beforehand. Waits ``LIST_LIMIT`` seconds at
    most; while somebody else is fetching, ``patience`` seconds for them. Not for callers on an event loop.
    """
    claim = claims.take(provider.pk)
    if claim is None:
        claims.await_end(provider.pk, patience)
        return list_models(provider).count()
    try:
        for _round in range(ROUNDS):
            row = Provider.objects.filter(pk=provider.pk).first()
            if row is None:
                break
            _refresh_once(row)
            if claims.give_back(row.pk, claim, revision=row.revision):
                break
    finally:
        claims.give_back(provider.pk, claim)
    return list_models(provider).count()


def request_refresh(*, provider: Provider) -> bool:
    """Ask a worker to fetch the list; false when nobody can be asked, because the broker is away."""
    return broker.send_task(REFRESH_TASK, str(provider.pk))


def is_fetching(provider: Provider) -> bool:
    """Whether a fetch is under way, or was asked for by a save just now; as the row was read."""
    if claims.is_taken(provider):
        return True
    saved = provider.updated_at
    is_checked = provider.models_checked_at is not None and provider.models_checked_at >= saved
    return provider.is_active and not is_checked and timezone.now() - saved < JUST_SAVED


def list_models(provider: Provider) -> ProviderModelQuerySet:
    """The stored models of one provider, hidden ones and those that do not chat included; no secret comes with them."""
    return _without_secrets(ProviderModel.objects.filter(provider=provider))


def list_user_models(user: User) -> ProviderModelQuerySet:
    """Every model that a person may choose, with its provider, whose secrets stay behind."""
    return _without_secrets(ProviderModel.objects.visible_to(user).offered())


def hide_model(*, row: ProviderModel, is_hidden: bool) -> None:
    """Offer a model no longer, or again; refreshes leave that as it is."""
    row.is_hidden = is_hidden
    row.save(update_fields=["is_hidden"])


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


def _without_secrets(rows: ProviderModelQuerySet) -> ProviderModelQuerySet:
    return rows.select_related("provider").defer("provider__api_key", "provider__headers")


def _refresh_once(provider: Provider) -> None:
    listed, problem = _fetch(provider)
    found = list(catalogue_facts.from_list(provider, listed))
    changes: dict[str, object] = {"models_error": problem[:500], "models_checked_at": timezone.now()}
    if any(facts.is_chat for facts in found):
        store_models(provider, found, ProviderModel.Source.LIVE)
        changes["models_fetched_at"] = changes["models_checked_at"]
    else:
        changes["models_error"] = problem[:500] or NO_CHAT_MODEL.format(provider=provider.name)
        _fall_back(provider, found)
    Provider.objects.filter(pk=provider.pk).update(**changes)


def _fall_back(provider: Provider, found: list[Facts]) -> None:
    """Live models stay, however old; else what is known beforehand; else what was listed, though none of it chats."""
    stored = list_models(provider)
    if stored.filter(source=ProviderModel.Source.LIVE, is_chat=True).exists():
        return
    if known := list(catalogue_facts.from_vendor(provider)):
        store_models(provider, known, ProviderModel.Source.STATIC)
    elif found and not stored.filter(is_chat=True).exists():
        store_models(provider, found, ProviderModel.Source.LIVE)


def _fetch(provider: Provider) -> tuple[list[ModelInfo], str]:
    """The live list, and what is wrong with it in words; a failure is the provider's health too."""
    error: ProviderError | None = None
    listed: list[ModelInfo] = []
    _let_the_connection_go()
    try:
        listed = engine.run(_list(provider.pk), timeout=LIST_LIMIT + 2)
    except ProviderInactive as failure:
        return [], f"{failure.message} {failure.hint}"
    except ProviderError as failure:
        error = failure
    except TimeoutError:
        error = ProviderTimeout(phase="total", provider=provider.name)
    record_health(provider_id=provider.pk, error=error)
    if error is None:
        return listed, ""
    logger.info("The models of provider %s could not be listed: %s", provider.pk, error.code)
    return [], f"{error.message} {error.hint}"


def _let_the_connection_go() -> None:
    """A slow list must not hold one of the few connections to the database."""
    if not connection.in_atomic_block:
        connection.close()


async def _list(provider_id: UUID) -> list[ModelInfo]:
    async with asyncio.timeout(LIST_LIMIT):
        client = await registry.get_client(provider_id)
        return await client.list_models()
