"""Writes down what is to be told, in the transaction of what it tells of; workers send it afterwards."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction

from providers import broker
from providers.models import WebhookDelivery, WebhookEndpoint, WebhookEvent

DELIVER_TASK: Final = "providers.tasks.deliver_webhook"


def announce(*, event: WebhookEvent, person_id: UUID | None, facts: Mapping[str, object]) -> None:
    """Tell an event to every endpoint that it concerns: the person's, and those of the whole server.

    ``facts`` are ids and figures; never what somebody wrote, never a key.
    """
    listening = [endpoint for endpoint in WebhookEndpoint.objects.concerned_with(person_id) if endpoint.hears(event)]
    if listening:
        put_out(listening, event, facts)


def put_out(endpoints: Iterable[WebhookEndpoint], event: str, facts: Mapping[str, object]) -> list[WebhookDelivery]:
    """One row for each endpoint, and on commit its task; a task that is lost is made up for by the sweep."""
    content = {"type": str(event), "timestamp": moment_form(datetime.now(UTC)), "data": facts}
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    rows = WebhookDelivery.objects.bulk_create(
        [WebhookDelivery(endpoint=endpoint, event=str(event), body=body) for endpoint in endpoints]
    )
    transaction.on_commit(partial(publish, [row.pk for row in rows]), robust=True)
    return rows


def publish(delivery_ids: Iterable[UUID]) -> None:
    """Ask the workers to send these now."""
    for delivery_id in delivery_ids:
        if not broker.send_task(DELIVER_TASK, str(delivery_id)):
            return


def moment_form(moment: datetime) -> str:
    """ISO 8601 in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
