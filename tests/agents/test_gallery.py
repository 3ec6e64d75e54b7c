"""The page of all agents, and the pages of their history, copies and files."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from agents.gallery import gallery_for
from agents.models import Agent
from agents.services import Fallback, update_agent
from providers.models import Provider
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def outsider() -> User:
    return make_user("outsider@example.org")


@pytest.fixture
def source(owner: User) -> Provider:
    return make_provider(owner, name="Mine")


@pytest.fixture
def home(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def names(user: User, **asked: str) -> list[str]:
    return [card.agent.name for card in gallery_for(user, **asked).cards]


def test_shelves_and_words_find_agents(owner: User, outsider: User, source: Provider) -> None:
    group = Group.objects.create(name="Team")
    owner.groups.add(group)
    outsider.groups.add(group)
    make_agent(owner, source, name="Mine alone", description="Proof-reads")
    make_agent(owner, source, name="Team's", visibility="groups", groups=[group], model="gpt-x")
    make_agent(None, None, name="Open")
    make_agent(make_user("third@example.org"), None, name="Hidden")
    assert names(owner) == ["Mine alone", "Open", "Team's"]
    assert names(owner, show="mine") == ["Mine alone", "Team's"]
    assert names(outsider, show="groups") == ["Team's"]
    assert names(outsider, show="shared") == ["Open"]
    assert names(outsider, show="nonsense") == ["Open", "Team's"]
    assert names(owner, words="PROOF alone") == ["Mine alone"]
    assert names(owner, words="gpt") == ["Team's"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_active": False}, "Switched off"),
        ({"provider": None}, "Has no provider"),
        ({"model": ""}, "Has no model"),
        ({}, "Its provider is switched off"),
    ],
)
def test_an_agent_that_cannot_answer_says_why_and_offers_no_chat(
    home: Client, owner: User, source: Provider, change: dict[str, Any], words: str
) -> None:
    agent = make_agent(owner, source, name="Quill")
    assert f"/c/?agent={agent.pk}" in home.get("/agents/").content.decode()
    if not change:
        Provider.objects.filter(pk=source.pk).update(is_active=False)
    update_agent(agent=agent, **change)
    page = home.get("/agents/").content.decode()
    assert words in page
    assert f"/c/?agent={agent.pk}" not in page


def test_a_running_fallback_answers_for_a_provider_that_is_off(owner: User, source: Provider) -> None:
    spare = make_provider(owner, name="Spare")
    make_agent(owner, source, fallbacks=[Fallback(provider=str(spare.pk), model="m")])
    Provider.objects.filter(pk=source.pk).update(is_active=False)
    assert [card.problem for card in gallery_for(owner).cards] == [""]


def test_the_gallery_costs_the_same_whatever_its_length(
    home: Client, owner: User, source: Provider, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    fallbacks = [Fallback(provider=str(source.pk), model="spare")]
    for number in range(8):
        make_agent(owner, source, name=f"Agent {number}", fallbacks=fallbacks)
    with django_assert_max_num_queries(14):
        page = home.get("/agents/").content.decode()
    assert page.count("agent-mark") == 8


def test_a_search_keeps_its_address(home: Client, owner: User, source: Provider) -> None:
    make_agent(owner, source, name="Quill")
    response = home.get("/agents/?filter=qui&show=mine", headers={"HX-Request": "true"})
    assert response["HX-Replace-Url"] == "/agents/?filter=qui&show=mine"
    assert b"<html" not in response.content
    assert "Nothing here is called" in home.get("/agents/?filter=zebra").content.decode()


def test_the_difference_is_marked_for_eyes_and_ears(home: Client, owner: User, source: Provider) -> None:
    agent = make_agent(owner, source, name="Quill", system_prompt="Be <b>brief</b>.\nSame.", temperature=0.5)
    update_agent(agent=agent, author=owner, system_prompt="Be long.\nSame.", temperature=None, note="Longer")
    page = home.get(f"/agents/{agent.pk}/versions/").content.decode()
    assert "Instructions, Temperature" in page
    assert "Longer" in page
    page = home.get(f"/agents/{agent.pk}/versions/2/").content.decode()
    assert '<del><span class="visually-hidden">Removed: </span>Be &lt;b&gt;brief&lt;/b&gt;.</del>' in page
    assert '<ins><span class="visually-hidden">Added: </span>Be long.</ins>' in page
    assert "<del>0.5</del>" in page
    assert home.get(f"/agents/{agent.pk}/versions/1/?against=2").status_code == 200
    for path in ("9/", "1/?against=9", f"{10**30}/", "1/?against=999999999"):
        assert home.get(f"/agents/{agent.pk}/versions/{path}").status_code == 404


def test_the_way_back_is_one_press(home: Client, owner: User, source: Provider) -> None:
    agent = make_agent(owner, source, name="Quill", system_prompt="One")
    update_agent(agent=agent, system_prompt="Two", name="Nib")
    response = home.post(f"/agents/{agent.pk}/versions/1/restore/", follow=True)
    assert "Quill is as it was in version 1." in response.content.decode()
    make_agent(owner, source, name="Nib")
    response = home.post(f"/agents/{agent.pk}/versions/2/restore/", follow=True)
    assert "There is an agent with this name already." in response.content.decode()
    agent.refresh_from_db()
    assert (agent.name, agent.system_prompt) == ("Quill", "One")


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("get", "versions/"),
        ("get", "versions/1/"),
        ("post", "versions/1/restore/"),
        ("get", "export/"),
        ("post", "clone/"),
    ],
)
def test_only_who_may_edit_sees_and_copies_instructions(
    client: Client, owner: User, source: Provider, verb: str, path: str
) -> None:
    """S43."""
    agent = make_agent(owner, source, name="Quill", system_prompt="canary", visibility="everyone")
    client.force_login(make_user("outsider@example.org"))
    assert getattr(client, verb)(f"/agents/{agent.pk}/{path}").status_code == 404
    assert Agent.objects.count() == 1


def test_a_copy_in_the_browser(home: Client, owner: User, source: Provider) -> None:
    agent = make_agent(owner, source, name="Quill", visibility="everyone")
    response = home.post(f"/agents/{agent.pk}/clone/")
    copy = Agent.objects.get(name="Quill copy")
    assert (response["Location"], copy.visibility) == (f"/agents/{copy.pk}/", "private")


def upload(client: Client, content: bytes) -> Any:
    file = io.BytesIO(content)
    file.name = "quill.agent.json"
    return client.post("/agents/import/", {"file": file})


def test_a_file_comes_back_and_asks_for_a_provider_where_none_fits(
    home: Client, owner: User, outsider: User, source: Provider
) -> None:
    agent = make_agent(owner, source, name="Quill", system_prompt="Be brief.")
    exported = home.get(f"/agents/{agent.pk}/export/")
    assert exported["Content-Disposition"] == f'attachment; filename="{agent.slug}.agent.json"'
    assert upload(home, exported.content).status_code == 302
    home.force_login(outsider)
    one, other = make_provider(outsider, name="One"), make_provider(outsider, name="Other")
    response = upload(home, exported.content)
    page = response.content.decode()
    assert (response.status_code, f'value="{one.pk}"' in page, f'value="{source.pk}"' in page) == (422, True, False)
    text = response.context["text"]
    assert home.post("/agents/import/", {"text": text, "provider": str(source.pk)}).status_code == 422
    assert home.post("/agents/import/", {"text": text, "provider": str(other.pk)}).status_code == 302
    theirs = Agent.objects.get(owner=outsider)
    assert (theirs.provider, theirs.system_prompt) == (other, "Be brief.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"not json", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[]", "holds no agent"),
        (b'{"name": "x"}', "holds no agent"),
        (b'{"wiz_agent": 2, "name": "x", "model": null}', "wiz_agent:"),
        (b'{"wiz_agent": 1, "name": "x", "model": null, "owner": 1}', "owner: Unknown field."),
        (b'{"wiz_agent": 1, "name": "x", "model": null, "icon": "skull"}', "icon: Choose one of"),
        (b'{"wiz_agent": 1, "x": "' + b"x" * 1_000_001 + b'"}', "larger than 1 MB"),
    ],
)
def test_a_file_that_is_none_is_said_in_words(home: Client, content: bytes, words: str) -> None:
    response = upload(home, content)
    assert (response.status_code, words in response.content.decode()) == (422, True)
    assert not Agent.objects.exists()


def test_no_page_breaks_over_a_long_text(home: Client, owner: User, source: Provider) -> None:
    long = "\n".join("word " * 20 for _ in range(900))
    agent = make_agent(owner, source, name="Quill", system_prompt=long, response_schema={"type": "object"})
    update_agent(agent=agent, system_prompt=long.replace("word", "term"))
    for path in ("", "versions/", "versions/2/"):
        assert home.get(f"/agents/{agent.pk}/{path}").status_code == 200
