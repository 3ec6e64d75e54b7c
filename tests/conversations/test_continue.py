"""An answer that was cut off goes on from the text that was kept; nothing is repeated, nothing is lost."""

import random
import threading

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from conversations.admission import NothingToContinue, RunActive
from conversations.events import START, EventType
from conversations.execution import execute_generation
from conversations.models import Generation, Message
from conversations.queueing import Sent
from conversations.reaper import reap
from conversations.seam import LONGEST, SHORTEST, Seam
from conversations.sequence import generations_after
from conversations.services import continue_generation, request_stop, send_message
from providers import valkey
from providers.models import UsageRecord
from tests.conversations.conftest import Calls, die, read, run_to_end, stored
from tests.conversations.test_engine import Say
from tests.factories import make_user
from tests.stack import wait_for

KEPT = "The lighthouse keeper counted 漢字 the waves 😀 until"


def cut_off(sent: Sent, content: str = KEPT, reasoning: str = "", *, status: str = "interrupted") -> None:
    Message.objects.filter(pk=sent.reply.pk).update(content=content, reasoning=reasoning)
    Generation.objects.filter(pk=sent.generation.pk).update(status=status)


def go_on(sent: Sent, person: User) -> Sent:
    return continue_generation(user=person, generation=Generation.objects.get(pk=sent.generation.pk))


def test_the_model_is_asked_to_go_on_and_the_text_grows(say: Say, person: User, calls: Calls) -> None:
    sent = say("tell me about it")
    cut_off(sent, reasoning="thinking so far")
    again = go_on(sent, person)
    assert (again.reply.pk, again.message.pk) == (sent.reply.pk, sent.message.pk)
    assert again.generation.pk != sent.generation.pk
    assert run_to_end(again.generation).status == "completed"
    reading = read(again.generation)
    assert reading.text.startswith(KEPT)
    assert len(reading.text) > len(KEPT)
    assert (stored(sent).content, stored(sent).reasoning) == (reading.text, reading.reasoning)
    roles = [(message["role"], message["content"]) for message in calls.bodies()[0]["messages"]]
    assert roles[:2] == [("user", "tell me about it"), ("assistant", KEPT)]
    assert roles[2][0] == "user"
    assert "Continue it exactly where it stops" in roles[2][1]


def test_the_events_begin_with_all_that_was_kept(say: Say, person: User) -> None:
    sent = say("begin with it")
    cut_off(sent, reasoning="thought")
    again = go_on(sent, person)
    run_to_end(again.generation)
    kinds = [event.type for event in read(again.generation).events[:4]]
    assert kinds == [
        EventType.GENERATION_START, EventType.ATTEMPT_START, EventType.REASONING_DELTA, EventType.TEXT_DELTA
    ]  # fmt: skip


def test_what_goes_on_is_followed_instead_of_what_was_cut_off(say: Say, person: User) -> None:
    """The run that goes on tells the other's text itself, and a page would take the other's end for its own."""
    sent = say("answered before")
    run_to_end(sent.generation)
    conversation = sent.message.conversation
    other = send_message(user=person, conversation=conversation, content="cut off")
    run_to_end(other.generation)
    cut_off(other)
    again = go_on(other, person)
    for position in (None, START):
        followed = [run.pk for run in generations_after(conversation.pk, position)]
        assert followed == [sent.generation.pk, again.generation.pk]


@pytest.mark.parametrize("overlap", ["You wrote:\n\n> Your", "You wrote:\n\n> "], ids=["long", "short"])
def test_what_the_model_repeats_is_taken_away(say: Say, person: User, overlap: str) -> None:
    sent = say("repeat yourself")
    cut_off(sent, f"A beginning. {overlap}")
    again = go_on(sent, person)
    run_to_end(again.generation)
    text = stored(sent).content
    assert text.startswith("A beginning. You wrote:\n\n> Your answer was cut off.")
    assert text == read(again.generation).text


