"""The receipt says what was asked of whom, and what came of it; never what must stay secret."""

import json

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from conversations.reaper import reap
from conversations.services import request_stop
from providers.models import Provider, ProviderModel
from tests.conversations.conftest import die, run_to_end
from tests.conversations.test_engine import Say
from tests.factories import make_provider

KEY = "sk-canary-0123456789"
PROMPT = "You are a canary in a system prompt."


@pytest.fixture
def backup(person: User, practice_url: str) -> Provider:
    return make_provider(person, name="Backup", base_url=practice_url, api_key=KEY)


def test_a_receipt_tells_everything_but_the_prompt_and_the_key(
    say: Say, agent: Agent, person: User, backup: Provider
) -> None:
    Agent.objects.filter(pk=agent.pk).update(
        system_prompt=PROMPT,
        temperature=0.0,
        max_tokens=500,
        fallbacks=[{"provider": str(backup.pk), "model": "practice-fast"}],
    )
    sent = say("a receipt", model="practice-401")
    run_to_end(sent.generation)
    client = APIClient()
    client.force_login(person)
    body = client.get(f"/api/v1/generations/{sent.generation.pk}/").json()
    receipt = body["receipt"]
    assert {name: receipt[name] for name in ("provider", "kind", "model", "model_answered")} == {
        "provider": "Backup",
        "kind": "openai-compatible",
        "model": "practice-fast",
        "model_answered": "practice-fast",
    }
    assert receipt["parameters"] == {"temperature": 0.0, "max_tokens": 500}
    assert (receipt["messages_sent"], receipt["left_out"]) == (1, {"by_count": 0, "by_context": 0})
    assert [(a["attempt"], a["model"], a["code"]) for a in receipt["attempts"]] == [
        (1, "practice-401", "auth_failed"),
        (2, "practice-fast", "ok"),
    ]
    assert receipt["hops"] == body["hops"]
    assert len(body["hops"]) == 1
    timings = receipt["timings"]
    assert 0 <= timings["queued"] <= timings["first_token"] <= timings["total"]
    assert receipt["usage"] == body["usage"]
    assert receipt["certain"] is True
    text = json.dumps(body)
    assert PROMPT not in text
    assert KEY not in text


def test_parameters_that_the_model_does_not_take_are_in_the_receipt(say: Say, agent: Agent) -> None:
    assert agent.provider is not None
    ProviderModel.objects.create(
        provider=agent.provider, model_id="practice-fast", capabilities={"sampling": False, "reasoning": False}
    )
    Agent.objects.filter(pk=agent.pk).update(temperature=0.5, reasoning_effort="high")
    receipt = run_to_end(say("drop it").generation).receipt
    assert receipt["dropped"] == ["temperature", "reasoning_effort"]
    assert receipt["parameters"] == {}


def test_a_run_that_died_has_a_receipt_too(say: Say) -> None:
    sent = say("die with a receipt")
    die(sent.generation, "one ", "two")
    reap()
    sent.generation.refresh_from_db()
    receipt = sent.generation.receipt
    assert [attempt["code"] for attempt in receipt["attempts"]] == ["interrupted"]
    assert receipt["certain"] is False
    assert receipt["timings"]["total"] >= 0


def test_a_run_that_was_stopped_in_the_queue_has_an_empty_receipt_with_its_times(say: Say) -> None:
    sent = say("stop me")
    request_stop(generation=sent.generation)
    sent.generation.refresh_from_db()
    assert sent.generation.receipt["timings"]["first_token"] is None
    assert sent.generation.receipt["usage"] is None


def test_the_time_of_the_reasoning_is_still_told_after_a_reload(say: Say, person: User) -> None:
    sent = say("hello", model="practice-reasoning")
    run_to_end(sent.generation)
    client = APIClient()
    client.force_login(person)
    page = client.get(f"/c/{sent.generation.conversation_id}/").content.decode()
    sent.generation.refresh_from_db()
    assert f"Thought for {sent.generation.receipt['thought_seconds']} s" in page
