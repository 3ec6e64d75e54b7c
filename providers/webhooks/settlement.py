"""What comes of an attempt: delivered, again later, given up; and when an endpoint is switched off."""

import logging
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce, Now

from providers.models import WebhookDelivery, WebhookEndpoint
from providers.webhooks.sending import Answer

# Seconds before the second, third … attempt: the schedule of Standard Webhooks as far as its ten hours.
SCHEDULE: Final = (5, 300, 1800, 7200, 18_000, 36_000)
LONGEST: Final = SCHEDULE[-1]  # seconds that a receiver's Retry-After may ask for
GIVEN_UP_AFTER: Final = timedelta(days=3)  # without a delivery an endpoint is switched off
GONE: Final = 410
KEPT: Final = timedelta(days=30)
Status = WebhookDelivery.Status
Reason = WebhookEndpoint.Reason

logger = logging.getLogger(__name__)


@transaction.atomic
def settle(delivery_id: UUID, number: int, answer: Answer) -> float | None:
    """Write down what the attempt of this number brought; the seconds until the next one, if there is to be one.

    Nothing is written when somebody else has taken the row meanwhile.
    """
    row = WebhookDelivery.objects.filter(pk=delivery_id, status=Status.PENDING, attempts=number)
    endpoint_id = row.values_list("endpoint", flat=True).first()
    if endpoint_id is None:
        return None
    wait = None if answer.is_success else _next_wait(number, answer)
    status = Status.DELIVERED if answer.is_success else Status.FAILED if wait is None else Status.PENDING
    row.update(
        status=status,
        next_attempt_at=None if wait is None else Now() + timedelta(seconds=wait),
        claimed_until=None,
        response_code=answer.code,
        response_text=answer.text,
        problem=answer.problem[:300],
    )
    _note_endpoint(endpoint_id, answer)
    return wait


def purge_deliveries() -> int:
    """Forget what is older than 30 days; how many."""
    return WebhookDelivery.objects.filter(created_at__lt=Now() - KEPT).delete()[0]


def _next_wait(number: int, answer: Answer) -> float | None:
    if answer.code == GONE or number > len(SCHEDULE):
        return None
    return max(float(SCHEDULE[number - 1]), min(float(LONGEST), answer.retry_after or 0.0))


def _note_endpoint(endpoint_id: UUID, answer: Answer) -> None:
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, is_active=True)
    if answer.is_success:
        endpoint.exclude(failing_since=None).update(failing_since=None)
        return
    endpoint.update(failing_since=Coalesce("failing_since", Now()))
    if answer.code == GONE:
        _switch_off(endpoint_id, Reason.GONE)
    elif endpoint.filter(failing_since__lt=Now() - GIVEN_UP_AFTER).exists():
        _switch_off(endpoint_id, Reason.FAILING)


def _switch_off(endpoint_id: UUID, reason: WebhookEndpoint.Reason) -> None:
    WebhookEndpoint.objects.filter(pk=endpoint_id).update(is_active=False, off_reason=reason)
    logger.warning("The webhook endpoint %s was switched off: %s.", endpoint_id, reason)
