"""A worker or a web process whose clock is a minute off changes nothing: the database's clock counts."""

import time
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from conversations import claim, reaper
from conversations.claim import claim_generation, claim_next
from conversations.execution import execute_generation
from conversations.models import Generation
from conversations.sequence import generations_after
from tests.conversations.conftest import read, run_to_end, stored
from tests.conversations.test_engine import Say
from tests.stack import wait_for

real_now, real_time_ns = timezone.now, time.time_ns
MINUTE = timedelta(minutes=1)


def shift_clock(monkeypatch: pytest.MonkeyPatch, skew: timedelta) -> None:
    """This process's wall clock is off; the database's is right."""
    nanoseconds = int(skew.total_seconds() * 1e9)
    monkeypatch.setattr(timezone, "now", lambda: real_now() + skew)
    monkeypatch.setattr(claim, "time", SimpleNamespace(time_ns=lambda: real_time_ns() + nanoseconds))


def database_now() -> datetime:
    return Generation.objects.annotate(clock=Now()).values_list("clock", flat=True)[0]


@pytest.fixture(params=[MINUTE, -MINUTE], ids=["fast", "slow"])
def skew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> timedelta:
    shift_clock(monkeypatch, request.param)
    skew: timedelta = request.param
    return skew


def test_a_retry_is_due_when_the_provider_said(say: Say, skew: timedelta) -> None:
    sent = say(f"wait with a clock off by {skew}", model="practice-429")
    execute_generation(sent.generation.pk)
    generation = Generation.objects.get(pk=sent.generation.pk)
    assert generation.next_attempt_at is not None
    wait = (generation.next_attempt_at - database_now()).total_seconds()
    assert 0 < wait <= 2.1
    assert claim_generation(sent.generation.pk) is None, "not due yet"
    assert claim_next() is None
    wait_for(lambda: claim_generation(sent.generation.pk), 10, "the retry's turn")
    assert database_now() >= generation.next_attempt_at


def test_a_living_run_is_not_reaped_and_a_queued_one_not_published_early(
    say: Say, skew: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[object] = []
    monkeypatch.setattr(reaper, "publish_run", published.append)
    running, queued = say("running"), say("queued")
    claim_generation(running.generation.pk)
    assert reaper.reap() == 0
    assert published == []
    Generation.objects.filter(pk=queued.generation.pk).update(published_at=Now() - timedelta(seconds=16))
    Generation.objects.filter(pk=running.generation.pk).update(heartbeat_at=Now() - timedelta(seconds=31))
    assert reaper.reap() == 2


def test_the_times_of_an_answer_are_in_order_and_true(say: Say, skew: timedelta) -> None:
    before = real_now() - timedelta(seconds=1)
    generation = run_to_end(say("times").generation)
    times = [generation.queued_at, generation.started_at, generation.first_token_at, generation.finished_at]
    assert times == sorted(times)  # type: ignore[type-var]
    assert before < times[0] and times[-1] < real_now() + timedelta(seconds=1)  # type: ignore[operator]
    assert 0 <= generation.receipt["timings"]["total"] < 30_000


def test_a_page_follows_what_has_just_ended(say: Say, skew: timedelta) -> None:
    sent = say("just ended")
    run_to_end(sent.generation)
    followed = generations_after(sent.message.conversation_id, None)
    assert [run.pk for run in followed] == [sent.generation.pk]
    Generation.objects.update(finished_at=Now() - timedelta(seconds=31))
    assert generations_after(sent.message.conversation_id, None) == []


def test_ids_rise_when_the_second_attempt_is_made_by_a_slower_clock(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = say("first fast, then slow", model="practice-500-then-ok")
    shift_clock(monkeypatch, MINUTE)
    execute_generation(sent.generation.pk)
    shift_clock(monkeypatch, -MINUTE)
    run_to_end(sent.generation)
    reading = read(sent.generation)  # asserts that ids rise
    assert reading.reasons == ["", "server_error"]
    assert reading.text == stored(sent).content
