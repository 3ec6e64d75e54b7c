"""Writes on providers. Whatever is wrong with a value surfaces as ``ValidationError`` with field names."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Final, Unpack, cast
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import Action, record_event
from accounts.models import User
from providers import broker, registry
from providers.errors import DETAIL_LIMIT, ProviderError
from providers.keys import hint_of
from providers.models import Provider, WebhookEvent
from providers.practice_provider import ensure_practice_provider
from providers.rotation import count_unreadable_keys, forget_unreadable_keys, rotate_keys
from providers.slugs import free_slug
from providers.validation import ProviderFields, clean_fields, loses_key, missing_secrets
from providers.webhooks.outbox import announce

__all__ = [
    "ProviderChanges",
    "count_unreadable_keys",
    "create_provider",
    "delete_provider",
    "ensure_practice_provider",
    "forget_unreadable_keys",
    "loses_key",
    "missing_secrets",
    "record_health",
    "rotate_keys",
    "set_default",
    "update_provider",
]

RESERVED_SLUGS: Final = ("agent",)  # model references that begin so name an agent
REFRESH_TASK = "providers.tasks.refresh_models"
PLAIN_FIELDS = (
    "organization", "project", "key_weight", "connect_timeout", "first_event_timeout", "idle_timeout",
    "total_timeout", "max_concurrency",
)  # fmt: skip
# What is wrong here is the request or the reader's patience, not the provider.
HARMLESS = {"cancelled", "invalid_request", "context_length", "content_filtered", "model_not_found"}


class ProviderChanges(ProviderFields, total=False):
    """What ``update_provider`` changes; an absent field stays as it is."""

    owner: User | None
    is_shared: bool
    is_active: bool
    is_default: bool


def create_provider(
    *,
    owner: User | None,
    is_shared: bool = False,
    is_active: bool = True,
    is_default: bool = False,
    **fields: Unpack[ProviderFields],
) -> Provider:
    """A new provider; its models are fetched in the background. Raises ``ValidationError``.

    ``name`` and ``kind`` are needed. An empty ``base_url`` means the kind's own address. A shared provider belongs to
    nobody, so that it outlives whoever made it.
    """
    provider = Provider(owner=None if is_shared else owner, is_shared=is_shared, is_active=is_active)
    _apply(provider, clean_fields(provider, {"name": "", **fields}))
    with transaction.atomic():
        _store(provider, is_default=is_default)
        record_event(action=Action.PROVIDER_CREATED, target=provider, detail=f"{provider.kind}, {provider.base_url}")
        _record_secrets(provider, fields)
    return provider


def update_provider(*, provider: Provider, **changes: Unpack[ProviderChanges]) -> Provider:
    """Change the given fields and return the fresh row. Raises ``ValidationError``.

    Another origin or kind empties the secrets that are not given again, further keys included: they were given for the
    old address only.
    """
    with transaction.atomic():
        row = Provider.objects.defer(None).select_for_update().get(pk=provider.pk)
        _move(row, changes)
        row.is_active = changes.get("is_active", row.is_active)
        fields: ProviderFields = {"name": row.name, **_fields_of(changes), "base_url": _next_base_url(row, changes)}
        _apply(row, clean_fields(row, fields))
        _store(row, is_default=changes.get("is_default", row.is_default))
        record_event(action=Action.PROVIDER_CHANGED, target=row, detail=", ".join(sorted(changes)))
        _record_secrets(row, changes)
    fresh: Provider = Provider.objects.get(pk=row.pk)
    return fresh


def delete_provider(*, provider: Provider) -> None:
    """Remove the provider with its models; agents and the ledger keep their rows without it."""
    provider_id = provider.pk
    with transaction.atomic():
        record_event(action=Action.PROVIDER_DELETED, target=provider)
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
    health = Provider.Health.OK if error is None else Provider.Health.FAILING
    with transaction.atomic():
        before = Provider.objects.select_for_update().filter(pk=provider_id).values_list("health", flat=True).first()
        Provider.objects.filter(pk=provider_id).update(
            health=health,
            health_code="" if error is None else error.code,
            health_message="" if error is None else error.message[:500],
            health_detail="" if error is None else error.detail[:DETAIL_LIMIT],
            checked_at=timezone.now(),
        )
        if before is not None and Provider.Health.FAILING in {before, health} and before != health:
            _announce_health(provider_id, error)


def _announce_health(provider_id: UUID, error: ProviderError | None) -> None:
    """Tell that a provider began to fail, or works again."""
    provider: Provider = Provider.objects.get(pk=provider_id)
    facts = {
        "provider": str(provider.pk),
        "name": provider.name,
        "kind": provider.kind,
        "shared": provider.is_shared,
        "health": provider.health,
        "error": {"code": error.code, "message": error.message} if error else None,
    }
    event = WebhookEvent.PROVIDER_RECOVERED if error is None else WebhookEvent.PROVIDER_UNHEALTHY
    announce(event=event, person_id=provider.owner_id, facts=facts)


def _record_secrets(row: Provider, changes: Mapping[str, object]) -> None:
    """That secrets were given or taken away, by the names of their fields."""
    for action, was_given in ((Action.KEY_SET, True), (Action.KEY_REMOVED, False)):
        names = [name for name in ("api_key", "headers") if name in changes and bool(changes[name]) == was_given]
        if names:
            record_event(action=action, target=row, detail=", ".join(names))


def _next_base_url(row: Provider, changes: ProviderChanges) -> str:
    """The old address serves only the old kind: another kind without an address starts from its own default."""
    other_kind = changes.get("kind", row.kind) != row.kind
    return changes.get("base_url", "" if other_kind else row.base_url)


def _move(row: Provider, changes: ProviderChanges) -> None:
    row.is_shared = changes.get("is_shared", row.is_shared)
    row.owner = None if row.is_shared else changes.get("owner", row.owner)
    if row.owner is None and not row.is_shared:
        raise ValidationError({"is_shared": _("A provider that is not shared needs an owner.")})


def _fields_of(changes: ProviderChanges) -> ProviderFields:
    """The part of the changes that is about the provider itself."""
    known = {name: value for name, value in changes.items() if name in ProviderFields.__annotations__}
    return cast("ProviderFields", known)


def _apply(row: Provider, fields: ProviderFields) -> None:
    """Set the columns; the secrets go last, because they are sealed for the address."""
    if loses_key(row, kind=fields["kind"], base_url=fields["base_url"]):
        _drop_secrets(row)
    for name in ("name", "kind", "base_url", *PLAIN_FIELDS):
        if name in fields:
            setattr(row, name, fields[name])  # type: ignore[literal-required]
    if "headers" in fields:
        headers = fields["headers"]
        row.headers = row.seal("headers", json.dumps(dict(headers))) if headers else None
        row.header_names = sorted(headers)
    if "api_key" in fields:
        key = fields["api_key"]
        row.api_key = row.seal("api_key", key) if key else None
        row.has_api_key = bool(key)
        row.key_hint = hint_of(key)


def _drop_secrets(row: Provider) -> None:
    row.api_key = row.headers = None
    row.has_api_key, row.key_hint, row.header_names = False, "", []
    row.further_keys.all().delete()


def _store(row: Provider, *, is_default: bool) -> None:
    is_new = row._state.adding
    row.is_default = is_default
    row.slug = row.slug or free_slug(Provider.objects.all(), row.name, row.kind, reserved=RESERVED_SLUGS)
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
