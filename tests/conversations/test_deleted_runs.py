"""Somebody deletes what an answer is being written in, or by whom."""

import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.utils import timezone

from accounts.models import User
from accounts.services import delete_account
from conversations import reaper, settlement
from conversations.branching import delete_message
from conversations.claim import claim_generation
from conversations.events import START, EventType
from conversations.execution import execute_generation
from conversations.log import read_log_sync
from conversations.models import Generation, Message
from conversations.plan import plan_attempt
from conversations.queueing import Sent
from conversations.run import Snapshot
from conversations.runner import Ending, Outcome
from conversations.services import delete_conversation
from providers.database import in_thread
from providers.models import Provider, UsageRecord
from providers.services import delete_provider
from providers.types import Finish, FinishReason, StreamEvent, TextDelta, Usage
from tests.conversations.conftest import LONG_AGO, die, stored
from tests.conversations.test_engine import Say
from tests.stack import wait_for

PATIENCE = 15  # seconds
WHAT = ["message", "conversation"]


def write_while(act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The next answer is whole, and tells its usage; in its middle something happens."""

    async def stream(*_: object) -> AsyncGenerator[StreamEvent]:
        yield TextDelta("whole")
        await in_thread(act)
        yield Finish(FinishReason.STOP, "stop", Usage(input=30, output=2))

    monkeypatch.setattr("conversations.runner.generation.stream", stream)


def test_an_answer_whose_provider_is_deleted_meanwhile_is_complete_and_booked(
    say: Say, person: User, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = say("to its end")
    write_while(lambda: delete_provider(provider=provider), monkeypatch)
    execute_generation(sent.generation.pk)
    generation = Generation.objects.get(pk=sent.generation.pk)
    assert (generation.status, generation.provider_name) == ("completed", provider.name)
    assert stored(sent).content == "whole"
    record = UsageRecord.objects.get(generation_id=generation.pk)
    assert (record.user, record.provider, record.provider_name) == (person, None, provider.name)
    assert (record.input_tokens, record.is_certain) == (30, True)


@pytest.mark.parametrize(("failures", "status"), [(1, "completed"), (2, "running")])
def test_what_the_rows_do_not_allow_is_not_tried_for_ever(
    say: Say, monkeypatch: pytest.MonkeyPatch, failures: int, status: str
) -> None:
    """Once more, though: in the moment of the first try something may have been deleted."""
    sent = say("hello")
    tries: list[object] = []

    def refused(*args: Any) -> settlement.Settlement:
        tries.append(args)
        if len(tries) <= failures:
            raise IntegrityError
        return settlement.settle(*args)

    monkeypatch.setattr("conversations.execution.settle", refused)
    with suppress(IntegrityError):
        execute_generation(sent.generation.pk)
    assert len(tries) == 2
    assert Generation.objects.get(pk=sent.generation.pk).status == status


def delete(sent: Sent, what: str) -> None:
    """Delete the answer or its whole conversation."""
    if what == "message":
        delete_message(message=sent.reply)
    else:
        delete_conversation(conversation=sent.reply.conversation)


@pytest.mark.parametrize("what", WHAT)
def test_what_was_used_of_an_answer_that_is_deleted_meanwhile_is_booked(
    say: Say, person: User, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The stop that a deletion sends may come too late, or not at all."""
    sent = say("out of my sight")
    monkeypatch.setattr("conversations.services.publish_stop", lambda _: None)
    write_while(lambda: delete(sent, what), monkeypatch)
    execute_generation(sent.generation.pk)
    assert not Generation.objects.exists()
    record = UsageRecord.objects.get(generation_id=sent.generation.pk)
    assert (record.user, record.agent_name) == (person, sent.reply.agent_name)
    assert (record.input_tokens, record.output_tokens, record.is_certain) == (30, 2, True)


def test_the_answer_of_a_person_who_is_gone_ends_and_is_booked_on_nobody(say: Say, person: User) -> None:
    sent = say("write a long story", model="practice-slow")
    thread = threading.Thread(target=execute_generation, args=[sent.generation.pk])
    thread.start()
    wait_for(lambda: stored(sent).content, 15, "a checkpoint with text")
    delete_account(user=User.objects.get(pk=person.pk))
    thread.join(PATIENCE)
    assert not thread.is_alive(), "the checkpoint noticed and closed the stream"
    record = UsageRecord.objects.get(generation_id=sent.generation.pk)
    assert (record.user, record.is_certain) == (None, False)


@pytest.mark.parametrize("what", WHAT)
def test_what_the_reaper_has_booked_is_not_booked_again_when_its_worker_comes_back(
    say: Say, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    sent = say("back too late")

    def lose() -> None:
        told = EventType.TEXT_DELTA
        wait_for(lambda: told in {event.type for event in read_log_sync(sent.generation.pk, START)}, 5, "the text")
        Generation.objects.update(heartbeat_at=timezone.now() - LONG_AGO)
        reaper.reap()
        delete(sent, what)

    write_while(lose, monkeypatch)
    execute_generation(sent.generation.pk)
    assert not Generation.objects.exists()
    assert UsageRecord.objects.get(generation_id=sent.generation.pk).is_certain is False


def settling(sent: Sent) -> Callable[[], object]:
    """A worker that is about to write down an answer that was stopped."""
    claim = claim_generation(sent.generation.pk)
    assert claim is not None
    plan = plan_attempt(claim)
    text = Snapshot(claim.generation_id, claim.message_id, claim.attempt, "half of it", "")
    outcome = Outcome(Ending.STOPPED, text, written=text.text)
    return lambda: settlement.settle(claim, outcome, plan)


def reaping(sent: Sent) -> Callable[[], object]:
    """A reaper that is about to end what a dead worker has left."""
    die(sent.generation, "half ", "of it")
    return reaper.reap


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("writing", [settling, reaping])
@pytest.mark.parametrize("what", WHAT)
def test_who_ends_a_run_and_who_deletes_it_do_not_wait_for_each_other(
    say: Say, monkeypatch: pytest.MonkeyPatch, writing: Callable[[Sent], Callable[[], object]], what: str
) -> None:
    sent = say("never mind")
    write = writing(sent)
    has_locked, both = threading.Event(), threading.Barrier(2, timeout=PATIENCE)
    read_dated = settlement.read_dated

    def with_its_run(*args: Any) -> Generation:
        both.wait()
        return read_dated(*args)

    def with_its_conversation(execute: Any, sql: str, *rest: Any) -> object:
        if sql.startswith('DELETE FROM "conversations_generation"') and not has_locked.is_set():
            has_locked.set()
            both.wait()
        return execute(sql, *rest)

    def delete_it() -> None:
        with closing(connection), connection.execute_wrapper(with_its_conversation):
            delete(sent, what)

    def end() -> None:
        with closing(connection):
            assert has_locked.wait(PATIENCE)
            write()

    for module in (settlement, reaper):
        monkeypatch.setattr(module, "read_dated", with_its_run)
    with ThreadPoolExecutor(2) as threads:
        for work in [threads.submit(delete_it), threads.submit(end)]:
            work.result()
    assert not Message.objects.filter(pk=sent.reply.pk).exists()
    assert UsageRecord.objects.get(generation_id=sent.generation.pk).is_certain is False
