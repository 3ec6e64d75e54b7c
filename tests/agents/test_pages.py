"""The pages of the agents."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from agents.models import Agent
from providers.models import Provider, ProviderModel
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)


@pytest.fixture
def owner() -> User:
    return make_user("owner@example.org")


@pytest.fixture
def outsider() -> User:
    return make_user("outsider@example.org")


@pytest.fixture
def provider(owner: User) -> Provider:
    provider = make_provider(owner, name="Mine")
    ProviderModel.objects.create(provider=provider, model_id="listed-model")
    return provider


@pytest.fixture
def agent(owner: User, provider: Provider) -> Agent:
    return make_agent(owner, provider, name="Quill", model="free-text", starters=["One", "Two"])


def fields(provider: Provider, **changes: object) -> dict[str, Any]:
    return {
        "name": "Quill",
        "provider": str(provider.pk),
        "model": "any-name",
        "visibility": "private",
        "is_active": "on",
        **changes,
    }


def test_an_agent_is_added_with_a_model_in_free_text(client: Client, owner: User, provider: Provider) -> None:
    client.force_login(owner)
    response = client.post("/agents/new/", fields(provider, temperature="0", starters=["One", "", " Two "]))
    assert response.status_code == 302
    agent = Agent.objects.get()
    assert (agent.owner, agent.model, agent.temperature, agent.starters) == (owner, "any-name", 0, ["One", "Two"])


def test_an_edit_keeps_what_the_form_does_not_show(client: Client, owner: User, agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(reasoning_effort="high")
    assert agent.provider is not None
    client.force_login(owner)
    page = client.get(f"/agents/{agent.pk}/").content.decode()
    assert [page.count(f">{text}</textarea>") for text in ("One", "Two")] == [1, 1]
    assert client.post(f"/agents/{agent.pk}/", fields(agent.provider, name="Nib")).status_code == 302
    agent.refresh_from_db()
    assert (agent.name, agent.reasoning_effort) == ("Nib", "high")


@pytest.mark.parametrize(
    ("field", "value"), [("temperature", "3"), ("top_p", "2"), ("name", ""), ("starters", ["x"] * 13), ("model", "")]
)
def test_a_wrong_value_is_said_beside_its_field(
    client: Client, owner: User, provider: Provider, field: str, value: object
) -> None:
    client.force_login(owner)
    response = client.post("/agents/new/", fields(provider, **{field: value}))
    assert response.status_code == 422
    assert f'id="id_{field}_error"' in response.content.decode()
    assert not Agent.objects.exists()


def test_a_foreign_provider_cannot_be_chosen(client: Client, outsider: User, provider: Provider) -> None:
    client.force_login(outsider)
    assert client.post("/agents/new/", fields(provider)).status_code == 422
    assert b"listed-model" not in client.get(f"/agents/models/?provider={provider.pk}").content


def test_the_models_of_the_chosen_provider_are_offered(client: Client, owner: User, provider: Provider) -> None:
    client.force_login(owner)
    assert b"listed-model" in client.get(f"/agents/models/?provider={provider.pk}").content
    assert client.get("/agents/models/?provider=nonsense").status_code == 200


@pytest.mark.parametrize("path", ["", "test/", "delete/"])
def test_what_is_not_yours_is_not_there(client: Client, agent: Agent, outsider: User, path: str) -> None:
    client.force_login(outsider)
    assert client.post(f"/agents/{agent.pk}/{path}", {"confirm": "Quill"}).status_code == 404
    assert b"Quill" not in client.get("/agents/").content


def test_one_for_everyone_can_be_used_but_not_changed(client: Client, agent: Agent, outsider: User) -> None:
    Agent.objects.filter(pk=agent.pk).update(visibility=Agent.Visibility.EVERYONE)
    client.force_login(outsider)
    assert f"/c/?agent={agent.pk}" in client.get("/agents/").content.decode()
    assert client.get(f"/agents/{agent.pk}/").status_code == 404


def test_deleting_asks_for_the_name(client: Client, owner: User, agent: Agent) -> None:
    client.force_login(owner)
    assert client.post(f"/agents/{agent.pk}/delete/", {"confirm": "quill"}).status_code == 422
    assert client.post(f"/agents/{agent.pk}/delete/", {"confirm": "Quill"}).status_code == 302
    assert not Agent.objects.exists()


def test_fallbacks_are_set_read_and_taken_away_in_the_browser(
    client: Client, owner: User, provider: Provider, agent: Agent
) -> None:
    """Without a script: every row is there from the beginning."""
    other = make_provider(owner, name="Other")
    client.force_login(owner)
    rows = {
        "fallback-1-provider": "",
        "fallback-1-model": "",
        "fallback-3-provider": str(other.pk),
        "fallback-3-model": " second-model ",
        "fallback-5-provider": str(provider.pk),
        "fallback-5-model": "third-model",
    }
    assert client.post(f"/agents/{agent.pk}/", fields(provider, **rows)).status_code == 302
    agent.refresh_from_db()
    assert agent.fallbacks == [
        {"provider": str(other.pk), "model": "second-model"},
        {"provider": str(provider.pk), "model": "third-model"},
    ]
    page = client.get(f"/agents/{agent.pk}/").content.decode()
    assert 'name="fallback-1-model" value="second-model"' in page
    assert f'<option value="{other.pk}" selected>' in page
    assert 'name="fallback-5-model"' in page
    assert client.post(f"/agents/{agent.pk}/", fields(provider)).status_code == 302
    agent.refresh_from_db()
    assert len(agent.fallbacks) == 2, "who does not speak of fallbacks keeps them"
    assert client.post(f"/agents/{agent.pk}/", fields(provider, **dict.fromkeys(rows, ""))).status_code == 302
    agent.refresh_from_db()
    assert agent.fallbacks == []


@pytest.mark.parametrize(
    ("row", "place"), [(("Mine", ""), "model"), (("", "a-model"), "provider"), (("Foreign", "a-model"), "provider")]
)
def test_a_wrong_fallback_is_said_beside_its_row(
    client: Client, owner: User, provider: Provider, row: tuple[str, str], place: str
) -> None:
    make_provider(make_user("outsider@example.org"), name="Foreign")
    named = Provider.objects.filter(name=row[0]).first()
    client.force_login(owner)
    given = {"fallback-2-provider": str(named.pk) if named else "", "fallback-2-model": row[1]}
    response = client.post("/agents/new/", fields(provider, **given))
    page = response.content.decode()
    assert response.status_code == 422
    assert f'id="id_fallback-2-{place}_error"' in page
    assert '<details class="more" open><summary>Fallbacks' in page
    assert not Agent.objects.exists()


def test_the_models_of_a_fallback_s_provider_are_offered(client: Client, owner: User, provider: Provider) -> None:
    client.force_login(owner)
    page = client.get(f"/agents/models/?list=fallback-2&fallback-2-provider={provider.pk}").content.decode()
    assert '<datalist id="fallback-2">' in page
    assert "listed-model" in page
    assert "evil" not in client.get("/agents/models/?list=evil&provider=").content.decode()
