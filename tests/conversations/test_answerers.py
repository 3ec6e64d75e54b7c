"""Who answers: an agent, or a model alone that was chosen instead."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from conversations.branching import fork_conversation
from conversations.models import Conversation, Generation, Message
from conversations.services import (
    continue_generation,
    edit_message,
    regenerate,
    send_message,
    start_conversation,
)
from providers.errors import ProviderNotFound
from providers.models import Provider, UsageRecord
from tests.conversations.conftest import Calls, run_to_end, stored
from tests.factories import make_agent, make_provider, make_user


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def bare(person: User, provider: Provider) -> Conversation:
    return start_conversation(user=person, agent=None, provider=provider, model="practice-fast")


@pytest.fixture
def api(person: User) -> APIClient:
    client = APIClient()
    client.force_login(person)
    return client


def patch(api: APIClient, conversation: Conversation, **changes: Any) -> Any:
    return api.patch(f"/api/v1/conversations/{conversation.pk}/", changes, format="json")


def test_a_model_answers_alone_and_is_booked_and_named(bare: Conversation, person: User, calls: Calls) -> None:
    sent = send_message(user=person, conversation=bare, content="echo: alone")
    assert run_to_end(sent.generation).status == "completed"
    reply = stored(sent)
    assert (reply.agent, reply.agent_name) == (None, "practice-fast")
    assert "alone" in reply.content
    assert [message["role"] for message in calls.bodies()[0]["messages"]] == ["user"], "no system prompt"
    assert UsageRecord.objects.get().agent_name == "practice-fast"
    receipt = Generation.objects.get(pk=sent.generation.pk).receipt
    assert (receipt["model"], receipt["attempts"][0]["code"]) == ("practice-fast", "ok")
    kept = Conversation.objects.get(pk=bare.pk)
    assert (kept.agent, kept.model) == (None, "practice-fast"), "it goes on answering"


def test_its_answers_are_edited_repeated_and_continued_by_it(bare: Conversation, person: User) -> None:
    first = send_message(user=person, conversation=bare, content="echo: one")
    run_to_end(first.generation)
    edited = edit_message(user=person, message=first.message, content="echo: two")
    run_to_end(edited.generation)
    again = regenerate(user=person, message=stored(edited))
    assert (again.generation.override_model, again.reply.agent) == ("practice-fast", None)
    run_to_end(again.generation)
    Generation.objects.filter(pk=again.generation.pk).update(finish_reason="length")
    going_on = continue_generation(user=person, generation=Generation.objects.get(pk=again.generation.pk))
    assert run_to_end(going_on.generation).model == "practice-fast"


def test_an_old_answer_of_a_model_is_repeated_by_that_model_and_the_conversation_keeps_its_agent(
    bare: Conversation, person: User, agent: Agent
) -> None:
    first = send_message(user=person, conversation=bare, content="echo: one")
    run_to_end(first.generation)
    Conversation.objects.filter(pk=bare.pk).update(agent=agent, provider=None, model="")
    again = regenerate(user=person, message=stored(first))
    assert again.reply.agent is None
    assert run_to_end(again.generation).model == "practice-fast"
    assert Conversation.objects.get(pk=bare.pk).agent == agent


def test_a_model_of_a_provider_that_was_withdrawn_is_not_asked(person: User, practice_url: str, calls: Calls) -> None:
    shared = make_provider(None, base_url=practice_url)
    conversation = start_conversation(user=person, agent=None, provider=shared, model="practice-fast")
    sent = send_message(user=person, conversation=conversation, content="Hello")
    Provider.objects.filter(pk=shared.pk).update(is_shared=False, owner=make_user("somebody@example.org"))
    ended = run_to_end(sent.generation)
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["code"] == "provider_not_found"
    with pytest.raises(ProviderNotFound):
        send_message(user=person, conversation=conversation, content="Again")
    assert calls.all() == []


def test_the_choice_is_made_over_rest_and_holds_from_the_next_message_on(
    api: APIClient, person: User, agent: Agent, provider: Provider
) -> None:
    conversation = start_conversation(user=person, agent=agent)
    shown = patch(api, conversation, provider=str(provider.pk), model="practice-fast").json()
    assert (shown["agent"], shown["provider"], shown["model"]) == (None, str(provider.pk), "practice-fast")
    assert send_message(user=person, conversation=conversation, content="Hello").reply.agent is None
    shown = patch(api, conversation, agent=str(agent.pk)).json()
    assert (shown["agent"], shown["provider"], shown["model"]) == (str(agent.pk), None, "")
    Generation.objects.update(status="completed")
    body = {"content": "Hi", "provider": str(provider.pk), "model": "practice-fast"}
    sent = api.post(f"/api/v1/conversations/{conversation.pk}/messages/", body, format="json").json()
    assert sent["reply"]["agent_name"] == "practice-fast"
    assert Conversation.objects.get(pk=conversation.pk).model == "practice-fast"


def test_half_a_choice_and_two_choices_are_refused(
    api: APIClient, person: User, agent: Agent, provider: Provider
) -> None:
    conversation = start_conversation(user=person, agent=agent)
    assert patch(api, conversation, model="practice-fast").status_code == 400
    assert patch(api, conversation, provider=str(provider.pk)).status_code == 400
    both = patch(api, conversation, agent=str(agent.pk), provider=str(provider.pk), model="practice-fast")
    assert list(both.json()["error"]["detail"]) == ["model"]
    assert patch(api, conversation, provider=str(provider.pk), model="a\x07b").status_code == 400
    foreign = make_provider(make_user("stranger@example.org"))
    assert patch(api, conversation, provider=str(foreign.pk), model="practice").status_code == 400
    kept = Conversation.objects.get(pk=conversation.pk)
    assert (kept.agent, kept.provider, kept.model) == (agent, None, "")


def test_a_conversation_begins_with_a_model_and_a_fork_keeps_it(
    api: APIClient, person: User, provider: Provider
) -> None:
    begun = api.post(
        "/api/v1/conversations/",
        {"provider": str(provider.pk), "model": "practice-fast", "parameters": {"temperature": 0}},
        format="json",
    ).json()
    conversation = Conversation.objects.get(pk=begun["id"])
    sent = send_message(user=person, conversation=conversation, content="echo: here")
    run_to_end(sent.generation)
    fork = fork_conversation(user=person, conversation=conversation, message=Message.objects.get(pk=sent.reply.pk))
    assert (fork.provider, fork.model, fork.parameters) == (provider, "practice-fast", {"temperature": 0.0})


def test_another_agent_for_one_answer_stays(bare: Conversation, person: User, provider: Provider) -> None:
    first = send_message(user=person, conversation=bare, content="echo: one")
    run_to_end(first.generation)
    other = make_agent(person, provider, name="Other", model="practice-fast")
    again = regenerate(user=person, message=stored(first), agent=other)
    assert again.reply.agent == other
    kept = Conversation.objects.get(pk=bare.pk)
    assert (kept.agent, kept.provider, kept.model) == (other, None, "")
