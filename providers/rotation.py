"""Encryption keys: move every stored secret under the newest one, and count those that nothing opens."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from django.db import transaction
from django.db.models import F

from accounts.audit import Action, record_event
from accounts.factor_secrets import rotate_factors, survey_factors
from providers import registry
from providers.errors import KeyUnreadable
from providers.models import Provider, ProviderKey, WebhookEndpoint
from providers.sealed import Sealed, SealedField, SecretUnreadable, sealed_field

BATCH: Final = 100  # rows per transaction, so that saves in between do not wait long
Holder = Provider | ProviderKey | WebhookEndpoint
SEALED: Final[Mapping[type[Holder], Sequence[str]]] = {
    Provider: ("api_key", "headers"),
    ProviderKey: ("api_key",),
    WebhookEndpoint: ("secret", "old_secret"),
}
"""Every secret column."""


def rotate_keys() -> int:
    """Re-encrypt what is not under the first encryption key yet; the number of rows changed.

    A second run changes nothing. Secrets that no key opens are left as they are. Clients stay: the secret itself is
    the same.
    """
    changed = sum(_rotate_batch(model, batch) for model in SEALED for batch in _batches(model)) + rotate_factors()
    record_event(action=Action.KEYS_ROTATED, detail=f"{changed} rows")
    return changed


class Survey(NamedTuple):
    """How many stored secrets can be read, and how many nothing opens."""

    readable: int
    unreadable: int


def survey_secrets() -> Survey:
    """Try every key and set of headers of all providers, and what second factors keep."""
    counts = Counter(
        _is_readable(row, column)
        for model, columns in SEALED.items()
        for row in _rows(model)
        for column in columns
        if getattr(row, column) is not None
    )
    readable, unreadable = survey_factors()
    return Survey(counts[True] + readable, counts[False] + unreadable)


def count_unreadable_keys() -> int:
    """How many keys and sets of headers need to be entered again, and second factors to be reset."""
    return survey_secrets().unreadable


def forget_unreadable_keys() -> int:
    """Give up what nothing opens, so that it can be entered again; how many secrets went."""
    return sum(_forget_in(model, batch) for model in SEALED for batch in _batches(model))


@transaction.atomic
def _forget_in(model: type[Holder], ids: list[UUID]) -> int:
    count = 0
    for row in model._default_manager.defer(None).select_for_update().filter(pk__in=ids):
        lost = [name for name in SEALED[model] if not _is_readable(row, name)]
        if not lost:
            continue
        count += len(lost)
        if isinstance(row, WebhookEndpoint):
            _silence(row, lost)
            continue
        if isinstance(row, ProviderKey):
            row.delete()
        else:
            _empty(row, lost)
        provider_id = row.provider_id if isinstance(row, ProviderKey) else row.pk
        Provider.objects.filter(pk=provider_id).update(revision=F("revision") + 1)
        transaction.on_commit(partial(registry.drop_provider, provider_id), robust=True)
    return count


def _empty(provider: Provider, columns: list[str]) -> None:
    if "api_key" in columns:
        provider.api_key, provider.has_api_key, provider.key_hint = None, False, ""
    if "headers" in columns:
        provider.headers, provider.header_names = None, []
    provider.save(update_fields=["api_key", "has_api_key", "key_hint", "headers", "header_names"])


def _silence(endpoint: WebhookEndpoint, columns: list[str]) -> None:
    """Without its secret an endpoint can sign nothing, until its owner makes a new one."""
    for column in columns:
        setattr(endpoint, column, None)
    if "secret" in columns:
        endpoint.is_active, endpoint.off_reason = False, WebhookEndpoint.Reason.SECRET_LOST
    endpoint.save(update_fields=[*columns, "is_active", "off_reason"])


def _rows(model: type[Holder]) -> Iterator[Holder]:
    rows = model._default_manager.defer(None)
    related = rows.select_related("provider") if model is ProviderKey else rows
    yield from related.iterator(chunk_size=BATCH)


def _batches(model: type[Holder]) -> Iterator[list[UUID]]:
    ids = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


@transaction.atomic
def _rotate_batch(model: type[Holder], ids: list[UUID]) -> int:
    changed = 0
    for row in model._default_manager.defer(None).select_for_update().filter(pk__in=ids):
        columns = [name for name in SEALED[model] if _reseal(row, sealed_field(model, name))]
        if columns:
            row.save(update_fields=columns)
            changed += 1
            if not isinstance(row, WebhookEndpoint):
                provider_id = row.pk if isinstance(row, Provider) else row.provider_id
                transaction.on_commit(partial(registry.drop_shared, provider_id), robust=True)
    return changed


def _reseal(row: Holder, field: SealedField) -> bool:
    """Put one secret under the first key; whether that changed anything."""
    sealed: Sealed | None = getattr(row, field.name)
    if sealed is None or _is_newest(field, sealed):
        return False
    try:
        setattr(row, field.name, field.reseal(sealed))
    except SecretUnreadable:
        return False
    return True


def _is_newest(field: SealedField, sealed: Sealed) -> bool:
    try:
        Fernet(field.fernet_keys[0]).decrypt(sealed.token)
    except InvalidToken:
        return False
    return True


def _is_readable(row: Holder, column: str) -> bool:
    try:
        row.open_secret(column)
    except KeyUnreadable:
        return False
    return True
