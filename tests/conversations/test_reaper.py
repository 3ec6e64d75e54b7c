"""What nobody runs any more is ended, and what nobody has claimed is published again."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from conversations import reaper
from conversations.execution import execute_generation
from conversations.models import Generation
from conversations.services import request_stop
from providers.models import UsageRecord
from tests.conversations.conftest import LONG_AGO, die, read, stored
from tests.conversations.test_engine import Say


def test_a_dead_run_keeps_every_character_that_a_reader_has_seen(say: Say) -> None:
    """R1: the log has what the last checkpoint had not."""
    sent = say("hello")
    die(sent.generation, "one 😀 ", "two ", "three")
    assert reaper.reap() == 1
    reading = read(sent.generation)
    assert reading.end["status"] == "interrupted"
    assert stored(sent).content == reading.text == "one 😀 two three"
    assert UsageRecord.objects.get(generation_id=sent.generation.pk).is_certain is False


def test_a_run_that_died_before_its_first_word_runs_once_more(say: Say) -> None:
    """R2."""
    sent = say("hello")
    die(sent.generation)
    assert reaper.reap() == 1
    assert Generation.objects.get(pk=sent.generation.pk).status == "queued"
    execute_generation(sent.generation.pk)
    assert read(sent.generation).end["status"] == "completed"
    assert Generation.objects.get(pk=sent.generation.pk).attempt == 2


def test_a_run_that_kills_its_worker_each_time_ends_after_two_attempts(say: Say) -> None:
    """R28."""
    sent = say("hello")
    for _ in range(2):
        die(sent.generation)
        reaper.reap()
    generation = Generation.objects.get(pk=sent.generation.pk)
    assert (generation.status, generation.attempt) == ("interrupted", 2)
    assert generation.error is not None
    assert "server stopped" in generation.error["message"]


def test_a_run_with_a_heartbeat_is_left_alone(say: Say) -> None:
    sent = say("hello")
    die(sent.generation, "one")
    Generation.objects.update(heartbeat_at=timezone.now())
    assert reaper.reap() == 0


def test_what_nobody_claims_is_published_again_and_ever_more_rarely(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[object] = []
    monkeypatch.setattr(reaper, "publish_run", published.append)
    sent = say("hello")
    assert reaper.reap() == 0
    for _ in range(3):
        Generation.objects.update(published_at=timezone.now() - timedelta(seconds=31))
        reaper.reap()
    assert published == [sent.generation.pk, sent.generation.pk], "after 15 s and 30 s, not yet after 60 s"


def test_a_stop_that_met_a_dead_worker_still_ends_the_run(say: Say) -> None:
    sent = say("hello")
    die(sent.generation, "one")
    request_stop(generation=sent.generation)
    reaper.reap()
    assert read(sent.generation).end["status"] == "cancelled"


def test_whoever_reads_a_dead_run_ends_it(say: Say) -> None:
    """Without beat: the follower's own look is a round of the reaper for this run, and for no other."""
    sent, other = say("hello"), say("hello, too")
    die(sent.generation, "one ", "two")
    die(other.generation, "three")
    reading = read(sent.generation)
    assert (reading.end["status"], reading.text) == ("interrupted", "one two")
    assert stored(sent).content == "one two"
    assert Generation.objects.get(pk=other.generation.pk).status == "running"


def test_whoever_reads_a_run_that_nobody_claims_has_it_published_again(
    say: Say, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[UUID] = []
    sent = say("hello")
    monkeypatch.setattr(reaper, "publish_run", published.append)
    client = APIClient()
    client.force_login(person)
    address = f"/api/v1/generations/{sent.generation.pk}/"
    assert client.get(address).json()["status"] == "queued"
    assert published == []
    Generation.objects.update(published_at=timezone.now() - LONG_AGO)
    assert client.get(address).json()["status"] == "queued"
    assert published == [sent.generation.pk]


def test_a_run_that_was_claimed_is_published_again_as_soon_as_the_first_time(say: Say) -> None:
    """However often it was published before: a retry whose timer died with its worker waits for 15 seconds."""
    sent = say("try again", model="practice-429")
    Generation.objects.update(publications=7)
    execute_generation(sent.generation.pk)
    assert Generation.objects.get(pk=sent.generation.pk).publications == 1
