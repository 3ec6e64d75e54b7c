"""One generation from send to settlement, against the practice server over HTTP and a real Valkey."""

import threading
from collections.abc import Callable

import pytest

from agents.models import Agent
from conversations.events import START, EventType
from conversations.execution import execute_generation
from conversations.log import read_log_sync
from conversations.models import Generation
from conversations.queueing import Sent
from conversations.reaper import end_queued
from conversations.services import request_stop
from providers.models import UsageRecord
from tests.conversations.conftest import read, stored
from tests.stack import wait_for

Say = Callable[..., Sent]

EXACT = {
    "emoji": "👩‍🚀 😀 é 漢字 \u200f",
    "line ends": "one\r\ntwo\rthree\nfour\r\n",
    "control characters": "bell \x07 escape \x1b tab \t feed \x0c unit \x1f delete \x7f nel \x85 ls \u2028 bom \ufeff",
    "a very long line": "x" * 300_000 + " end",
    "white space at the ends": "  \n\n text \n\n  .",
}


@pytest.mark.parametrize("text", EXACT.values(), ids=EXACT.keys())
def test_the_stored_answer_equals_the_deltas_character_for_character(say: Say, text: str) -> None:
    sent = say("echo: short")
    sent.message.__class__.objects.filter(pk=sent.message.pk).update(content=f"echo: {text}")
    execute_generation(sent.generation.pk)
    reading = read(sent.generation)
    assert reading.end["status"] == "completed", reading.end
    assert stored(sent).content == reading.text
    assert reading.text.strip() == text.strip()


def test_twenty_thousand_tokens_arrive_whole(say: Say) -> None:
    sent = say("tokens=20000")
    execute_generation(sent.generation.pk)
    reading = read(sent.generation)
    assert stored(sent).content == reading.text
    assert len(reading.text.split()) >= 15_000


def test_a_finished_answer_has_usage_times_and_a_ledger_entry(say: Say) -> None:
    sent = say("hello")
    settlement = execute_generation(sent.generation.pk)
    assert settlement is not None
    generation = Generation.objects.get(pk=sent.generation.pk)
    assert generation.status == "completed"
    assert generation.finish_reason == "stop"
    assert generation.usage is not None
    assert generation.usage["output_tokens"] > 0
    assert generation.queued_at <= generation.started_at <= generation.first_token_at <= generation.finished_at  # type: ignore[operator]
    record = UsageRecord.objects.get(generation_id=generation.pk)
    assert (record.user, record.model) == (sent.generation.conversation.owner, "practice-fast")


def test_reasoning_is_kept_apart_from_the_answer(say: Say) -> None:
    sent = say("hello", model="practice-reasoning")
    execute_generation(sent.generation.pk)
    reading = read(sent.generation)
    assert reading.reasoning
    assert (stored(sent).content, stored(sent).reasoning) == (reading.text, reading.reasoning)
    assert Generation.objects.get(pk=sent.generation.pk).receipt["thought_seconds"] >= 1


def test_a_refused_key_ends_with_a_sentence_and_a_next_step(say: Say) -> None:
    sent = say("hello", model="practice-401")
    execute_generation(sent.generation.pk)
    end = read(sent.generation).end
    assert end["status"] == "failed"
    assert end["error"]["code"] == "auth_failed"  # type: ignore[index]
    assert "Providers" in end["error"]["hint"]  # type: ignore[index]


@pytest.mark.parametrize("is_owner", [True, False])
def test_the_provider_s_own_words_are_for_those_who_may_read_the_agent_s_instructions(
    say: Say, agent: Agent, is_owner: bool
) -> None:
    """Everywhere: the row, which pages, REST and exports read, and the last event."""
    if not is_owner:
        Agent.objects.filter(pk=agent.pk).update(owner=None, visibility=Agent.Visibility.EVERYONE)
    sent = say("hello", model="practice-400")
    execute_generation(sent.generation.pk)
    sent.generation.refresh_from_db()
    error = sent.generation.error
    assert error is not None
    assert (error["code"], bool(error["detail"])) == ("invalid_request", is_owner)
    assert read(sent.generation).end["error"] == error


