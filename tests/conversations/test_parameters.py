"""What a conversation sets for itself: used instead of its agent's own, judged as strictly, and shown."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from conversations.models import Conversation, Generation
from conversations.queueing import Sent
from conversations.services import send_message, start_conversation
from providers.fitting import taken_parameters
from providers.models import Provider, ProviderModel
from tests.conversations.conftest import Calls, run_to_end


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def conversation(person: User, agent: Agent) -> Conversation:
    Agent.objects.filter(pk=agent.pk).update(temperature=0.9, top_p=0.5, system_prompt="Be kind.")
    return start_conversation(user=person, agent=agent)


@pytest.fixture
def api(person: User) -> APIClient:
    client = APIClient()
    client.force_login(person)
    return client


def patch(api: APIClient, conversation: Conversation, parameters: object) -> Any:
    path = f"/api/v1/conversations/{conversation.pk}/"
    return api.patch(path, {"parameters": parameters}, format="json")


def ask(person: User, conversation: Conversation) -> Sent:
    sent = send_message(user=person, conversation=conversation, content="echo: well")
    run_to_end(sent.generation)
    return sent


def test_they_are_asked_for_instead_of_the_agents_own_and_stand_in_the_receipt(
    api: APIClient, person: User, conversation: Conversation, calls: Calls
) -> None:
    given = {"temperature": 0, "max_tokens": 300, "instructions": "Answer in Latin."}
    assert patch(api, conversation, given).json()["parameters"] == {**given, "temperature": 0.0}
    sent = ask(person, conversation)
    (body,) = calls.bodies()
    asked: dict[str, Any] = dict(body)
    assert (asked["temperature"], asked["top_p"]) == (0.0, 0.5)
    assert 300 in {asked.get("max_tokens"), asked.get("max_completion_tokens")}
    assert body["messages"][0] == {"role": "system", "content": "Be kind.\n\nAnswer in Latin."}
    receipt = Generation.objects.get(pk=sent.generation.pk).receipt
    assert receipt["parameters"] == {"temperature": 0.0, "top_p": 0.5, "max_tokens": 300}
    assert receipt["set_here"] == ["temperature", "max_tokens"]
    assert receipt["conversation_instructions"] == len("Answer in Latin.")
    assert "Latin" not in str(receipt)


def test_null_gives_one_back_to_the_agent_and_the_others_stay(
    api: APIClient, person: User, conversation: Conversation, calls: Calls
) -> None:
    patch(api, conversation, {"temperature": 0.1, "top_p": 0.2})
    assert patch(api, conversation, {"temperature": None}).json()["parameters"] == {"top_p": 0.2}
    ask(person, conversation)
    asked: dict[str, Any] = dict(calls.bodies()[0])
    assert (asked["temperature"], asked["top_p"]) == (0.9, 0.2)
    assert Agent.objects.get().temperature == 0.9, "the agent is as it was"


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 3},
        {"temperature": "hot"},
        {"top_p": -1},
        {"max_tokens": 0},
        {"max_tokens": 1.5},
        {"reasoning_effort": "enormous"},
        {"instructions": "x" * 20_001},
        {"instructions": "a\x07b"},
        {"seed": 1},
        [],
        "hot",
    ],
)
def test_what_no_agent_could_have_is_refused_by_name(api: APIClient, conversation: Conversation, wrong: object) -> None:
    response = patch(api, conversation, wrong)
    assert response.status_code == 400
    detail = response.json()["error"]["detail"]
    assert list(detail) == ["parameters"]
    if isinstance(wrong, dict):
        assert list(detail["parameters"]) == list(wrong)
    assert Conversation.objects.get(pk=conversation.pk).parameters == {}


def test_only_what_the_model_takes_is_offered(provider: Provider) -> None:
    row = ProviderModel(provider=provider, model_id="m", capabilities={"sampling": False, "reasoning": True})
    assert taken_parameters(provider.kind, "m", row) == {"max_tokens", "reasoning_effort"}
    row.capabilities = {"sampling": True, "reasoning": False}
    assert taken_parameters(provider.kind, "m", row) == {"max_tokens", "temperature", "top_p"}


def test_a_refused_first_message_comes_back_with_the_parameters(client: Client, person: User, agent: Agent) -> None:
    client.force_login(person)
    given = {"agent": str(agent.pk), "temperature": "0", "max_tokens": "no number", "instructions": "Answer in Latin."}
    for content in ("", "Hi"):  # nothing to send, then something wrong in the parameters themselves
        response = client.post("/c/", {**given, "content": content})
        page = response.content.decode()
        assert response.status_code == 422
        assert 'name="temperature" value="0"' in page
        assert 'name="max_tokens" value="no number"' in page
        assert "Answer in Latin.</textarea>" in page
        assert 'id="parameters-button" type="button" popovertarget="parameters" aria-haspopup="dialog" data-set' in page
    assert not Conversation.objects.exists()
