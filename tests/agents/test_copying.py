"""Copies of agents: in this Wiz, and to another one."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from agents.models import Agent
from agents.services import Fallback, update_agent
from providers.models import Provider
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db

SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}}}


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def outsider() -> User:
    return make_user("outsider@example.org")


@pytest.fixture
def provider(owner: User) -> Provider:
    return make_provider(owner, name="Mine", api_key="sk-canary-0123456789abcdef")


@pytest.fixture
def agent(owner: User, provider: Provider) -> Agent:
    return make_agent(
        owner,
        provider,
        name="Poet",
        system_prompt="  Rhyme.\n",
        temperature=0,
        starters=["Begin"],
        icon="pen",
        colour="teal",
        response_schema=SCHEMA,
        fallbacks=[Fallback(provider=str(provider.pk), model="spare")],
        visibility="everyone",
    )


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def exported(agent: Agent) -> dict[str, Any]:
    assert agent.owner is not None
    response = client_of(agent.owner).get(f"/api/v1/agents/{agent.pk}/export/")
    assert response.status_code == 200
    return dict(response.json())


def bring(user: User, file: object, **more: object) -> Any:
    return client_of(user).post("/api/v1/agents/import/", {"agent": file, **more}, format="json")


def test_a_clone_is_a_private_copy_with_a_history_of_its_own(agent: Agent, owner: User) -> None:
    url = f"/api/v1/agents/{agent.pk}/clone/"
    first, second = client_of(owner).post(url), client_of(owner).post(url)
    assert (first.status_code, first.json()["name"], second.json()["name"]) == (201, "Poet copy", "Poet copy 2")
    copy = Agent.objects.get(pk=first.json()["id"])
    kept = ("system_prompt", "temperature", "starters", "icon", "colour", "response_schema", "fallbacks", "model")
    assert {name: getattr(copy, name) for name in kept} == {name: getattr(agent, name) for name in kept}
    assert (copy.visibility, copy.provider, [row.number for row in copy.versions.all()]) == (
        "private",
        agent.provider,
        [1],
    )


def test_the_same_key_clones_once(agent: Agent, owner: User) -> None:
    url = f"/api/v1/agents/{agent.pk}/clone/"
    made = {client_of(owner).post(url, headers={"Idempotency-Key": "k"}).json()["id"] for _ in range(2)}
    assert len(made) == 1


def test_a_key_that_cloned_one_agent_clones_no_other(agent: Agent, owner: User) -> None:
    other = make_agent(owner, agent.provider, name="Other")
    first = client_of(owner).post(f"/api/v1/agents/{agent.pk}/clone/", headers={"Idempotency-Key": "k"})
    second = client_of(owner).post(f"/api/v1/agents/{other.pk}/clone/", headers={"Idempotency-Key": "k"})
    assert (first.status_code, second.status_code) == (201, 422)


@pytest.mark.parametrize(("verb", "path"), [("post", "clone/"), ("get", "export/")])
def test_whoever_may_not_read_the_instructions_takes_no_copy(
    agent: Agent, outsider: User, verb: str, path: str
) -> None:
    """S43."""
    response = getattr(client_of(outsider), verb)(f"/api/v1/agents/{agent.pk}/{path}")
    assert response.status_code == 404
    assert Agent.objects.count() == 1


def test_an_export_holds_no_key_and_no_id_and_is_in_the_audit_log(agent: Agent, provider: Provider) -> None:
    file = exported(agent)
    text = str(file)
    assert not [secret for secret in (str(agent.pk), str(provider.pk), "canary", "@example.org") if secret in text]
    assert file["model"] == {"provider": "Mine", "kind": "openai-compatible", "model": "practice"}
    assert AuditEvent.objects.filter(action="exported", target_id=str(agent.pk)).count() == 1


def test_what_was_exported_comes_back_the_same(agent: Agent, owner: User) -> None:
    response = bring(owner, exported(agent))
    assert (response.status_code, response.json()["name"], response.json()["left_out"]) == (201, "Poet 2", [])
    twin = Agent.objects.get(pk=response.json()["id"])
    assert exported(twin) == {**exported(agent), "name": "Poet 2"}
    assert (twin.owner, twin.visibility) == (owner, "private")


def test_another_person_s_provider_is_found_by_kind_and_name(agent: Agent, outsider: User) -> None:
    file = exported(agent)
    refused = bring(outsider, file)
    assert (refused.status_code, list(refused.json()["error"]["detail"])) == (400, ["provider"])
    theirs = make_provider(outsider, name="Theirs")
    assert bring(outsider, file).json()["provider"] == str(theirs.pk), "the only one of this kind"
    make_provider(outsider, name="Second")
    assert bring(outsider, file).status_code == 400, "two of this kind, none of this name"
    same = make_provider(outsider, name="mine")
    assert bring(outsider, file).json()["provider"] == str(same.pk)
    assert bring(outsider, file, provider=str(theirs.pk)).json()["provider"] == str(theirs.pk)


def test_a_fallback_that_nobody_answers_for_is_left_out_and_named(
    agent: Agent, owner: User, provider: Provider
) -> None:
    file = exported(agent)
    file["fallbacks"].append({"provider": "Far away", "kind": "anthropic", "model": "claude"})
    body = bring(owner, file).json()
    assert body["left_out"] == ["Far away · claude"]
    assert body["fallbacks"] == [{"provider": str(provider.pk), "model": "spare"}]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"wiz_agent": 2}, "wiz_agent"),
        ({"owner": "x"}, "owner"),
        ({"visibility": "everyone"}, "visibility"),
        ({"model": {"provider": "Mine", "kind": "openai-compatible", "model": "m", "id": "x"}}, "model"),
        ({"temperature": 3}, "temperature"),
        ({"starters": [{}]}, "starters"),
        ({"fallbacks": [{}]}, "fallbacks"),
    ],
)
def test_a_wrong_file_is_told_by_its_field(agent: Agent, owner: User, change: dict[str, Any], field: str) -> None:
    response = bring(owner, {**exported(agent), **change})
    assert (response.status_code, list(response.json()["error"]["detail"]["agent"])) == (400, [field])
    assert Agent.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"icon": "skull"}, "icon"),
        ({"reasoning_effort": "heroic"}, "reasoning_effort"),
        ({"response_schema": {"type": "spoon"}}, "response_schema"),
        ({"system_prompt": "a\x01b"}, "system_prompt"),
    ],
)
def test_a_wrong_value_in_a_file_is_told_by_its_field(
    agent: Agent, owner: User, change: dict[str, Any], field: str
) -> None:
    response = bring(owner, {**exported(agent), **change})
    assert (response.status_code, list(response.json()["error"]["detail"])) == (400, [field])
    assert Agent.objects.count() == 1


def test_a_clone_of_a_withdrawn_provider_needs_another(agent: Agent, owner: User) -> None:
    shared = make_provider(None, name="Shared")
    update_agent(agent=agent, provider=shared, fallbacks=[Fallback(provider=str(shared.pk), model="m")])
    Provider.objects.filter(pk=shared.pk).update(is_shared=False, owner=make_user("other@example.org"))
    body = client_of(owner).post(f"/api/v1/agents/{agent.pk}/clone/").json()
    assert (body["provider"], body["fallbacks"], body["model"]) == (None, [], "practice")
