"""What is sent to the model fits it, and what stays behind is counted and said."""

from collections.abc import Callable

import pytest

from accounts.models import User
from agents.models import Agent
from conversations.history import read_history
from conversations.models import Conversation, Generation, Message
from conversations.plan import continuation
from conversations.queueing import Sent
from conversations.services import send_message
from providers.ledger import estimate_tokens
from providers.models import ProviderModel
from tests.conversations.conftest import Calls, read, run_to_end
from tests.conversations.test_engine import Say

Talk = Callable[..., Sent]
CHINESE = "漢字" * 50


@pytest.fixture
def talk(say: Say, person: User, agent: Agent) -> Talk:
    """A conversation with so many exchanges of these texts, and a last question."""

    def talk(exchanges: int, *, question: str, text: str = "words", model: str = "practice-fast") -> Sent:
        Agent.objects.filter(pk=agent.pk).update(model=model)
        agent.refresh_from_db()
        conversation = Conversation.objects.create(owner=person, agent=agent)
        above = None
        for number in range(exchanges):
            above = add(conversation, above, "user", f"question {number} {text}")
            above = add(conversation, above, "assistant", f"answer {number} {text}")
        Conversation.objects.filter(pk=conversation.pk).update(head=above)
        return send_message(user=person, conversation=conversation, content=question)

    return talk


def add(conversation: Conversation, above: Message | None, role: str, content: str) -> Message:
    return Message.objects.create(conversation=conversation, parent=above, role=role, content=content)


def limit_context(agent: Agent, tokens: int, answer: int | None = None) -> None:
    assert agent.provider is not None
    ProviderModel.objects.create(
        provider=agent.provider, model_id=agent.model, context_length=tokens, max_output_tokens=answer
    )


def test_the_last_twenty_messages_are_sent_from_a_question_on(talk: Talk, calls: Calls) -> None:
    sent = talk(15, question="the last question")
    generation = run_to_end(sent.generation)
    (body,) = calls.bodies()
    assert [message["role"] for message in body["messages"]] == ["user", "assistant"] * 9 + ["user"]
    assert body["messages"][-1]["content"] == "the last question"
    assert generation.receipt["messages_sent"] == 19
    assert generation.receipt["left_out"] == {"by_count": 12, "by_context": 0}
    assert read(sent.generation).notices == ["12 earlier messages were not sent: only the last 20 are."]


def test_a_short_conversation_is_sent_whole_and_nothing_is_said(talk: Talk, calls: Calls) -> None:
    sent = talk(3, question="short")
    generation = run_to_end(sent.generation)
    assert len(calls.bodies()[0]["messages"]) == 7
    assert generation.receipt["left_out"] == {"by_count": 0, "by_context": 0}
    assert read(sent.generation).notices == []


@pytest.mark.parametrize(
    "text", ["plain English words " * 20, CHINESE, "слова " * 60], ids=["ascii", "cjk", "cyrillic"]
)
def test_messages_fit_the_models_window_in_every_script(talk: Talk, agent: Agent, calls: Calls, text: str) -> None:
    limit_context(agent, 1000)
    sent = talk(8, question="does it fit?", text=text)
    generation = run_to_end(sent.generation)
    messages = calls.bodies()[0]["messages"]
    assert estimate_tokens(*(message["content"] for message in messages)) <= 750
    assert 1 < len(messages) < 17
    assert messages[0]["role"] == "user"
    assert generation.receipt["left_out"]["by_context"] == 17 - len(messages)
    assert "context holds no more" in read(sent.generation).notices[0]


def test_the_longest_answer_and_the_system_prompt_take_their_room(talk: Talk, agent: Agent, calls: Calls) -> None:
    limit_context(agent, 2000)
    Agent.objects.filter(pk=agent.pk).update(max_tokens=900, system_prompt="x" * 2000)
    run_to_end(talk(8, question="how much?", text="y" * 400).generation)
    contents = [message["content"] for message in calls.bodies()[0]["messages"] if message["role"] != "system"]
    assert estimate_tokens(*contents) <= 2000 - 900 - 500 - 100


def test_the_newest_question_is_sent_even_if_it_cannot_fit(talk: Talk, agent: Agent, calls: Calls) -> None:
    limit_context(agent, 100)
    run_to_end(talk(3, question="z" * 5000).generation)
    assert [len(message["content"]) for message in calls.bodies()[0]["messages"]] == [5000]


def test_a_model_that_says_too_long_is_asked_once_more_with_half(talk: Talk, calls: Calls) -> None:
    sent = talk(8, question="too long?", text="w" * 200, model="practice-context")
    generation = run_to_end(sent.generation)
    assert generation.status == "failed"
    assert generation.error is not None
    assert generation.error["code"] == "context_length"
    first, second = ([message["content"] for message in body["messages"]] for body in calls.bodies())
    assert len(first) == 17
    assert estimate_tokens(*second) <= estimate_tokens(*first) / 2
    assert second[-1] == "too long?"
    assert "Trying again with half of its messages." in read(sent.generation).notices[0]


def test_a_single_question_that_is_too_long_is_not_asked_twice(say: Say, calls: Calls) -> None:
    run_to_end(say("alone and too long", model="practice-context").generation)
    assert calls.models == ["practice-context"]


def test_what_is_too_long_even_in_half_goes_to_the_fallback(talk: Talk, agent: Agent, calls: Calls) -> None:
    fallback = {"provider": str(agent.provider_id), "model": "practice-fast"}
    Agent.objects.filter(pk=agent.pk).update(fallbacks=[fallback])
    generation = run_to_end(talk(4, question="then another", model="practice-context").generation)
    assert generation.status == "completed"
    assert calls.models == ["practice-context", "practice-context", "practice-fast"]


def test_what_is_continued_is_part_of_the_budget(talk: Talk) -> None:
    sent = talk(8, question="go on?", text="v" * 200)
    tail = continuation("k" * 1600)
    without = read_history(sent.reply, room=700)
    history = read_history(sent.reply, room=700, tail=tail)
    assert history.messages[-2:] == tail
    assert len(history.messages) - 2 < len(without.messages)


def test_failed_answers_that_say_nothing_are_neither_sent_nor_counted(talk: Talk, person: User) -> None:
    sent = talk(2, question="nothing came")
    Generation.objects.update(status="failed")
    later = send_message(user=person, conversation=sent.message.conversation, content="again?")
    history = read_history(later.reply)
    assert [message.content for message in history.messages][-2:] == ["nothing came", "again?"]
    assert history.missing == 0
