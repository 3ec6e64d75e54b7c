"""Encryption keys: move every stored secret under the newest one, and count those that nothing opens."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from django.db import transaction

from accounts.audit import Action, record_event
from providers import registry
from providers.errors import KeyUnreadable
from providers.models import Provider, ProviderKey
from providers.sealed import Sealed, SealedField, SecretUnreadable, sealed_field

BATCH: Final = 100  # rows per transaction, so that saves in between do not wait long
SEALED: Final[Mapping[type[Provider | ProviderKey], Sequence[str]]] = {
    Provider: ("api_key", "headers"),
    ProviderKey: ("api_key",),
}
"""Every secret column."""


def rotate_keys() -> int:
    """Re-encrypt what is not under the first encryption key yet; the number of rows changed.

    A second run changes nothing. Secrets that no key opens are left as they are. Clients stay: the secret itself is
    the same.
    """
    changed = sum(_rotate_batch(model, batch) for model in SEALED for batch in _batches(model))
    record_event(action=Action.KEYS_ROTATED, detail=f"{changed} rows")
    return changed


def count_unreadable_keys() -> int:
    """How many keys of providers need to be entered again."""
    return sum(
        not _is_readable(row)
        for model in SEALED
        for row in model._default_manager.defer(None).filter(api_key__isnull=False).iterator(chunk_size=BATCH)
    )


def _batches(model: type[Provider | ProviderKey]) -> Iterator[list[UUID]]:
    ids = list(model._default_manager.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


@transaction.atomic
def _rotate_batch(model: type[Provider | ProviderKey], ids: list[UUID]) -> int:
    changed = 0
    for row in model._default_manager.defer(None).select_for_update().filter(pk__in=ids):
        columns = [name for name in SEALED[model] if _reseal(row, sealed_field(model, name))]
        if columns:
            row.save(update_fields=columns)
            provider_id = row.pk if isinstance(row, Provider) else row.provider_id
            transaction.on_commit(partial(registry.drop_shared, provider_id), robust=True)
            changed += 1
    return changed


def _reseal(row: Provider | ProviderKey, field: SealedField) -> bool:
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


def _is_readable(row: Provider | ProviderKey) -> bool:
    try:
        row.open_secret("api_key")
    except KeyUnreadable:
        return False
    return True
