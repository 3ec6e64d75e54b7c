"""Writes on providers. Whatever is wrong with a value surfaces as ``ValidationError`` with field names."""

from functools import partial
from typing import TypedDict, Unpack
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from providers import broker, registry
from providers.errors import DETAIL_LIMIT, ProviderError
from providers.models import Provider
from providers.practice_provider import ensure_practice_provider
from providers.rotation import count_unreadable_keys, rotate_keys
from providers.slugs import free_slug
from providers.validation import ProviderFields, clean_fields, loses_key

__all__ = [
    "ProviderChanges",
    "count_unreadable_keys",
    "create_provider",
    "delete_provider",
    "ensure_practice_provider",
    "loses_key",
    "record_health",
    "rotate_keys",
    "set_default",
    "update_provider",
]

REFRESH_TASK = "providers.tasks.refresh_models"
HINT_LENGTH = 4
HINTED_KEY_LENGTH = 16  # shorter keys show nothing of themselves
# What is wrong here is the request or the reader's patience, not the provider.
HARMLESS = {"cancelled", "invalid_request", "context_length", "content_filtered", "model_not_found"}


class ProviderChanges(TypedDict, total=False):
    """What ``update_provider`` changes; an absent field stays as it is, an empty ``api_key`` removes the key."""

    owner: User | None
    name: str
    kind: str
    base_url: str
    api_key: str
    is_shared: bool
    is_active: bool
    is_default: bool
    organization: str
    project: str


def create_provider(
    *,
    owner: User | None,
    name: str,
    kind: str,
    base_url: str = "",
    api_key: str = "",
    is_shared: bool = False,
    is_active: bool = True,
    is_default: bool = False,
    organization: str = "",
    project: str = "",
) -> Provider:
    """A new provider; its models are fetched in the background. Raises ``ValidationError``.

    An empty ``base_url`` means the kind's own address. A shared provider belongs to nobody, so that it outlives
    whoever made it.
    """
    provider = Provider(owner=None if is_shared else owner, is_shared=is_shared, is_active=is_active)
    fields = ProviderFields(
        name=name, kind=kind, base_url=base_url, api_key=api_key, organization=organization, project=project
    )
    _apply(provider, clean_fields(provider, fields))
    with transaction.atomic():
        _store(provider, is_default=is_default)
    return provider


def update_provider(*, provider: Provider, **changes: Unpack[ProviderChanges]) -> Provider:
    """Change the given fields and return the fresh row. Raises ``ValidationError``.

    Another origin or kind without a new ``api_key`` empties the key: it was given for the old address only.
    """
    with transaction.atomic():
        row = Provider.objects.defer(None).select_for_update().get(pk=provider.pk)
        fields = ProviderFields(
            name=changes.get("name", row.name),
            kind=changes.get("kind", row.kind),
            base_url=_next_base_url(row, changes),
            api_key=changes.get("api_key"),
            organization=changes.get("organization", row.organization),
            project=changes.get("project", row.project),
        )
        _move(row, changes)
        row.is_active = changes.get("is_active", row.is_active)
        _apply(row, clean_fields(row, fields))
        _store(row, is_default=changes.get("is_default", row.is_default))
    fresh: Provider = Provider.objects.get(pk=row.pk)
    return fresh


def delete_provider(*, provider: Provider) -> None:
    """Remove the provider with its models; agents and the ledger keep their rows without it."""
    provider_id = provider.pk
    with transaction.atomic():
        Provider.objects.filter(pk=provider_id).delete()
        transaction.on_commit(partial(registry.drop_provider, provider_id), robust=True)


def set_default(*, provider: Provider) -> None:
    """Make it the one that is offered first: to its owner, or when shared to everyone."""
    with transaction.atomic():
        _clear_default(provider)
        Provider.objects.filter(pk=provider.pk).update(is_default=True, updated_at=timezone.now())
    provider.is_default = True


def record_health(*, provider_id: UUID, error: ProviderError | None) -> None:
    """Remember what a real call showed. Failures that are not the provider's fault change nothing."""
    if error is not None and error.code in HARMLESS:
        return
    Provider.objects.filter(pk=provider_id).update(
        health=Provider.Health.OK if error is None else Provider.Health.FAILING,
        health_code="" if error is None else error.code,
        health_message="" if error is None else error.message[:500],
        health_detail="" if error is None else error.detail[:DETAIL_LIMIT],
        checked_at=timezone.now(),
    )


def _next_base_url(row: Provider, changes: ProviderChanges) -> str:
    """The old address serves only the old kind: another kind without an address starts from its own default."""
    other_kind = changes.get("kind", row.kind) != row.kind
    return changes.get("base_url", "" if other_kind else row.base_url)


def _move(row: Provider, changes: ProviderChanges) -> None:
    row.is_shared = changes.get("is_shared", row.is_shared)
    row.owner = None if row.is_shared else changes.get("owner", row.owner)
    if row.owner is None and not row.is_shared:
        raise ValidationError({"is_shared": _("A provider that is not shared needs an owner.")})


def _apply(row: Provider, fields: ProviderFields) -> None:
    """Set the columns; the key goes last, because it is sealed for the address."""
    key = fields["api_key"]
    lost = loses_key(row, kind=fields["kind"], base_url=fields["base_url"])
    row.name, row.kind, row.base_url = fields["name"], fields["kind"], fields["base_url"]
    row.organization, row.project = fields["organization"], fields["project"]
    if lost:
        row.headers = None
    if key is None and not lost:
        return
    row.api_key = row.seal("api_key", key) if key else None
    row.has_api_key = bool(key)
    row.key_hint = key[-HINT_LENGTH:] if key and len(key) >= HINTED_KEY_LENGTH else ""


def _store(row: Provider, *, is_default: bool) -> None:
    is_new = row._state.adding
    row.is_default = is_default
    row.slug = row.slug or free_slug(Provider.objects.all(), row.name, row.kind)
    if is_default:
        _clear_default(row)
    if not is_new:
        row.revision = F("revision") + 1
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise ValidationError({"name": _("There is a provider with this name already.")}) from None
    if not is_new:
        row.refresh_from_db(fields=["revision"])
    transaction.on_commit(partial(registry.drop_provider, row.pk), robust=True)
    transaction.on_commit(partial(_schedule_refresh, row.pk), robust=True)


def _clear_default(row: Provider) -> None:
    scope = (
        Provider.objects.filter(is_shared=True)
        if row.is_shared
        else Provider.objects.filter(is_shared=False, owner=row.owner)
    )
    scope.filter(is_default=True).exclude(pk=row.pk).update(is_default=False)


def _schedule_refresh(provider_id: UUID) -> None:
    """Ask a worker to fetch the models; without a broker the daily refresh catches up."""
    broker.send_task(REFRESH_TASK, str(provider_id))
