"""Messages on their way: signed, retried on a schedule, given up, and never to where Wiz must not connect."""

import base64
import hashlib
import hmac
import threading
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from pytest_django import Settings
from standardwebhooks import WebhookVerificationError

from accounts.models import User
from providers.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from providers.tasks import deliver_webhook
from providers.webhooks import delivery, sending
from providers.webhooks.outbox import announce
from providers.webhooks.services import create_endpoint, retry_delivery, rotate_secret, send_test, update_endpoint
from providers.webhooks.settlement import SCHEDULE, purge_deliveries, settle
from tests.factories import make_user
from tests.providers.webhooks.conftest import LIMIT, deliver_all, fresh, make_due
from tests.receiver import Receiver
from tests.stack import wait_for

Status = WebhookDelivery.Status
Reason = WebhookEndpoint.Reason
FAILED = WebhookEvent.GENERATION_FAILED


def test_a_message_arrives_with_a_signature_that_the_specification_accepts(
    endpoint: WebhookEndpoint, secret: str, receiver: Receiver
) -> None:
    row = send_test(endpoint=endpoint)
    deliver_webhook(str(row.pk))
    delivery.wait_until_idle(LIMIT)
    (message,) = receiver.messages
    content = message.verify(secret)
    assert (content["type"], content["data"]) == ("webhook.test", {"endpoint": str(endpoint.pk)})
    assert (message.id, message.path) == (row.message_id, "/hooks/wiz/?from=test")
    assert message.headers["content-type"] == "application/json"
    assert (fresh(row).status, fresh(row).response_code, fresh(row).attempts) == (Status.DELIVERED, 204, 1)
    forged = type(message)(message.path, message.headers, message.raw.replace(b"test", b"tent"))
    with pytest.raises(WebhookVerificationError):
        forged.verify(secret)


def test_the_secret_has_the_form_and_the_length_that_the_specification_asks_for(secret: str) -> None:
    assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


def test_after_a_rotation_both_secrets_sign_until_the_old_one_has_had_its_day(
    endpoint: WebhookEndpoint, secret: str, receiver: Receiver
) -> None:
    new = rotate_secret(endpoint=endpoint)
    send_test(endpoint=endpoint)
    deliver_all()
    receiver.messages[0].verify(secret)
    receiver.messages[0].verify(new)
    WebhookEndpoint.objects.update(old_secret_until=Now() - timedelta(seconds=1))
    send_test(endpoint=endpoint)
    deliver_all()
    receiver.messages[1].verify(new)
    with pytest.raises(WebhookVerificationError):
        receiver.messages[1].verify(secret)


