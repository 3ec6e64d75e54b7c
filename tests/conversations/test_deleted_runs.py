"""Somebody deletes what an answer is being written in."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from django.db import connection

from conversations import reaper, settlement
from conversations.branching import delete_message
from conversations.claim import claim_generation
from conversations.models import Generation, Message
from conversations.plan import plan_attempt
from conversations.queueing import Sent
from conversations.run import Snapshot
from conversations.runner import Ending, Outcome
from conversations.services import delete_conversation
from providers.models import UsageRecord
from tests.conversations.conftest import die
from tests.conversations.test_engine import Say

PATIENCE = 15  # seconds


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
@pytest.mark.parametrize("deleting", [delete_message, delete_conversation])
def test_who_ends_a_run_and_who_deletes_it_do_not_wait_for_each_other(
    say: Say, monkeypatch: pytest.MonkeyPatch, writing: Callable[[Sent], Callable[[], object]], deleting: Any
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

    def delete() -> None:
        what = {"message": sent.reply} if deleting is delete_message else {"conversation": sent.reply.conversation}
        with closing(connection), connection.execute_wrapper(with_its_conversation):
            deleting(**what)

    def end() -> None:
        with closing(connection):
            assert has_locked.wait(PATIENCE)
            write()

    for module in (settlement, reaper):
        monkeypatch.setattr(module, "read_dated", with_its_run)
    with ThreadPoolExecutor(2) as threads:
        for work in [threads.submit(delete), threads.submit(end)]:
            work.result()
    assert not Message.objects.filter(pk=sent.reply.pk).exists()
    assert UsageRecord.objects.get(generation_id=sent.generation.pk).is_certain is False