def test_an_answer_that_was_stopped_can_be_continued_while_it_streams_on(say: Say, person: User) -> None:
    sent = say("write a long story", model="practice-slow")
    thread = threading.Thread(target=execute_generation, args=[sent.generation.pk])
    thread.start()
    wait_for(lambda: stored(sent).content, 15, "a checkpoint with text")
    request_stop(generation=sent.generation)
    thread.join(5)
    kept = stored(sent).content
    again = go_on(sent, person)
    thread = threading.Thread(target=execute_generation, args=[again.generation.pk])
    thread.start()
    wait_for(lambda: len(stored(sent).content) > len(kept), 15, "a checkpoint with more text")
    request_stop(generation=again.generation)
    thread.join(5)
    reading = read(again.generation)
    assert reading.end["status"] == "cancelled"
    assert reading.text == stored(sent).content
    assert reading.text.startswith(kept)
    booked = UsageRecord.objects.filter(generation_id__in=[sent.generation.pk, again.generation.pk])
    assert booked.count() == 2
    assert booked.get(generation_id=again.generation.pk).output_tokens <= len(reading.text) - len(kept)


def test_a_retry_voids_only_what_came_after_the_kept_text(say: Say, person: User) -> None:
    sent = say("retry a continuation", model="practice-500-then-ok")
    cut_off(sent)
    again = go_on(sent, person)
    assert run_to_end(again.generation).attempt == 2
    reading = read(again.generation)
    assert reading.reasons == ["", "server_error"]
    assert reading.text.startswith(KEPT)
    assert reading.text == stored(sent).content


def test_a_continuation_that_fails_keeps_the_text_and_can_be_tried_again(say: Say, person: User) -> None:
    sent = say("fail a continuation", model="practice-401")
    cut_off(sent)
    again = go_on(sent, person)
    assert run_to_end(again.generation).status == "failed"
    assert stored(sent).content == KEPT == read(again.generation).text
    assert go_on(again, person).generation.prefix == KEPT


def test_a_continuation_that_dies_keeps_the_old_text_and_the_new(say: Say, person: User) -> None:
    """R1."""
    sent = say("die in a continuation")
    cut_off(sent)
    again = go_on(sent, person)
    die(again.generation, " they", " became")
    assert reap() == 1
    reading = read(again.generation)
    assert reading.end["status"] == "interrupted"
    assert stored(sent).content == reading.text == f"{KEPT} they became"
    record = UsageRecord.objects.get(generation_id=again.generation.pk)
    assert (record.output_tokens, record.is_certain) == (3, False), "only the new text is booked"


def test_a_continuation_that_dies_before_its_first_new_word_runs_once_more(say: Say, person: User) -> None:
    """R2."""
    sent = say("die before a word")
    cut_off(sent)
    again = go_on(sent, person)
    die(again.generation)
    assert reap() == 1
    assert run_to_end(again.generation).status == "completed"
    assert read(again.generation).text == stored(sent).content


def test_a_continuation_that_is_stopped_in_the_queue_ends_with_the_kept_text(say: Say, person: User) -> None:
    sent = say("stop before going on")
    cut_off(sent, reasoning="thought")
    again = go_on(sent, person)
    request_stop(generation=again.generation)
    for _ in range(2):
        reading = read(again.generation)
        assert reading.end["status"] == "cancelled"
        assert (reading.text, reading.reasoning) == (KEPT, "thought") == (stored(sent).content, stored(sent).reasoning)
        valkey.client().flushdb()
    assert go_on(again, person).generation.prefix == KEPT


def test_a_lost_log_is_rebuilt_with_the_kept_text(say: Say, person: User) -> None:
    """R6."""
    sent = say("lose the log of a continuation")
    cut_off(sent)
    again = go_on(sent, person)
    run_to_end(again.generation)
    valkey.client().flushdb()
    reading = read(again.generation)
    assert reading.text == stored(sent).content
    assert reading.text.startswith(KEPT)


