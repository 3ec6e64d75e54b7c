"""The agent's form: what a model takes, groups, schemas, looks."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import User
from agents.models import Agent
from providers.models import Provider, ProviderModel
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db

SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}}


@pytest.fixture
def picky(owner: User) -> Provider:
    """A provider with one model that takes nothing and one that takes everything."""
    provider = make_provider(owner, name="Picky")
    nothing = {"sampling": False, "reasoning": False, "json_schema": False}
    ProviderModel.objects.create(provider=provider, model_id="plain", capabilities=nothing, max_output_tokens=4096)
    ProviderModel.objects.create(provider=provider, model_id="able", capabilities=dict.fromkeys(nothing, True))
    return provider


@pytest.fixture
def home(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def fields(provider: Provider, **changes: object) -> dict[str, Any]:
    given = {"name": "Quill", "provider": str(provider.pk), "model": "able", "visibility": "private", "is_active": "on"}
    return {**given, **changes}


def test_what_a_model_does_not_take_gives_way_to_the_reason_and_comes_back(home: Client, picky: Provider) -> None:
    given = {"temperature": "0.7", "top_p": "0", "reasoning_effort": "high", "response_schema": json.dumps(SCHEMA)}
    page = home.post("/agents/parameters/", fields(picky, model="plain", **given)).content.decode()
    assert "plain does not take this. 0.7 is left out when you save." in " ".join(page.split())
    for name in given:
        assert f'name="{name}"' not in page
        assert f'name="kept-{name}"' in page
    assert "4,096" in page
    kept = {f"kept-{name}": value for name, value in given.items()}
    page = home.post("/agents/parameters/", fields(picky, **kept)).content.decode()
    assert 'name="temperature" value="0.7"' in page
    assert '<option value="high" selected>' in page
    assert "kept-" not in page


def test_saving_leaves_out_what_the_model_does_not_take(home: Client, owner: User, picky: Provider) -> None:
    agent = make_agent(owner, picky, name="Quill", temperature=0.7, top_p=0.5, response_schema=SCHEMA)
    assert (
        home.post(f"/agents/{agent.pk}/", fields(picky, model="plain", **{"kept-temperature": "0.7"})).status_code
        == 302
    )
    agent.refresh_from_db()
    assert (agent.temperature, agent.top_p, agent.response_schema) == (None, 0.5, SCHEMA), "the rest was not spoken of"


def test_foreign_models_are_not_looked_at(home: Client) -> None:
    theirs = make_provider(make_user("outsider@example.org"))
    ProviderModel.objects.create(
        provider=theirs, model_id="secret", capabilities={"sampling": False}, max_output_tokens=1234
    )
    page = home.post("/agents/parameters/", fields(theirs, model="secret")).content.decode()
    assert "1,234" not in page
    assert "does not take" not in page


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{\n  nope", "Line 2, column 3 is not JSON"),
        ("[1]", "begins with {"),
        ('{"type": "spoon"}', "not a valid schema"),
        ("[" * 50_000, "nested too deeply"),
    ],
)
def test_a_wrong_schema_is_said_in_words(home: Client, picky: Provider, text: str, words: str) -> None:
    response = home.post("/agents/new/", fields(picky, response_schema=text))
    page = response.content.decode()
    assert (response.status_code, 'id="id_response_schema_error"' in page, words in page) == (422, True, True)


def test_a_new_agent_begins_with_a_model_that_is_offered(home: Client, picky: Provider) -> None:
    assert 'name="model" value="able"' in home.get("/agents/new/").content.decode()


def test_efforts_are_offered_in_the_reader_s_language(home: Client, picky: Provider) -> None:
    assert '<option value="xhigh">very high</option>' in home.get("/agents/new/").content.decode()
    page = home.get("/agents/new/", headers={"Accept-Language": "pt-BR"}).content.decode()
    assert '<option value="xhigh">muito alto</option>' in page


def test_looks_efforts_schemas_and_notes_are_saved(home: Client, picky: Provider) -> None:
    given = {"icon": "pen", "colour": "teal", "reasoning_effort": "low", "response_schema": json.dumps(SCHEMA)}
    assert home.post("/agents/new/", fields(picky, **given)).status_code == 302
    agent = Agent.objects.get()
    assert (agent.icon, agent.colour, agent.reasoning_effort) == ("pen", "teal", "low")
    assert agent.response_schema == SCHEMA
    home.post(f"/agents/{agent.pk}/", fields(picky, name="Nib", note="Shorter"))
    newest = agent.versions.get(number=2)
    assert (newest.note, newest.snapshot["name"], newest.snapshot["icon"]) == ("Shorter", "Nib", "pen")
    assert home.post(f"/agents/{agent.pk}/", fields(picky, icon="skull")).status_code == 422


def test_an_agent_is_opened_to_some_of_one_s_groups(home: Client, owner: User, picky: Provider) -> None:
    mine, other = Group.objects.create(name="Writers"), Group.objects.create(name="Strangers")
    assert "Chosen groups" not in home.get("/agents/new/").content.decode(), "nobody can choose among no groups"
    owner.groups.add(mine)
    page = home.get("/agents/new/").content.decode()
    assert ("Chosen groups" in page, "Writers" in page, "Strangers" in page) == (True, True, False)
    for groups in ([], [str(other.pk)]):
        assert home.post("/agents/new/", fields(picky, visibility="groups", groups=groups)).status_code == 422
    assert home.post("/agents/new/", fields(picky, visibility="groups", groups=[str(mine.pk)])).status_code == 302
    assert list(Agent.objects.get().groups.all()) == [mine]