def test_a_rate_limit_is_waited_for_and_announced(say: Say) -> None:
    """P9: the reader is told, and the retry is another attempt."""
    sent = say("hello", model="practice-429")
    settlement = execute_generation(sent.generation.pk)
    assert settlement is not None
    assert settlement.retry_in == pytest.approx(2, abs=0.5)
    generation = Generation.objects.get(pk=sent.generation.pk)
    assert (generation.status, generation.failures) == ("queued", 1)
    assert execute_generation(sent.generation.pk) is None, "not due yet"
    for _ in range(2):
        Generation.objects.filter(pk=sent.generation.pk).update(next_attempt_at=None)
        execute_generation(sent.generation.pk)
    reading = read(sent.generation)
    assert reading.end["status"] == "completed", reading.end
    assert stored(sent).content == reading.text
    assert [event.type for event in reading.events].count(EventType.ATTEMPT_START) == 3


def test_a_stream_that_is_cut_keeps_its_text_and_is_not_completed(say: Say) -> None:
    """P5: completed needs evidence."""
    sent = say("hello", model="practice-cut")
    execute_generation(sent.generation.pk)
    reading = read(sent.generation)
    assert reading.end["status"] == "failed"
    assert reading.end["error"]["code"] in {"incomplete", "connection_failed"}  # type: ignore[index]
    assert reading.text
    assert stored(sent).content == reading.text


@pytest.mark.parametrize("model", ["practice-html", "practice-garbage", "practice-empty", "practice-truncated-json"])
def test_garbage_is_a_bad_response_and_nothing_hangs(say: Say, model: str) -> None:
    sent = say("hello", model=model)
    for _ in range(5):
        Generation.objects.filter(pk=sent.generation.pk).update(next_attempt_at=None)
        settlement = execute_generation(sent.generation.pk)
        if settlement is None or settlement.is_final:
            break
    end = read(sent.generation).end
    assert end["status"] == "failed"
    assert end["error"]["code"] in {"bad_response", "incomplete"}  # type: ignore[index]


def test_the_same_task_three_times_in_parallel_runs_once(say: Say) -> None:
    """R4: the claim is the fence."""
    sent = say("hello")
    answers: list[object] = []
    threads = [
        threading.Thread(target=lambda: answers.append(execute_generation(sent.generation.pk))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer is None for answer in answers].count(False) == 1
    assert Generation.objects.get(pk=sent.generation.pk).attempt == 1


def test_stop_in_the_middle_keeps_the_text(say: Say) -> None:
    """R21: cancelled within two seconds, text kept, usage booked."""
    sent = say("write a long story", model="practice-slow")
    thread = threading.Thread(target=execute_generation, args=[sent.generation.pk])
    thread.start()
    wait_for(lambda: stored(sent).content, 15, "a checkpoint with text")
    request_stop(generation=sent.generation)
    thread.join(3)
    assert not thread.is_alive()
    reading = read(sent.generation)
    assert reading.end["status"] == "cancelled"
    assert reading.text
    assert stored(sent).content == reading.text
    assert UsageRecord.objects.get(generation_id=sent.generation.pk).is_certain is False


def test_stop_while_queued_ends_at_once_and_nothing_is_called(say: Say) -> None:
    """R22."""
    sent = say("hello")
    request_stop(generation=sent.generation)
    assert execute_generation(sent.generation.pk) is None
    assert read(sent.generation).end["status"] == "cancelled"
    assert not end_queued(sent.generation.pk)


def test_an_attempt_that_lost_its_row_writes_nothing_more(say: Say) -> None:
    sent = say("write a long story", model="practice-slow")
    thread = threading.Thread(target=execute_generation, args=[sent.generation.pk])
    thread.start()
    wait_for(lambda: stored(sent).content, 15, "a checkpoint with text")
    Generation.objects.filter(pk=sent.generation.pk).update(attempt=9)
    thread.join(5)
    assert not thread.is_alive(), "the checkpoint noticed and closed the stream"
    assert Generation.objects.get(pk=sent.generation.pk).status == "running"
    Generation.objects.filter(pk=sent.generation.pk).update(status="failed")


def test_an_agent_whose_provider_vanished_ends_with_a_clear_error(say: Say) -> None:
    sent = say("hello")
    Agent.objects.update(provider=None)
    execute_generation(sent.generation.pk)
    assert [event.type for event in read_log_sync(sent.generation.pk, START)] == [
        EventType.GENERATION_START,
        EventType.ATTEMPT_START,
        EventType.GENERATION_END,
    ], "followers are told, and need not look for themselves"
    assert read(sent.generation).end["error"]["code"] == "provider_not_found"  # type: ignore[index]