def test_two_failures_and_a_success_come_in_three_attempts_of_one_message(
    endpoint: WebhookEndpoint, secret: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SOON", -1.0)
    receiver.answers, receiver.body = [500, 503, 200], b"busy \x00\xff"
    row = send_test(endpoint=endpoint)
    for attempt, wait in enumerate(SCHEDULE[:2], start=1):
        deliver_all()
        seen = fresh(row)
        assert (seen.status, seen.attempts) == (Status.PENDING, attempt)
        assert seen.next_attempt_at is not None
        assert seen.attempted_at is not None
        assert wait - 1 < (seen.next_attempt_at - seen.attempted_at).total_seconds() < wait + 15
        assert seen.endpoint.failing_since is not None
        deliver_all()
        assert len(receiver.messages) == attempt, "nothing before its time"
        make_due(row)
    deliver_all()
    seen = fresh(row)
    assert (seen.status, seen.attempts, seen.response_code) == (Status.DELIVERED, 3, 200)
    assert seen.response_text.startswith("busy ")
    assert seen.endpoint.failing_since is None
    assert {message.verify(secret)["type"] for message in receiver.messages} == {"webhook.test"}
    assert {message.id for message in receiver.messages} == {row.message_id}


def test_the_first_retry_needs_no_sweep(
    endpoint: WebhookEndpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.webhooks.settlement.SCHEDULE", (1, 300))
    receiver.answers = [500, 200]
    row = send_test(endpoint=endpoint)
    delivery.start(row.pk)
    wait_for(lambda: fresh(row).status == Status.DELIVERED, 20, "the second attempt")


def test_attempts_end_with_the_schedule(endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    receiver.answers = [500]
    row = send_test(endpoint=endpoint)
    WebhookDelivery.objects.update(attempts=len(SCHEDULE))
    deliver_all()
    seen = fresh(row)
    assert (seen.status, seen.attempts, seen.next_attempt_at) == (Status.FAILED, len(SCHEDULE) + 1, None)
    assert seen.endpoint.is_active


def test_a_receiver_may_ask_for_more_time(endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [429], {"Retry-After": "600"}
    row = send_test(endpoint=endpoint)
    deliver_all()
    seen = fresh(row)
    assert seen.next_attempt_at is not None
    assert seen.attempted_at is not None
    assert 599 < (seen.next_attempt_at - seen.attempted_at).total_seconds() < 620


def test_gone_switches_the_endpoint_off(endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    receiver.answers = [410]
    row = send_test(endpoint=endpoint)
    deliver_all()
    seen = fresh(row)
    assert (seen.status, seen.endpoint.is_active, seen.endpoint.off_reason) == (Status.FAILED, False, Reason.GONE)
    announce(event=FAILED, person_id=endpoint.owner_id, facts={})
    assert WebhookDelivery.objects.count() == 1, "who is gone is told nothing"


def test_three_days_without_a_delivery_switch_it_off_and_switching_it_on_forgives(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.answers = [500]
    WebhookEndpoint.objects.update(failing_since=Now() - timedelta(days=2.9))
    row = send_test(endpoint=endpoint)
    deliver_all()
    assert fresh(row).endpoint.is_active
    WebhookEndpoint.objects.update(failing_since=Now() - timedelta(days=3.1))
    row = send_test(endpoint=endpoint)
    deliver_all()
    assert (fresh(row).endpoint.is_active, fresh(row).endpoint.off_reason) == (False, Reason.FAILING)
    make_due(row)
    deliver_all()
    assert len(receiver.messages) == 2, "what waits for one that is off is not sent"
    receiver.answers = [200]
    again = update_endpoint(endpoint=WebhookEndpoint.objects.get(), is_active=True)
    assert (again.off_reason, again.failing_since) == (Reason.NONE, None)
    deliver_all()
    assert fresh(row).status == Status.DELIVERED


def test_a_redirect_is_a_failure_that_is_not_followed(endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    receiver.answers, receiver.headers = [307], {"Location": f"{receiver.base}/elsewhere/"}
    row = send_test(endpoint=endpoint)
    deliver_all()
    assert (fresh(row).response_code, fresh(row).problem) == (307, "Redirects are not followed.")
    assert [message.path for message in receiver.messages] == ["/hooks/wiz/?from=test"]


def test_what_a_receiver_says_is_bounded_and_its_cookies_are_forgotten(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    receiver.answers, receiver.body, receiver.headers = [200], b"x" * 20_000_000, {"Set-Cookie": "a=b"}
    row = send_test(endpoint=endpoint)
    deliver_all()
    assert (fresh(row).status, fresh(row).response_text) == (Status.DELIVERED, "x" * sending.SHOWN)
    send_test(endpoint=endpoint)
    deliver_all()
    assert "cookie" not in receiver.messages[1].headers


def test_a_receiver_that_hangs_is_waited_for_no_longer_than_allowed(
    endpoint: WebhookEndpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "PATIENCE", 0.5)
    receiver.hold = threading.Event()
    row = send_test(endpoint=endpoint)
    deliver_all()
    assert (fresh(row).status, fresh(row).response_code) == (Status.PENDING, None)
    assert fresh(row).problem == "No answer within 0.5 seconds."


def test_a_private_address_is_refused_when_it_is_saved(owner: User, settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS = False
    for url in ("http://127.0.0.1:9/x", "http://[::1]/", "http://169.254.169.254/latest", "http://2130706433/"):
        with pytest.raises(Exception, match="address"):
            create_endpoint(owner=owner, url=url)
    assert not WebhookEndpoint.objects.exists()


def test_a_private_address_is_refused_again_when_it_is_connected_to(
    endpoint: WebhookEndpoint, receiver: Receiver, settings: Settings
) -> None:
    settings.PRIVATE_PROVIDERS = False
    row = send_test(endpoint=endpoint)
    deliver_all()
    assert (fresh(row).status, receiver.messages) == (Status.PENDING, [])
    assert fresh(row).problem == "127.0.0.1 is an address inside a private network."


def test_a_row_whose_process_died_is_taken_again_and_a_late_answer_of_the_dead_changes_nothing(
    endpoint: WebhookEndpoint, receiver: Receiver
) -> None:
    row = send_test(endpoint=endpoint)
    WebhookDelivery.objects.update(attempts=1, claimed_until=Now() + timedelta(seconds=30))
    deliver_all()
    assert receiver.messages == []
    WebhookDelivery.objects.update(claimed_until=Now() - timedelta(seconds=1))
    deliver_all()
    assert settle(row.pk, 1, sending.Answer(500)) is None
    assert (fresh(row).status, fresh(row).attempts) == (Status.DELIVERED, 2)


def test_the_same_task_twice_sends_once(endpoint: WebhookEndpoint, receiver: Receiver) -> None:
    row = send_test(endpoint=endpoint)
    threads = [threading.Thread(target=deliver_webhook, args=[str(row.pk)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    delivery.wait_until_idle(LIMIT)
    deliver_webhook(str(row.pk))
    deliver_webhook(str(uuid4()))
    delivery.wait_until_idle(LIMIT)
    assert len(receiver.messages) == 1


def test_one_that_hangs_keeps_nobody_else_waiting(endpoint: WebhookEndpoint, receiver: Receiver, owner: User) -> None:
    receiver.hold = threading.Event()
    rows = [send_test(endpoint=endpoint) for _ in range(delivery.MOST_TO_ONE + 3)]
    started = [delivery.start(row.pk) for row in rows]
    assert started.count(True) == delivery.MOST_TO_ONE
    wait_for(lambda: len(receiver.messages) == delivery.MOST_TO_ONE, 20, "the attempts")
    receiver.hold.set()
    wait_for(lambda: len(receiver.messages) == len(rows), 20, "those that had to wait, without a sweep")


def test_a_delivery_can_be_sent_again_from_the_beginning(
    endpoint: WebhookEndpoint, receiver: Receiver, secret: str
) -> None:
    row = send_test(endpoint=endpoint)
    deliver_all()
    again = retry_delivery(delivery=fresh(row))  # may be taken at once, by whatever ends the first attempt
    assert again.status == Status.PENDING
    deliver_all()
    assert (fresh(row).status, fresh(row).attempts) == (Status.DELIVERED, 1)
    first, second = receiver.messages
    assert (first.id, first.raw) == (second.id, second.raw)
    second.verify(secret)


def test_the_log_is_kept_for_thirty_days(endpoint: WebhookEndpoint) -> None:
    old, young = send_test(endpoint=endpoint), send_test(endpoint=endpoint)
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=Now() - timedelta(days=30, minutes=1))
    WebhookDelivery.objects.filter(pk=young.pk).update(created_at=Now() - timedelta(days=29))
    assert purge_deliveries() == 1
    assert WebhookDelivery.objects.get() == young


def test_everybody_hears_their_own_and_the_server_s_endpoints_all(owner: User, receiver: Receiver) -> None:
    stranger, gone = make_user("outsider@example.org"), make_user("gone@example.org", is_active=False)
    endpoints = {
        "own": create_endpoint(owner=owner, url=receiver.url)[0],
        "one event": create_endpoint(owner=owner, url=receiver.url, events=["budget.warning"])[0],
        "off": create_endpoint(owner=owner, url=receiver.url, is_active=False)[0],
        "stranger": create_endpoint(owner=stranger, url=receiver.url)[0],
        "gone": create_endpoint(owner=gone, url=receiver.url)[0],
        "server": create_endpoint(owner=None, url=receiver.url)[0],
    }
    names = {endpoint.pk: name for name, endpoint in endpoints.items()}

    def told(event: WebhookEvent, person: User | None) -> set[str]:
        WebhookDelivery.objects.all().delete()
        announce(event=event, person_id=person.pk if person else None, facts={})
        return {names[pk] for pk in WebhookDelivery.objects.values_list("endpoint", flat=True)}

    assert told(FAILED, owner) == {"own", "server"}
    assert told(WebhookEvent.BUDGET_WARNING, owner) == {"own", "one event", "server"}
    assert told(FAILED, stranger) == {"stranger", "server"}
    assert told(FAILED, gone) == told(FAILED, None) == {"server"}


def test_the_lines_of_the_documentation_verify_a_message(
    endpoint: WebhookEndpoint, secret: str, receiver: Receiver
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
    code = page.partition("    import base64, hashlib, hmac\n")[2].partition("\nJavaScript")[0]
    names: dict[str, Any] = {"base64": base64, "hashlib": hashlib, "hmac": hmac}
    exec(dedent(code), names)  # noqa: S102 - what readers are told to run
    rotate_secret(endpoint=endpoint)
    send_test(endpoint=endpoint)
    deliver_all()
    (message,) = receiver.messages
    assert names["is_genuine"](secret, message.headers, message.raw)
    assert not names["is_genuine"](secret, message.headers, message.raw + b" ")
