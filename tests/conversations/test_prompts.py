"""The library of prompts: whose they are, who reads them, what their texts ask for."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from conversations.models import Prompt
from conversations.prompts import change_prompt, create_prompt, variables_of
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user("owner@example.org")


@pytest.fixture
def other() -> User:
    return make_user("other@example.org")


def api_of(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def names(user: User) -> list[str]:
    return [prompt["name"] for prompt in api_of(user).get("/api/v1/prompts/").json()["results"]]


def test_variables_come_once_in_their_order_with_their_first_default_and_without_the_date() -> None:
    text = "{{ a }} {{b:two words}} {{a:one}} {{b:other}} {{date}} {{Date}} {{ }} {{a b}} {single} {{größe}}"
    assert [tuple(variable) for variable in variables_of(text)] == [("a", "one"), ("b", "two words"), ("größe", "")]


def test_a_private_one_is_its_owners_alone_and_others_only_read_the_rest(owner: User, other: User) -> None:
    group = Group.objects.create(name="Team")
    owner.groups.add(group)
    private = create_prompt(owner=owner, name="mine", text="x")
    team = create_prompt(owner=owner, name="team", text="x", visibility="groups")
    create_prompt(owner=owner, name="all", text="x", visibility="everyone")
    assert names(owner) == ["all", "mine", "team"]
    assert names(other) == ["all"]
    other.groups.add(group)
    assert names(other) == ["all", "team"]
    client = api_of(other)
    assert client.get(f"/api/v1/prompts/{private.pk}/").status_code == 404
    assert client.get(f"/api/v1/prompts/{team.pk}/").json()["is_own"] is False
    assert client.patch(f"/api/v1/prompts/{team.pk}/", {"text": "y"}, format="json").status_code == 404
    assert client.delete(f"/api/v1/prompts/{team.pk}/").status_code == 404
    change_prompt(prompt=team, visibility="private")
    assert names(other) == ["all"]
    assert not Prompt.groups.through.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "Two Words"),
        ("name", "-a"),
        ("name", "a\n"),
        ("name", "x" * 41),
        ("name", "taken"),
        ("text", "  "),
        ("text", "a\x07b"),
        ("text", "x" * 20_001),
        ("text", "".join(f"{{{{v{number}}}}}" for number in range(21))),
        ("description", "two\nlines"),
        ("visibility", "nobody"),
    ],
)
def test_what_cannot_be_a_prompt_is_refused_by_its_field(owner: User, field: str, value: str) -> None:
    create_prompt(owner=owner, name="taken", text="x")
    body = {"name": "new", "text": "Text", field: value}
    if (field, value) == ("name", "a\n"):
        assert create_prompt(owner=owner, **body).name == "a", "white space around it does not count"
        return
    with pytest.raises(ValidationError) as caught:
        create_prompt(owner=owner, **body)
    assert list(caught.value.message_dict) == [field]
    response = api_of(owner).post("/api/v1/prompts/", body, format="json")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == [field]


def test_the_api_makes_changes_and_deletes_one(owner: User) -> None:
    client = api_of(owner)
    made = client.post("/api/v1/prompts/", {"name": "ask", "text": "About {{topic:tea}}?"}, format="json").json()
    assert (made["variables"], made["is_own"]) == ([{"name": "topic", "default": "tea"}], True)
    url = f"/api/v1/prompts/{made['id']}/"
    assert client.patch(url, {"name": "question"}, format="json").json()["name"] == "question"
    assert client.patch(url, {"owner": "x"}, format="json").status_code == 400
    assert client.get("/api/v1/prompts/", {"q": "QUEST"}).json()["results"][0]["id"] == made["id"]
    assert client.delete(url).status_code == 204
    assert names(owner) == []


def test_the_pages_say_what_is_wrong_and_ask_for_the_name_before_they_delete(client: Client, owner: User) -> None:
    client.force_login(owner)
    prompt = create_prompt(owner=owner, name="ask", text="About {{topic}}?")
    refused = client.post("/c/prompts/new/", {"name": "ask", "text": "<b>x</b>", "visibility": "private"})
    assert refused.status_code == 422
    assert "You have a prompt called “ask” already." in refused.content.decode()
    assert "&lt;b&gt;x&lt;/b&gt;" in refused.content.decode()
    assert client.post(f"/c/prompts/{prompt.pk}/delete/", {"confirm": "no"}).status_code == 422
    assert Prompt.objects.filter(pk=prompt.pk).exists()
    assert client.post(f"/c/prompts/{prompt.pk}/delete/", {"confirm": "/ask"}).status_code == 302
    assert not Prompt.objects.exists()


def test_a_slash_offers_names_that_begin_so_first(client: Client, owner: User) -> None:
    client.force_login(owner)
    for name, description in (("a-letter", ""), ("letter", ""), ("other", "A letter too"), ("none", "")):
        create_prompt(owner=owner, name=name, text="x", description=description)
    page = client.get("/c/prompts/offer/", {"q": "letter"}).content.decode()
    assert [page.index(f"/{name}<") for name in ("letter", "a-letter", "other")] == sorted(
        page.index(f"/{name}<") for name in ("letter", "a-letter", "other")
    )
    assert "/none<" not in page
