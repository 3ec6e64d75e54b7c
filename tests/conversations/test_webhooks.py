"""What programs are told of answers: ids and figures, in the transaction of the end, and without slowing anything."""

import json
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from conversations.models import Conversation, Generation
from conversations.queueing import Sent
from conversations.reaper import reap
from conversations.services import request_stop
from providers.models import WebhookDelivery
from providers.webhooks import delivery
from providers.webhooks.services import create_endpoint
from tests.conversations.conftest import die, run_to_end, stored
from tests.receiver import receiving

WORDS = "Grandmother's secret recipe"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.webhooks.outbox.publish", lambda _: None)


def events() -> list[dict[str, object]]:
    """What is in the outbox, oldest first."""
    return [json.loads(row.body) for row in WebhookDelivery.objects.order_by("created_at")]


def test_a_finished_answer_is_told_by_ids_and_figures_alone(say: Callable[..., Sent], person: User) -> None:
    create_endpoint(owner=person, url="http://127.0.0.1:9/")
    sent = say(WORDS)
    run_to_end(sent.generation)
    (event,) = events()
    facts = event["data"]
    assert isinstance(facts, dict)
    assert event["type"] == "generation.finished"
    assert (facts["generation"], facts["message"]) == (str(sent.generation.pk), str(sent.reply.pk))
    assert (facts["user"], facts["status"], facts["model"]) == (str(person.pk), "completed", "practice-fast")
    assert facts["usage"]["output_tokens"] > 0
    text = json.dumps(event)
    assert WORDS not in text
    assert stored(sent).content[:12] not in text


def test_a_failed_answer_is_told_with_its_code(say: Callable[..., Sent], person: User) -> None:
    create_endpoint(owner=person, url="http://127.0.0.1:9/")
    run_to_end(say("[[status 401]]", model="practice-401").generation)
    (event,) = events()
    assert event["type"] == "generation.failed"
    assert event["data"]["error"]["code"] == "auth_failed"  # type: ignore[index]


def test_an_answer_whose_process_died_is_told(say: Callable[..., Sent], person: User) -> None:
    create_endpoint(owner=person, url="http://127.0.0.1:9/")
    sent = say("Hello")
    die(sent.generation, "Once ", "upon")
    reap()
    (event,) = events()
    assert (event["type"], event["data"]["status"]) == ("generation.failed", "interrupted")  # type: ignore[index]


def test_a_stopped_answer_is_finished_and_says_so(say: Callable[..., Sent], person: User) -> None:
    create_endpoint(owner=person, url="http://127.0.0.1:9/")
    request_stop(generation=say("Hello").generation)
    (event,) = events()
    assert (event["type"], event["data"]["status"]) == ("generation.finished", "cancelled")  # type: ignore[index]


def test_of_temporary_conversations_nobody_is_told(say: Callable[..., Sent], person: User) -> None:
    create_endpoint(owner=None, url="http://127.0.0.1:9/")
    sent = say("Hello")
    Conversation.objects.update(is_temporary=True, is_title_automatic=False)
    run_to_end(sent.generation)
    assert events() == []


def test_without_a_listener_nothing_is_written(say: Callable[..., Sent]) -> None:
    run_to_end(say("Hello").generation)
    assert events() == []


def test_a_receiver_that_hangs_slows_no_answer(say: Callable[..., Sent], person: User) -> None:
    """The first answer's message hangs at its receiver while the others are written."""
    with receiving() as receiver:
        receiver.hold = threading.Event()
        create_endpoint(owner=person, url=receiver.url)
        run_to_end(say("Hello").generation)
        delivery.sweep()
        end = time.monotonic() + 20
        while not receiver.messages and time.monotonic() < end:
            time.sleep(0.02)
        assert len(receiver.messages) == 1
        started = time.monotonic()
        for number in range(5):
            sent = say(f"Question {number}")
            assert run_to_end(sent.generation).status == Generation.Status.COMPLETED
            delivery.sweep()
        assert time.monotonic() - started < 10, "less than a single message is waited for"
        assert len(events()) == 6
        receiver.hold.set()
        delivery.wait_until_idle(30)
        delivery.sweep()
        delivery.wait_until_idle(30)
    assert WebhookDelivery.objects.filter(status="delivered").count() == 6
    assert timezone.now() - WebhookDelivery.objects.earliest("created_at").created_at < timedelta(minutes=1)