def test_an_answer_that_reached_its_longest_length_can_be_continued(say: Say, person: User, agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(max_tokens=5)
    sent = say("write a long story")
    assert run_to_end(sent.generation).finish_reason == "length"
    kept = stored(sent).content
    run_to_end(go_on(sent, person).generation)
    assert stored(sent).content.startswith(kept)
    assert len(stored(sent).content) > len(kept)


@pytest.mark.parametrize(
    ("status", "finish_reason", "content"),
    [("completed", "stop", "all of it"), ("failed", "error", ""), ("cancelled", "", "  \n")],
)
def test_what_is_whole_or_empty_cannot_be_continued(
    say: Say, person: User, status: str, finish_reason: str, content: str
) -> None:
    sent = say("no")
    cut_off(sent, content, status=status)
    Generation.objects.filter(pk=sent.generation.pk).update(finish_reason=finish_reason)
    with pytest.raises(NothingToContinue, match="nothing to continue"):
        go_on(sent, person)


def test_what_went_on_or_was_continued_already_cannot_be_continued(say: Say, person: User) -> None:
    sent = say("went on")
    cut_off(sent)
    again = go_on(sent, person)
    with pytest.raises(RunActive):
        go_on(sent, person)
    run_to_end(again.generation)
    with pytest.raises(NothingToContinue, match="already"):
        go_on(sent, person)
    Generation.objects.filter(pk=again.generation.pk).update(status="interrupted")
    later = send_message(user=person, conversation=sent.message.conversation, content="and then?")
    run_to_end(later.generation)
    with pytest.raises(NothingToContinue, match="went on"):
        go_on(again, person)


def test_the_api_continues_and_refuses_with_a_sentence(say: Say, person: User) -> None:
    sent = say("over the API")
    address = f"/api/v1/generations/{sent.generation.pk}/continue/"
    client, stranger = APIClient(), APIClient()
    client.force_login(person)
    stranger.force_login(make_user("eve@example.org"))
    assert client.post(address).status_code == 409
    cut_off(sent)
    assert stranger.post(address).status_code == 404
    answer = client.post(address)
    assert answer.status_code == 202, answer.content
    assert answer.json()["reply"]["id"] == str(sent.reply.pk)
    assert answer.json()["message"]["id"] == str(sent.message.pk)
    generation = Generation.objects.get(pk=answer.json()["generation"]["id"])
    assert run_to_end(generation).status == "completed"
    refusal = client.post(f"/api/v1/generations/{generation.pk}/continue/")
    assert refusal.status_code == 422
    assert refusal.json()["error"]["message"] == "This answer is complete: there is nothing to continue."


def test_a_seam_takes_away_exactly_the_longest_repetition_however_the_text_arrives() -> None:
    chance = random.Random(7)
    for _ in range(3000):
        letters = chance.choice(["ab", "abc ", "abcdefghij "])
        prefix = "".join(chance.choices(letters, k=chance.randint(0, 60)))
        repeated = prefix[-chance.randint(1, 40) :] if chance.random() < 0.5 else ""
        text = repeated + "".join(chance.choices(letters, k=chance.randint(0, 60)))
        seam, shown, position = Seam(prefix), "", 0
        while position < len(text):
            step = chance.randint(1, 5)
            shown += seam.feed(text[position : position + step])
            position += step
        shown += seam.close()
        lengths = range(min(LONGEST, len(prefix), len(text)), SHORTEST - 1, -1)
        longest = next((length for length in lengths if prefix.endswith(text[:length])), 0)
        assert shown == text[longest:]


def test_a_seam_shows_at_once_what_repeats_nothing() -> None:
    seam = Seam("once upon a time there was a lighthouse")
    assert seam.feed("Zebra") == "Zebra"
    assert seam.feed(" crossing") == " crossing"


@pytest.mark.parametrize(
    ("kept", "new", "shown"),
    [
        ("counted to ten 😀😀 and", "ten 😀😀 and then", " then"),
        ("ended with a family 👩‍👩‍👧", "a family 👩‍👩‍👧 at the sea", " at the sea"),
        ("one line\r\nanother line\r\n", "another line\r\na third", "a third"),
        ("```python\nprint('one')\n", "print('one')\nprint('two')\n```", "print('two')\n```"),
        ("It says 漢字漢字漢字漢字", "漢字漢字漢字漢字 again", " again"),
        ("no overlap here", "Nothing in common.", "Nothing in common."),
        ("```python\nx = 1\n", "```python\ny = 2\n```", "y = 2\n```"),
        ("~~~~py\nx = 1\nlong_name = sum", "\n~~~~py\nlong_name = sum(y)\n~~~~", "(y)\n~~~~"),
        ("```python\nx = 1\n", "```\nThat was all.", "```\nThat was all."),
        ("Code:\n\n```\nx\n```\n", "```python\ny = 2\n```", "```python\ny = 2\n```"),
    ],
)
def test_a_seam_is_found_in_emoji_line_ends_and_code(kept: str, new: str, shown: str) -> None:
    seam = Seam(kept)
    assert "".join(map(seam.feed, new)) + seam.close() == shown
