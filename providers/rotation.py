"""Encryption keys: move every stored secret under the newest one, and count those that nothing opens."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from django.db import transaction
from django.utils import timezone

from providers import registry
from providers.errors import KeyUnreadable
from providers.models import Provider
from providers.sealed import Sealed, SealedField, SecretUnreadable

BATCH: Final = 100  # rows per transaction, so that saves in between do not wait long
SECRET_COLUMNS: Final = ("api_key", "headers")


def rotate_keys() -> int:
    """Re-encrypt what is not under the first encryption key yet; the number of providers changed.

    A second run changes nothing. Secrets that no key opens are left as they are. Clients stay: the secret itself is
    the same.
    """
    return sum(_rotate_batch(batch) for batch in _batches())


def count_unreadable_keys() -> int:
    """How many providers need their key entered again."""
    rows = Provider.objects.defer(None).filter(api_key__isnull=False)
    return sum(1 for provider in rows.iterator(chunk_size=BATCH) if not _is_readable(provider))


def _batches() -> Iterator[list[UUID]]:
    ids = list(Provider.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


@transaction.atomic
def _rotate_batch(ids: list[UUID]) -> int:
    changed = 0
    for provider in Provider.objects.defer(None).select_for_update().filter(pk__in=ids):
        columns = [name for name in SECRET_COLUMNS if _reseal(provider, name)]
        if columns:
            provider.updated_at = timezone.now()
            provider.save(update_fields=[*columns, "updated_at"])
            transaction.on_commit(lambda pk=provider.pk: registry.drop_shared(pk), robust=True)  # type: ignore[misc]
            changed += 1
    return changed


def _reseal(provider: Provider, column: str) -> bool:
    """Put one secret under the first key; whether that changed anything."""
    sealed: Sealed | None = getattr(provider, column)
    field = Provider._meta.get_field(column)
    assert isinstance(field, SealedField)  # noqa: S101 - tells the type checker
    if sealed is None or _is_newest(field, sealed):
        return False
    try:
        setattr(provider, column, field.reseal(sealed))
    except SecretUnreadable:
        return False
    return True


def _is_newest(field: SealedField, sealed: Sealed) -> bool:
    try:
        Fernet(field.fernet_keys[0]).decrypt(sealed.token)
    except InvalidToken:
        return False
    return True


def _is_readable(provider: Provider) -> bool:
    try:
        provider.open_secret("api_key")
    except KeyUnreadable:
        return False
    return True
