"""Writes on endpoints. What is wrong with a value surfaces as ``ValidationError`` with the field's name."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, TypedDict, Unpack

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import Action, record_event
from accounts.models import User
from providers.addresses import BaseURLError, check_receiver_url
from providers.errors import AddressRefused
from providers.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from providers.models.webhook import TEST_EVENT
from providers.webhooks.outbox import publish, put_out
from providers.webhooks.signing import make_secret

MOST: Final = 20  # endpoints of one person, and of the whole server
GRACE: Final = timedelta(hours=24)  # in which the secret before a rotation signs too
Reason = WebhookEndpoint.Reason


class EndpointFields(TypedDict, total=False):
    """What can be said of an endpoint; no event means all of them."""

    url: str
    description: str
    events: Sequence[str]
    is_active: bool


def create_endpoint(*, owner: User | None, **fields: Unpack[EndpointFields]) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its signing secret, which is not shown again. Without ``owner`` it hears the whole server.

    Raises ``ValidationError``.
    """
    endpoint = WebhookEndpoint(owner=owner)
    _apply(endpoint, {"url": "", **fields})
    secret = make_secret()
    endpoint.secret = endpoint.seal("secret", secret)
    with transaction.atomic():
        if WebhookEndpoint.objects.filter(owner=owner).count() >= MOST:
            raise ValidationError(
                {"url": _("There are %(count)d endpoints already. Delete one first.") % {"count": MOST}}
            )
        endpoint.save(force_insert=True)
        record_event(action=Action.WEBHOOK_CREATED, target=endpoint, detail=_scope(endpoint))
    return endpoint, secret


def update_endpoint(*, endpoint: WebhookEndpoint, **changes: Unpack[EndpointFields]) -> WebhookEndpoint:
    """Change the given fields. What was waiting is sent when it is switched on again. Raises ``ValidationError``."""
    was_active = endpoint.is_active
    _apply(endpoint, changes)
    if endpoint.is_active and not was_active:
        endpoint.off_reason, endpoint.failing_since = Reason.NONE, None
    elif was_active and not endpoint.is_active:
        endpoint.off_reason = Reason.PERSON
    with transaction.atomic():
        endpoint.save(update_fields=["url", "description", "events", "is_active", "off_reason", "failing_since"])
        record_event(action=Action.WEBHOOK_CHANGED, target=endpoint, detail=", ".join(sorted(changes)))
    return endpoint


def delete_endpoint(*, endpoint: WebhookEndpoint) -> None:
    """Gone, with its log and what was waiting."""
    with transaction.atomic():
        record_event(action=Action.WEBHOOK_DELETED, target=endpoint)
        endpoint.delete()


def rotate_secret(*, endpoint: WebhookEndpoint) -> str:
    """A new signing secret, shown this once; the old one signs beside it for a day."""
    with transaction.atomic():
        row = WebhookEndpoint.objects.defer(None).select_for_update().get(pk=endpoint.pk)
        secret = make_secret()
        row.old_secret, row.old_secret_until = row.secret, timezone.now() + GRACE
        row.secret = row.seal("secret", secret)
        row.save(update_fields=["secret", "old_secret", "old_secret_until"])
        record_event(action=Action.WEBHOOK_CHANGED, target=row, detail="secret")
    endpoint.old_secret_until = row.old_secret_until
    return secret


def send_test(*, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """An event that says nothing, to this endpoint alone. Raises ``ValidationError`` while it is switched off."""
    _refuse_off(endpoint)
    with transaction.atomic():
        (delivery,) = put_out([endpoint], TEST_EVENT, {"endpoint": str(endpoint.pk)})
    return _fresh(delivery)


def retry_delivery(*, delivery: WebhookDelivery) -> WebhookDelivery:
    """Send it now, with all its attempts before it, whatever became of it. Raises as ``send_test``."""
    _refuse_off(delivery.endpoint)
    with transaction.atomic():
        free = WebhookDelivery.objects.filter(pk=delivery.pk).exclude(claimed_until__gt=Now())
        free.update(status=WebhookDelivery.Status.PENDING, attempts=0, next_attempt_at=Now(), claimed_until=None)
        transaction.on_commit(lambda: publish([delivery.pk]), robust=True)
    return _fresh(delivery)


def _fresh(delivery: WebhookDelivery) -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("endpoint").get(pk=delivery.pk)


def _refuse_off(endpoint: WebhookEndpoint) -> None:
    if not endpoint.is_active:
        raise ValidationError({"is_active": _("This endpoint is switched off. Switch it on first.")})


def _apply(endpoint: WebhookEndpoint, fields: EndpointFields) -> None:
    if "url" in fields and (endpoint._state.adding or fields["url"].strip() != endpoint.url):
        endpoint.url = _checked(fields["url"].strip())
    if "events" in fields:
        unknown = set(fields["events"]) - set(WebhookEvent.values)
        if unknown:
            raise ValidationError({"events": _("There is no event %(name)s.") % {"name": min(unknown)[:40]}})
        endpoint.events = sorted(set(fields["events"]))
    if "description" in fields:
        endpoint.description = " ".join(fields["description"].split())[:100]
    endpoint.is_active = fields.get("is_active", endpoint.is_active)


def _checked(url: str) -> str:
    try:
        checked = check_receiver_url(url)
    except BaseURLError as error:
        raise ValidationError({"url": str(error)}) from None
    except AddressRefused as error:
        raise ValidationError({"url": f"{error.detail} {_('Webhooks go to public addresses.')}"}) from None
    if len(checked) > 1000:
        raise ValidationError({"url": _("An address has at most 1,000 characters.")})
    return checked


def _scope(endpoint: WebhookEndpoint) -> str:
    return "of one person" if endpoint.owner_id else "of the whole server"
