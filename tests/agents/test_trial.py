"""Trying an agent while it is written."""

import json
from typing import Any

import httpx2
import pytest

from accounts.models import User
from agents.models import Agent
from providers.models import Provider, UsageRecord
from tests.agents.conftest import asked
from tests.agents.gateway import token_of
from tests.factories import make_agent, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def given(provider: Provider) -> dict[str, Any]:
    """A form that nobody has saved, without a name."""
    return {
        "name": "",
        "provider": str(provider.pk),
        "model": "practice",
        "visibility": "private",
        "system_prompt": "Never saved.",
        "temperature": "0.5",
    }


def ask(site: str, user: User, given: dict[str, Any], *, agent: str = "new", **more: str) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token_of(user)}"}
    data = {**given, "try-message": "echo: light", **{name.replace("_", "-"): text for name, text in more.items()}}
    return httpx2.post(f"{site}/agents/{agent}/try/", data=data, headers=headers, trust_env=False, timeout=30)


def test_unsaved_values_answer_and_nothing_is_kept(
    site: str, owner: User, given: dict[str, Any], practice_url: str
) -> None:
    history = [{"role": "user", "content": "Before"}, {"role": "assistant", "content": "Yes?"}]
    answer = ask(site, owner, given, try_history=json.dumps(history))
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert "event: text-delta" in answer.text
    assert '"status":"completed"' in answer.text
    sent = asked(practice_url)[-1]["body"]
    assert [row["content"] for row in sent["messages"]] == ["Never saved.", "Before", "Yes?", "echo: light"]
    assert sent["temperature"] == 0.5
    assert not Agent.objects.exists()
    assert UsageRecord.objects.filter(user=owner).count() == 1


def test_an_agent_is_tried_with_changes_that_are_not_saved(
    site: str, owner: User, provider: Provider, given: dict[str, Any], practice_url: str
) -> None:
    agent = make_agent(owner, provider, name="Quill", system_prompt="As it was.")
    assert ask(site, owner, {**given, "name": "Quill"}, agent=str(agent.pk)).status_code == 200
    assert asked(practice_url)[-1]["body"]["messages"][0]["content"] == "Never saved."
    agent.refresh_from_db()
    assert (agent.system_prompt, agent.versions.count()) == ("As it was.", 1)


def test_what_is_wrong_with_the_form_is_said_with_its_field(
    site: str, owner: User, given: dict[str, Any], practice_url: str
) -> None:
    wrong = {**given, "model": "", "response_schema": "{", "fallback-1-provider": "", "fallback-1-model": "m"}
    answer = ask(site, owner, wrong)
    assert answer.status_code == 422
    assert [problem["field"] for problem in answer.json()["problems"]] == [
        "id_model",
        "id_response_schema",
        "id_fallback-1-provider",
    ]
    assert asked(practice_url) == []


@pytest.mark.parametrize(
    "wrong",
    [{"try_message": " "}, {"try_history": "[1]"}, {"try_history": "{"}, {"try_history": '[{"role": "system"}]'}],
)
def test_a_talk_that_is_none_is_refused(site: str, owner: User, given: dict[str, Any], wrong: dict[str, str]) -> None:
    assert ask(site, owner, given, **wrong).status_code == 400


def test_nobody_tries_what_others_wrote(site: str, owner: User, provider: Provider, given: dict[str, Any]) -> None:
    """S43."""
    agent = make_agent(owner, provider, visibility="everyone", system_prompt="secret")
    outsider = make_user("outsider@example.org")
    assert ask(site, outsider, given, agent=str(agent.pk)).status_code == 404
    assert ask(site, outsider, given).status_code == 422, "a foreign provider cannot be chosen"


def test_a_failure_comes_with_its_next_step(site: str, owner: User, given: dict[str, Any]) -> None:
    answer = ask(site, owner, given, try_message="fault: 401")
    assert answer.status_code >= 400
    assert answer.json()["error"]["detail"]["hint"]
