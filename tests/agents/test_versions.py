"""The history of an agent: what makes a version, what differs, and the way back."""

import importlib
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from agents.differences import compare, compare_lines
from agents.models import Agent, AgentVersion
from agents.restoring import restore_version
from agents.services import Fallback, update_agent
from agents.versions import KEPT, find_version
from providers.models import Provider
from providers.services import delete_provider
from tests.factories import make_agent, make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user(name="Ada")


@pytest.fixture
def provider(owner: User) -> Provider:
    return make_provider(owner, name="Mine")


@pytest.fixture
def agent(owner: User, provider: Provider) -> Agent:
    return make_agent(owner, provider, name="Poet", system_prompt="Rhyme.\nBe brief.", temperature=0.5)


@pytest.fixture
def api(owner: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(owner)
    return client


def numbers(agent: Agent) -> list[int]:
    return list(agent.versions.values_list("number", flat=True))


def test_every_save_that_changes_the_agent_is_a_version_and_no_other(agent: Agent, owner: User) -> None:
    assert numbers(agent) == [1]
    update_agent(agent=agent, author=owner, system_prompt="Rhyme more.", note=" Warmer ")
    update_agent(agent=agent, author=owner, system_prompt="Rhyme more.")
    update_agent(agent=agent, author=owner, visibility="everyone", is_active=False)
    assert numbers(agent) == [2, 1]
    newest = find_version(agent, 2)
    assert (newest.author, newest.note, newest.snapshot["system_prompt"]) == (owner, "Warmer", "Rhyme more.")


def test_a_save_in_the_browser_changes_no_line_ends(agent: Agent) -> None:
    update_agent(agent=agent, system_prompt="Rhyme.\r\nBe brief.")
    agent.refresh_from_db()
    assert (agent.system_prompt, numbers(agent)) == ("Rhyme.\nBe brief.", [1])


def test_a_renamed_provider_makes_no_version(agent: Agent, provider: Provider) -> None:
    Provider.objects.filter(pk=provider.pk).update(name="Renamed")
    update_agent(agent=agent, starters=[])
    assert numbers(agent) == [1]


def test_what_the_admin_saves_is_a_version_too(agent: Agent) -> None:
    staff, client = make_staff(), Client()
    client.force_login(staff)
    page = client.get(f"/admin/agents/agent/{agent.pk}/change/")
    form = page.context["adminform"].form
    values = {name: value for name, value in form.initial.items() if value not in (None, [])}
    fields = {**values, "system_prompt": "From above.", "starters": "[]", "fallbacks": "[]", "is_active": "on"}
    response = client.post(f"/admin/agents/agent/{agent.pk}/change/", fields)
    assert response.status_code == 302, response.context["adminform"].form.errors
    newest = agent.versions.get(number=2)
    assert (newest.author, newest.snapshot["system_prompt"]) == (staff, "From above.")


def test_only_so_many_versions_are_kept(agent: Agent) -> None:
    AgentVersion.objects.filter(agent=agent).update(number=KEPT)
    AgentVersion.objects.create(agent=agent, number=1, snapshot={})
    update_agent(agent=agent, model="other")
    assert numbers(agent) == [KEPT + 1, KEPT]


def test_an_agent_from_before_gets_its_first_version(agent: Agent, provider: Provider) -> None:
    update_agent(agent=agent, fallbacks=[Fallback(provider=str(provider.pk), model="spare")])
    today = find_version(agent, 2).snapshot
    AgentVersion.objects.all().delete()
    migration = importlib.import_module("agents.migrations.0002_versions")
    migration.number_what_there_is(apps, SimpleNamespace())
    first = find_version(agent, 1)
    assert (first.snapshot, first.author) == (today, agent.owner)


def test_the_difference_names_fields_and_lines(agent: Agent) -> None:
    update_agent(agent=agent, system_prompt="Rhyme.\nBe long.", temperature=0, starters=["Hi"])
    changes = {
        change.field: change for change in compare(find_version(agent, 1).snapshot, find_version(agent, 2).snapshot)
    }
    assert list(changes) == ["system_prompt", "temperature", "starters"]
    assert [(line.kind, line.text) for line in changes["system_prompt"].lines] == [
        ("same", "Rhyme."),
        ("removed", "Be brief."),
        ("added", "Be long."),
    ]
    assert (changes["temperature"].old, changes["temperature"].new) == ("0.5", "0")


def test_unchanged_lines_far_from_a_change_are_a_gap() -> None:
    before = [str(number) for number in range(20)]
    lines = list(compare_lines(before, [*before[:10], "new", *before[10:]]))
    assert [line.kind for line in lines] == ["gap", *["same"] * 3, "added", *["same"] * 3, "gap"]


def test_endless_texts_are_compared_in_no_time() -> None:
    lines = list(compare_lines(["x"] * 50_000, ["y"] * 50_000))
    assert len(lines) == 100_000


def test_going_back_is_a_new_version_and_touches_nobody_s_access(agent: Agent, owner: User) -> None:
    update_agent(agent=agent, author=owner, name="Bard", system_prompt="", temperature=None, visibility="everyone")
    restore_version(version=find_version(agent, 1), author=owner)
    agent.refresh_from_db()
    assert (agent.name, agent.system_prompt, agent.temperature) == ("Poet", "Rhyme.\nBe brief.", 0.5)
    assert agent.visibility == "everyone"
    newest = find_version(agent, 3)
    assert (newest.restored_from, newest.author) == (1, owner)


def test_going_back_to_a_provider_that_is_gone_keeps_the_present_one_and_says_so(agent: Agent, owner: User) -> None:
    other, gone = make_provider(owner, name="Other"), make_provider(owner, name="Gone")
    update_agent(agent=agent, fallbacks=[Fallback(provider=str(gone.pk), model="m")])
    update_agent(agent=agent, provider=other, model="new", fallbacks=[])
    delete_provider(provider=Provider.objects.get(name="Mine"))
    delete_provider(provider=gone)
    restored = restore_version(version=find_version(agent, 2), author=owner)
    assert (restored.provider, restored.model, restored.fallbacks) == (other, "new", [])
    assert (
        find_version(agent, 4).note == "Mine is gone: the provider and model stayed as they were. 1 fallback is gone."
    )


def test_going_back_to_a_name_that_is_taken_is_refused(agent: Agent, owner: User, provider: Provider) -> None:
    update_agent(agent=agent, name="Bard")
    make_agent(owner, provider, name="Poet")
    with pytest.raises(ValidationError) as refusal:
        restore_version(version=find_version(agent, 1), author=owner)
    assert list(refusal.value.message_dict) == ["name"]
    assert numbers(agent) == [2, 1]


def test_the_history_over_rest(api: APIClient, agent: Agent) -> None:
    url = f"/api/v1/agents/{agent.pk}/"
    assert api.patch(url, {"model": "other", "note": "Cheaper"}, format="json").status_code == 200
    listed = api.get(f"{url}versions/").json()["results"]
    assert [(row["number"], row["author"], row["note"]) for row in listed] == [(2, "Ada", "Cheaper"), (1, "Ada", "")]
    whole = api.get(f"{url}versions/2/?against=1").json()
    assert whole["snapshot"]["model"] == "other"
    assert whole["changes"] == [{"field": "model", "before": "practice", "after": "other"}]
    assert api.get(f"{url}versions/9/").status_code == 404
    assert api.get(f"{url}versions/2/?against=9").status_code == 404
    assert api.get(f"{url}versions/2/?against=x").status_code == 400


def test_a_stale_reader_restores_nothing(api: APIClient, agent: Agent) -> None:
    url = f"/api/v1/agents/{agent.pk}/"
    tag = api.get(url)["ETag"]
    api.patch(url, {"model": "other"}, format="json")
    stale = api.post(f"{url}versions/1/restore/", headers={"If-Match": tag})
    assert (stale.status_code, numbers(agent)) == (412, [2, 1])
    fresh = api.post(f"{url}versions/1/restore/", headers={"If-Match": api.get(url)["ETag"]})
    assert (fresh.status_code, fresh.json()["model"], fresh["ETag"] != tag) == (200, "practice", True)


def test_the_history_is_for_those_who_may_edit(agent: Agent) -> None:
    """S43: a version holds the instructions."""
    Agent.objects.filter(pk=agent.pk).update(visibility="everyone")
    client = APIClient()
    client.force_authenticate(make_user("outsider@example.org"))
    assert client.get(f"/api/v1/agents/{agent.pk}/").status_code == 200
    for path in ("versions/", "versions/1/"):
        assert client.get(f"/api/v1/agents/{agent.pk}/{path}").status_code == 404
    assert client.post(f"/api/v1/agents/{agent.pk}/versions/1/restore/").status_code == 404


def test_a_long_history_costs_no_more(
    api: APIClient, agent: Agent, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(8):
        update_agent(agent=agent, author=agent.owner, model=f"model-{number}")
    with django_assert_num_queries(2):
        assert len(api.get(f"/api/v1/agents/{agent.pk}/versions/").json()["results"]) == 9


def test_groups_are_one_s_own_and_at_least_one(api: APIClient, agent: Agent, owner: User) -> None:
    mine, other = Group.objects.create(name="Writers"), Group.objects.create(name="Others")
    owner.groups.add(mine)
    url, body = f"/api/v1/agents/{agent.pk}/", {"visibility": "groups"}
    assert list(api.patch(url, body, format="json").json()["error"]["detail"]) == ["groups"]
    assert list(api.patch(url, {**body, "groups": ["Others"]}, format="json").json()["error"]["detail"]) == ["groups"]
    assert api.patch(url, {**body, "groups": ["Writers"]}, format="json").json()["groups"] == ["Writers"]
    member = make_user("member@example.org")
    assert not Agent.objects.visible_to(member).exists()
    member.groups.add(mine)
    assert Agent.objects.visible_to(member).get() == agent
    with pytest.raises(ValidationError):
        update_agent(agent=agent, groups=[mine, other])


def test_the_groups_of_an_agent_are_not_told_to_its_users(agent: Agent, owner: User) -> None:
    secret = Group.objects.create(name="Merger 2027")
    shared = Group.objects.create(name="Staff room")
    owner.groups.add(secret, shared)
    update_agent(agent=agent, visibility="groups", groups=[secret, shared], response_schema={"type": "object"})
    member = make_user("member@example.org")
    member.groups.add(shared)
    client = APIClient()
    client.force_authenticate(member)
    shown = client.get(f"/api/v1/agents/{agent.pk}/").json()
    assert (shown["groups"], shown["system_prompt"], shown["response_schema"]) == ([], None, None)
