"""A person with an endpoint at a real receiver; deliveries run here when the test says so."""

from collections.abc import Iterator

import pytest

from accounts.models import User
from providers.models import WebhookDelivery, WebhookEndpoint
from providers.webhooks import delivery
from providers.webhooks.services import create_endpoint
from tests.factories import make_user
from tests.receiver import Receiver, receiving

LIMIT = 30.0  # seconds


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def owner(transactional_db: None) -> Iterator[User]:
    yield make_user()
    delivery.wait_until_idle(LIMIT)


@pytest.fixture
def made(owner: User, receiver: Receiver) -> tuple[WebhookEndpoint, str]:
    return create_endpoint(owner=owner, url=receiver.url)


@pytest.fixture
def endpoint(made: tuple[WebhookEndpoint, str]) -> WebhookEndpoint:
    return made[0]


@pytest.fixture
def secret(made: tuple[WebhookEndpoint, str]) -> str:
    return made[1]


def deliver_all() -> None:
    """What is due now, to its end."""
    delivery.sweep()
    delivery.wait_until_idle(LIMIT)


def fresh(row: WebhookDelivery) -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("endpoint").get(pk=row.pk)


def make_due(row: WebhookDelivery) -> None:
    """As if its wait were over."""
    WebhookDelivery.objects.filter(pk=row.pk).update(next_attempt_at=row.created_at)
