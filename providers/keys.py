"""The keys of a provider. A wrong value surfaces as ``ValidationError`` with the field's name."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.audit import Action, record_event
from providers import registry
from providers.models import Provider, ProviderKey
from providers.resting import Rest, list_rests, ring_of
from providers.types import MAIN_KEY
from providers.validation import NAME_LENGTH, clean_key, clean_line, clean_weight, naming

MOST_KEYS: Final = 50
HINT_LENGTH: Final = 4
HINTED_KEY_LENGTH: Final = 16  # shorter keys show nothing of themselves


def hint_of(key: str) -> str:
    """The end of a key, by which its owner recognises it."""
    return key[-HINT_LENGTH:] if len(key) >= HINTED_KEY_LENGTH else ""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """What is shown of a key. ``pk`` is ``None`` and ``name`` empty for the provider's own."""

    pk: UUID | None
    name: str
    hint: str
    weight: int
    resting_until: datetime | None
    code: str


def list_keys(provider: Provider) -> list[ListedKey]:
    """All keys of a provider with their rests, its own first."""
    rests = list_rests(ring_of(provider.pk, provider.revision))
    own = [(None, "", provider.key_hint, provider.key_weight)] if provider.has_api_key else []
    further = [(key.pk, key.name, key.key_hint, key.weight) for key in provider.further_keys.all()]
    return [_listed(rests.get(str(row[0] or MAIN_KEY)), *row) for row in (*own, *further)]


def _listed(rest: Rest | None, pk: UUID | None, name: str, hint: str, weight: int) -> ListedKey:
    until = datetime.fromtimestamp(rest.until, tz=UTC) if rest else None
    return ListedKey(pk, name, hint, weight, until, rest.code if rest else "")


@transaction.atomic
def add_key(*, provider: Provider, api_key: str, label: str = "", weight: int = 1) -> ProviderKey:
    """One more key for the provider, in use everywhere within a second."""
    row = Provider.objects.select_for_update().get(pk=provider.pk)
    if row.further_keys.count() >= MOST_KEYS:
        raise ValidationError({"api_key": _("A provider has at most %d further keys.") % MOST_KEYS})
    with naming("api_key"):
        secret = clean_key(api_key)
        if not secret:
            raise ValidationError(_("Enter the key."))
    key = ProviderKey(provider=row, key_hint=hint_of(secret))
    key.api_key = key.seal("api_key", secret)
    _describe(key, label=label, weight=weight)
    key.save()
    record_event(action=Action.KEY_SET, target=provider, detail=f"further key {key.label}".strip())
    _announce(provider)
    return key


@transaction.atomic
def update_key(*, key: ProviderKey, label: str | None = None, weight: int | None = None) -> ProviderKey:
    """Change what is said about a key; ``None`` leaves a field as it is."""
    _describe(key, label=key.label if label is None else label, weight=key.weight if weight is None else weight)
    key.save(update_fields=["label", "weight"])
    _announce(key.provider)
    return key


@transaction.atomic
def remove_key(*, key: ProviderKey) -> None:
    """Destroy a key; no process uses it a second later."""
    ProviderKey.objects.filter(pk=key.pk).delete()
    record_event(action=Action.KEY_REMOVED, target=key.provider, detail=f"further key {key.label}".strip())
    _announce(key.provider)


def _describe(key: ProviderKey, *, label: str, weight: int) -> None:
    with naming("label"):
        key.label = clean_line(label, NAME_LENGTH)
    with naming("weight"):
        key.weight = clean_weight(weight)


def _announce(provider: Provider) -> None:
    """Every process builds its clients anew."""
    Provider.objects.filter(pk=provider.pk).update(revision=F("revision") + 1)
    provider.refresh_from_db(fields=["revision"])
    transaction.on_commit(partial(registry.drop_provider, provider.pk), robust=True)
