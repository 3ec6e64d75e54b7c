"""Sends what is due. A task takes a row and hands it to the process's event loop: no thread waits for a receiver.

A row is taken for a minute; if its process dies, somebody else takes it then. Receivers can see a message twice and
tell by its ``webhook-id``.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from providers import engine
from providers.database import in_thread
from providers.errors import KeyUnreadable
from providers.models import WebhookDelivery, WebhookEndpoint
from providers.webhooks import sending
from providers.webhooks.settlement import settle
from providers.webhooks.signing import signature_of

LEASE: Final = timedelta(seconds=60)
MOST: Final = 64  # attempts under way in one process
MOST_TO_ONE: Final = 4  # of which to one endpoint: one that hangs keeps nobody else waiting
SOON: Final = 10.0  # seconds; a next attempt that is nearer is not left to the sweep
SWEPT: Final = 200  # rows of one sweep

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has been taken; ``repr`` shows neither address nor signature."""

    delivery_id: UUID
    endpoint_id: UUID
    number: int
    url: str
    body: str
    headers: dict[str, str]

    def __repr__(self) -> str:
        return f"Attempt({self.delivery_id}, {self.number})"


class _Slots:
    """How many attempts this process has under way, in all and to each endpoint."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[UUID] = Counter()

    def take(self, endpoint_id: UUID) -> bool:
        with self._lock:
            if self._taken.total() >= MOST or self._taken[endpoint_id] >= MOST_TO_ONE:
                return False
            self._taken[endpoint_id] += 1
            return True

    def give_back(self, endpoint_id: UUID) -> None:
        with self._lock:
            self._taken[endpoint_id] -= 1
            self._taken += Counter()  # drops the zeros

    def busy(self) -> int:
        return self._taken.total()


_slots = _Slots()


def start(delivery_id: UUID) -> bool:
    """Begin an attempt on the event loop, if it is due and there is room; else the sweep comes back to it."""
    row = WebhookDelivery.objects.due().filter(pk=delivery_id, endpoint__is_active=True)
    endpoint_id = row.values_list("endpoint", flat=True).first()
    if endpoint_id is None or not _slots.take(endpoint_id):
        return False
    attempt = None
    try:
        attempt = _claim(delivery_id)
    finally:
        if attempt is None:
            _slots.give_back(endpoint_id)
    if attempt is None:
        return False
    engine.submit(_deliver(attempt))
    return True


def sweep() -> int:
    """Begin what is due and was left: retries, lost tasks, rows of processes that died. Returns how many."""
    due = WebhookDelivery.objects.due().filter(endpoint__is_active=True).order_by("next_attempt_at")
    return sum(start(delivery_id) for delivery_id in due.values_list("pk", flat=True)[:SWEPT])


def wait_until_idle(limit: float) -> None:
    """For commands and tests: return when this process has no attempt under way; raises ``TimeoutError``."""
    end = time.monotonic() + limit
    while _slots.busy():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.02)


def _claim(delivery_id: UUID) -> Attempt | None:
    """Take the row for this process; ``None`` when somebody else was faster or there is nothing to sign with."""
    row = WebhookDelivery.objects.due().filter(pk=delivery_id)
    if not row.update(claimed_until=Now() + LEASE, attempts=F("attempts") + 1, attempted_at=Now()):
        return None
    delivery = WebhookDelivery.objects.get(pk=delivery_id)
    endpoint = WebhookEndpoint.objects.defer(None).get(pk=delivery.endpoint_id)
    signers = _signers(endpoint)
    if not signers:
        settle(delivery_id, delivery.attempts, sending.Answer(problem=_("The secret of this endpoint cannot be read.")))
        return None
    return Attempt(
        delivery_id, endpoint.pk, delivery.attempts, endpoint.url, delivery.body, _headers(delivery, signers)
    )


def _signers(endpoint: WebhookEndpoint) -> list[str]:
    """The secret, and for a while after a rotation the one before it."""
    names = ["secret", "old_secret"] if endpoint.has_old_secret else ["secret"]
    try:
        return [secret for name in names if (secret := endpoint.open_secret(name))]
    except KeyUnreadable:
        return []


def _headers(delivery: WebhookDelivery, signers: list[str]) -> dict[str, str]:
    timestamp = int(time.time())
    signature = signature_of(signers, message_id=delivery.message_id, timestamp=timestamp, body=delivery.body)
    return dict(zip(sending.HEADERS, (delivery.message_id, str(timestamp), signature), strict=True))


async def _deliver(attempt: Attempt) -> None:
    """Send, write down what came of it, and go on with what else is due for the same endpoint."""
    retry_in: float | None = None
    try:
        answer = await sending.post(attempt.url, attempt.body, attempt.headers)
        retry_in = await in_thread(settle, attempt.delivery_id, attempt.number, answer)
    except Exception:
        logger.exception("An attempt of the delivery %s failed unexpectedly.", attempt.delivery_id)
    finally:
        _slots.give_back(attempt.endpoint_id)
    if retry_in is not None and retry_in <= SOON:
        _later(attempt.delivery_id, retry_in)
    await in_thread(_start_next, attempt.endpoint_id)


def _start_next(endpoint_id: UUID) -> None:
    following = WebhookDelivery.objects.due().filter(endpoint=endpoint_id, endpoint__is_active=True)
    delivery_id = following.order_by("next_attempt_at").values_list("pk", flat=True).first()
    if delivery_id is not None:
        start(delivery_id)


def _later(delivery_id: UUID, seconds: float) -> None:
    """A timer that dies with the process is made up for by the sweep."""
    loop = asyncio.get_running_loop()
    task = loop.create_task(_start_after(delivery_id, seconds))
    _timers.add(task)
    task.add_done_callback(_timers.discard)


async def _start_after(delivery_id: UUID, seconds: float) -> None:
    await asyncio.sleep(seconds + 0.05)  # the database's clock decides what is due
    await in_thread(start, delivery_id)


_timers: set[asyncio.Task[None]] = set()
