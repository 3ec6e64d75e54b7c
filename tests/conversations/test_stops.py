"""Stop means stop, whenever it comes: within two seconds, and nobody is asked again."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from uuid import UUID

import pytest

from accounts.models import User
from conversations.claim import claim_generation
from conversations.execution import execute_claim, execute_generation
from conversations.models import Generation
from conversations.reaper import reap
from conversations.services import request_stop, send_message
from conversations.tasks import run_generation
from providers.models import UsageRecord
from providers.types import TextDelta
from tests.conversations.conftest import Calls, read, run_to_end, stored
from tests.conversations.test_engine import Say
from tests.stack import wait_for


def status_of(generation_id: UUID) -> str:
    return Generation.objects.get(pk=generation_id).status


def test_stop_before_the_first_token_hangs_up_and_keeps_nothing(say: Say, calls: Calls) -> None:
    """R22."""
    sent = say("say nothing", model="practice-silent")
    thread = threading.Thread(target=execute_generation, args=[sent.generation.pk])
    thread.start()
    wait_for(calls.all, 15, "the call")
    started = time.monotonic()
    request_stop(generation=sent.generation)
    thread.join(10)
    assert time.monotonic() - started < 4
    assert read(sent.generation).end["status"] == "cancelled"
    entry = wait_for(lambda: [call for call in calls.all() if call["end"]], 5, "the end of the call")[0]
    assert entry["ended"] == "client hung up"
    assert stored(sent).content == ""
    assert not UsageRecord.objects.filter(generation_id=sent.generation.pk).exists()


def test_stop_in_the_middle_hangs_up_on_the_provider_within_two_seconds(say: Say, calls: Calls) -> None:
    """R21: as the provider sees it."""
    sent = say("write a long story", model="practice-slow")
    thread = threading.Thread(target=execute_generation, args=[sent.generation.pk])
    thread.start()
    wait_for(lambda: stored(sent).content, 15, "a checkpoint with text")
    stopped_at = time.time()
    request_stop(generation=sent.generation)
    thread.join(10)
    entry = wait_for(lambda: [call for call in calls.all() if call["end"]], 5, "the end of the call")[0]
    assert entry["ended"] == "client hung up"
    assert float(str(entry["end"])) - stopped_at < 2


def test_a_stop_in_the_queue_comes_after_all_that_the_conversation_has_told(say: Say, person: User) -> None:
    first = say("first, to its end")
    run_to_end(first.generation)
    told = read(first.generation).events[-1].id
    second = send_message(user=person, conversation=first.message.conversation, content="second, not at all")
    request_stop(generation=second.generation)
    assert read(second.generation).events[-1].id > told


def test_stop_while_waiting_for_a_retry_ends_at_once(say: Say, calls: Calls) -> None:
    """R22."""
    sent = say("stop in the back-off", model="practice-429")
    execute_generation(sent.generation.pk)
    request_stop(generation=sent.generation)
    assert status_of(sent.generation.pk) == "cancelled"
    Generation.objects.filter(pk=sent.generation.pk).update(next_attempt_at=None)
    run_generation(str(sent.generation.pk))
    reap()
    assert len(calls.models) == 1
    assert read(sent.generation).end["status"] == "cancelled"


@pytest.mark.parametrize("model", ["practice-503", "practice-429"])
def test_a_stop_that_meets_a_failing_attempt_is_not_followed_by_another(say: Say, calls: Calls, model: str) -> None:
    sent = say("stop while it fails", model=model)
    claim = claim_generation(sent.generation.pk)
    assert claim is not None
    Generation.objects.filter(pk=sent.generation.pk).update(cancel_requested=True)
    settlement = execute_claim(claim)
    assert settlement.is_final
    assert status_of(sent.generation.pk) == "cancelled"
    assert len(calls.models) <= 1
    assert read(sent.generation).end["status"] == "cancelled"


def test_a_stop_that_comes_between_the_claim_and_the_call_is_noticed(say: Say) -> None:
    sent = say("write a long story", model="practice-slow")
    claim = claim_generation(sent.generation.pk)
    assert claim is not None
    request_stop(generation=sent.generation)
    thread = threading.Thread(target=execute_claim, args=[claim])
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert status_of(sent.generation.pk) == "cancelled"


def test_a_stop_that_a_library_forgets_is_said_again(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    """As happens to a cancellation that comes in the moment in which a call to Valkey is done."""
    begun = threading.Event()

    async def deaf_once(*_: object) -> AsyncGenerator[TextDelta]:
        yield TextDelta("heard")
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    monkeypatch.setattr("conversations.runner.generation.stream", deaf_once)
    sent = say("do not listen")
    thread = threading.Thread(target=execute_generation, args=[sent.generation.pk])
    thread.start()
    assert begun.wait(15)
    request_stop(generation=sent.generation)
    thread.join(15)
    assert status_of(sent.generation.pk) == "cancelled"
    assert stored(sent).content == "heard"
