"""The tree of messages: what the database refuses, versions, forks, answers from another model."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import User
from agents.models import Agent
from conversations.admission import RunActive
from conversations.branch import active_branch
from conversations.branching import fork_conversation, select_version
from conversations.execution import execute_generation
from conversations.models import Conversation, Generation, Message
from conversations.queueing import Sent
from conversations.services import (
    delete_conversation,
    edit_message,
    regenerate,
    send_message,
    start_conversation,
)
from providers.errors import ProviderInactive
from providers.models import Provider, UsageRecord
from tests.conversations.conftest import stored
from tests.factories import make_agent, make_answer, make_provider

Say = Callable[..., Sent]


@pytest.fixture
def answer(person: User, agent: Agent) -> Message:
    return make_answer(start_conversation(user=person, agent=agent), "First")


def finish(sent: Sent, content: str = "") -> None:
    Message.objects.filter(pk=sent.reply.pk).update(content=content)
    Generation.objects.filter(pk=sent.generation.pk).update(status="completed")


def shown(conversation: Conversation) -> list[str]:
    return [message.content for message in active_branch(Conversation.objects.get(pk=conversation.pk))]


def refused(**fields: object) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.create(**fields)


def test_a_parent_is_of_the_same_conversation(answer: Message, person: User) -> None:
    refused(conversation=start_conversation(user=person, agent=None), parent=answer, role="user")


def test_a_parent_exists_when_its_child_is_inserted(answer: Message) -> None:
    refused(conversation=answer.conversation, parent_id=uuid.uuid4(), role="user")


def test_people_and_agents_take_turns(answer: Message) -> None:
    refused(conversation=answer.conversation, parent=answer, role="assistant")
    refused(conversation=answer.conversation, parent=answer.parent, role="user")
    refused(conversation=answer.conversation, parent=None, role="assistant")
    refused(conversation=answer.conversation, parent=None, role="system")


def test_nothing_is_its_own_parent(answer: Message) -> None:
    pk = uuid.uuid4()
    refused(pk=pk, conversation=answer.conversation, parent_id=pk, role="assistant")


@pytest.mark.parametrize("change", ["parent", "no parent", "conversation", "role", "id"])
def test_a_message_never_moves(answer: Message, person: User, change: str) -> None:
    below = make_answer(answer.conversation, parent=answer)
    changes: dict[str, dict[str, object]] = {
        "parent": {"parent": below.parent},  # a cycle
        "no parent": {"parent": None},
        "conversation": {"conversation": start_conversation(user=person, agent=None)},
        "role": {"role": "user"},
        "id": {"id": uuid.uuid4()},
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.filter(pk=answer.pk).update(**changes[change])
    assert Message.objects.get(pk=answer.pk).parent == answer.parent


def test_what_does_not_move_can_be_saved_whole(answer: Message) -> None:
    answer.content = "Second"
    answer.save()
    assert Message.objects.get(pk=answer.pk).content == "Second"


def test_a_parent_cannot_come_back_below_its_own_child(answer: Message) -> None:
    """Foreign keys are checked at the commit: until then a deleted parent leaves its children without one."""
    question, below = answer.parent, make_answer(answer.conversation, parent=answer)
    assert question is not None
    with pytest.raises(IntegrityError, match="children"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM conversations_message WHERE id = %s", [_key(question)])
        Message.objects.create(pk=question.pk, conversation=answer.conversation, parent=below, role="user")


def test_a_parent_with_children_cannot_be_deleted_by_hand(answer: Message) -> None:
    assert answer.parent is not None
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM conversations_message WHERE id = %s", [_key(answer.parent)])
    assert Message.objects.count() == 2


def _key(message: Message) -> str:
    """The id as the database stores it."""
    return str(message.pk) if connection.vendor == "postgresql" else message.pk.hex


def test_a_conversation_with_many_versions_can_be_deleted(person: User, agent: Agent, say: Say) -> None:
    sent = say("First")
    finish(sent)
    finish(regenerate(user=person, message=sent.reply))
    edit_message(user=person, message=sent.message, content="Second")
    delete_conversation(conversation=sent.message.conversation)
    assert not Message.objects.exists()


def test_a_person_with_conversations_can_be_deleted(person: User, answer: Message) -> None:
    make_answer(answer.conversation, parent=answer)
    person.delete()
    assert not Message.objects.exists()


def test_another_version_is_shown_with_what_came_after_it(person: User, say: Say) -> None:
    first = say("One")
    conversation = first.message.conversation
    finish(first, "1")
    finish(send_message(user=person, conversation=conversation, content="Two"), "2")
    second = edit_message(user=person, message=first.message, content="Uno")
    finish(second, "1'")
    assert shown(conversation) == ["Uno", "1'"]
    select_version(message=first.message)
    assert shown(conversation) == ["One", "1", "Two", "2"]
    assert select_version(message=second.message).head_id == second.reply.pk
    assert shown(conversation) == ["Uno", "1'"]


def test_of_several_branches_below_a_version_the_newest_is_shown(person: User, say: Say) -> None:
    first = say("One")
    finish(first, "old")
    newer = regenerate(user=person, message=first.reply)
    finish(newer, "new")
    finish(edit_message(user=person, message=first.message, content="Uno"))
    select_version(message=first.message)
    assert shown(first.message.conversation) == ["One", "new"]
    select_version(message=first.reply)
    assert shown(first.message.conversation) == ["One", "old"]


def test_a_run_goes_on_while_another_version_is_shown(person: User, say: Say) -> None:
    first = say("echo: old")
    finish(first, "old")
    running = regenerate(user=person, message=first.reply)
    select_version(message=first.reply)
    assert shown(first.message.conversation) == ["echo: old", "old"]
    with pytest.raises(RunActive):
        send_message(user=person, conversation=first.message.conversation, content="Two")
    settlement = execute_generation(running.generation.pk)
    assert settlement is not None
    assert settlement.status == "completed"
    assert shown(first.message.conversation) == ["echo: old", "old"], "the end of a run does not move the reader"
    select_version(message=running.reply)
    assert shown(first.message.conversation) == ["echo: old", "old"]
    assert Conversation.objects.get().head == running.reply


def test_a_fork_has_the_same_words_and_nothing_else(person: User, say: Say) -> None:
    first = say("One")
    finish(first, "1")
    conversation = Conversation.objects.get()
    Generation.objects.update(usage={"input_tokens": 3})
    finish(send_message(user=person, conversation=conversation, content="Two"), "2")
    fork = fork_conversation(user=person, conversation=conversation, message=first.reply)
    conversation.refresh_from_db()
    assert (fork.title, fork.owner, fork.agent) == (f"{conversation.title} (fork)", person, conversation.agent)
    assert shown(fork) == ["One", "1"]
    copies = active_branch(fork)
    assert {copy.pk for copy in copies}.isdisjoint({first.message.pk, first.reply.pk})
    assert (copies[1].agent, copies[1].agent_name) == (first.reply.agent, first.reply.agent_name)
    assert [copy.run for copy in copies] == [None, None]
    assert shown(conversation) == ["One", "1", "Two", "2"]


def test_a_fork_of_a_long_conversation_keeps_its_order(person: User, agent: Agent) -> None:
    conversation = start_conversation(user=person, agent=agent)
    last = None
    for number in range(130):
        last = make_answer(conversation, str(number), parent=last)
    assert last is not None
    fork = fork_conversation(user=person, conversation=conversation, message=last)
    assert shown(fork)[1::2] == [str(number) for number in range(130)]


def test_a_fork_goes_on_by_itself(person: User, say: Say) -> None:
    first = say("One")
    finish(first, "1")
    fork = fork_conversation(user=person, conversation=first.message.conversation, message=first.reply)
    sent = send_message(user=person, conversation=fork, content="Two")
    assert sent.message.parent is not None
    assert sent.message.parent.conversation == fork
    assert shown(first.message.conversation) == ["One", "1"]


def test_a_fork_that_ends_with_a_question_takes_a_new_one_beside_it(person: User, say: Say) -> None:
    first = say("One")
    fork = fork_conversation(user=person, conversation=first.message.conversation, message=first.message)
    sent = send_message(user=person, conversation=fork, content="Uno")
    assert sent.message.parent is None
    assert shown(fork) == ["Uno", ""]


def test_a_long_title_is_cut_for_its_fork(person: User, answer: Message) -> None:
    Conversation.objects.update(title="x" * 200)
    answer.refresh_from_db()
    fork = fork_conversation(user=person, conversation=answer.conversation, message=answer)
    assert len(fork.title) == 200
    assert fork.title.endswith("x (fork)")
    assert not fork.is_title_automatic, "no model takes its origin out of its title"


def test_one_answer_comes_from_another_model_of_another_provider(
    person: User, agent: Agent, say: Say, practice_url: str
) -> None:
    first = say("Who are you?", model="practice-fast")
    execute_generation(first.generation.pk)
    other = make_provider(person, base_url=practice_url, name="Other")
    again = regenerate(user=person, message=first.reply, provider=other, model="practice")
    execute_generation(again.generation.pk)
    run = Generation.objects.get(pk=again.generation.pk)
    assert (run.status, run.provider_name, run.model) == ("completed", "Other", "practice")
    assert stored(again).content
    assert UsageRecord.objects.get(generation_id=run.pk).provider == other
    agent.refresh_from_db()
    assert (agent.provider, agent.model) == (first.reply.agent.provider, "practice-fast")  # type: ignore[union-attr]
    later = regenerate(user=person, message=again.reply)
    execute_generation(later.generation.pk)
    assert Generation.objects.get(pk=later.generation.pk).model == "practice-fast", "only one answer was meant"


def test_another_model_helps_when_the_agent_s_own_provider_is_off(
    person: User, provider: Provider, say: Say, practice_url: str
) -> None:
    first = say("Hello")
    finish(first)
    Provider.objects.filter(pk=provider.pk).update(is_active=False)
    first.reply.refresh_from_db()
    with pytest.raises(ProviderInactive):
        regenerate(user=person, message=Message.objects.get(pk=first.reply.pk))
    other = make_provider(person, base_url=practice_url)
    again = regenerate(user=person, message=first.reply, provider=other, model="practice-fast")
    execute_generation(again.generation.pk)
    assert Generation.objects.get(pk=again.generation.pk).status == "completed"


def test_a_model_whose_provider_was_deleted_meanwhile_is_an_error_not_another_model(
    person: User, say: Say, practice_url: str
) -> None:
    first = say("Hello")
    finish(first)
    other = make_provider(person, base_url=practice_url)
    again = regenerate(user=person, message=first.reply, provider=other, model="practice-fast")
    other.delete()
    execute_generation(again.generation.pk)
    run = Generation.objects.get(pk=again.generation.pk)
    assert run.status == "failed"
    assert run.error is not None
    assert run.error["code"] == "provider_not_found"


def test_an_answer_of_another_agent_is_beside_the_first(person: User, provider: Provider, say: Say) -> None:
    first = say("Hello")
    finish(first, "One")
    other = make_agent(person, provider, name="Other", model="practice-fast")
    again = regenerate(user=person, message=first.reply, agent=other)
    assert (again.reply.agent, again.reply.agent_name, again.message) == (other, "Other", first.message)
    assert active_branch(Conversation.objects.get())[1].sibling_ids == [first.reply.pk, again.reply.pk]


def test_a_run_that_ends_while_its_page_is_drawn_is_never_shown_as_finished_without_its_text(say: Say) -> None:
    sent = say("One")
    Generation.objects.update(status="running")
    ended: list[str] = []

    def end_after_first_read(execute: Any, sql: str, *rest: Any) -> Any:
        result = execute(sql, *rest)
        if not ended and ('"conversations_message"."content"' in sql or 'FROM "conversations_generation"' in sql):
            ended.append(sql)
            finish(sent, "The whole answer")
        return result

    conversation = Conversation.objects.get()
    with connection.execute_wrapper(end_after_first_read):
        reply = active_branch(conversation)[-1]
    assert ended
    assert reply.run is not None
    assert reply.run.status == "running" or reply.content == "The whole answer"
