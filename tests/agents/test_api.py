"""REST: agents."""

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from tests.factories import make_agent, make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def outsider() -> User:
    return make_user("outsider@example.org")


def client_of(user: User) -> APIClient:
    """A client that is logged in as somebody."""
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def api(owner: User) -> APIClient:
    return client_of(owner)


def test_a_new_agent_belongs_to_the_caller(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    body = {"name": "Poet", "provider": str(provider.pk), "model": "m", "system_prompt": "Rhyme.", "temperature": 0}
    response = api.post("/api/v1/agents/", body, format="json")
    assert response.status_code == 201
    shown = response.json()
    assert {name: shown[name] for name in body} == body
    assert (shown["max_tokens"], shown["top_p"], shown["visibility"], shown["is_active"]) == (
        None,
        None,
        "private",
        True,
    )
    assert Agent.objects.get(pk=shown["id"]).owner == owner


@pytest.mark.parametrize("field", ["owner", "slug", "id", "created_at", "versions", "owner_id", "api_key"])
def test_no_other_field_can_be_set(api: APIClient, owner: User, outsider: User, field: str) -> None:
    """S34."""
    agent = make_agent(owner, make_provider(owner))
    response = api.patch(f"/api/v1/agents/{agent.pk}/", {field: str(outsider.pk)}, format="json")
    assert response.status_code == 400
    assert response.json()["error"]["detail"] == {field: ["Unknown field."]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", "warm"),
        ("max_tokens", 0),
        ("max_tokens", 10**18),
        ("top_p", 1.5),
        ("visibility", "secret"),
        ("provider", "not-a-uuid"),
        ("provider", {"id": 1}),
        ("fallbacks", [{"provider": "x"}]),
        ("fallbacks", "x"),
        ("starters", [{}]),
    ],
)
def test_a_wrong_value_is_named_by_its_field(api: APIClient, owner: User, field: str, value: object) -> None:
    agent = make_agent(owner, make_provider(owner))
    response = api.patch(f"/api/v1/agents/{agent.pk}/", {field: value}, format="json")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == [field]


def test_a_foreign_provider_in_a_body_is_400_on_its_field(api: APIClient, owner: User, outsider: User) -> None:
    """S2."""
    theirs = make_provider(outsider)
    agent = make_agent(owner, make_provider(owner))
    for change in (
        {"provider": str(theirs.pk)},
        {"fallbacks": [{"provider": str(theirs.pk), "model": "m"}]},
    ):
        response = api.patch(f"/api/v1/agents/{agent.pk}/", change, format="json")
        assert response.status_code == 400
        assert list(response.json()["error"]["detail"]) == list(change)


def test_zero_is_a_value_and_null_is_the_provider_s_default(api: APIClient, owner: User) -> None:
    agent = make_agent(owner, make_provider(owner), temperature=1.0)
    url = f"/api/v1/agents/{agent.pk}/"
    assert api.patch(url, {"temperature": 0}, format="json").json()["temperature"] == 0
    assert api.patch(url, {"temperature": None}, format="json").json()["temperature"] is None


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("patch", ""), ("delete", ""), ("post", "test/")])
def test_a_private_agent_does_not_exist_for_others(method: str, path: str, owner: User, outsider: User) -> None:
    """S1."""
    agent = make_agent(owner, make_provider(owner))
    response = getattr(client_of(outsider), method)(
        f"/api/v1/agents/{agent.pk}/{path}", {"message": "x"}, format="json"
    )
    assert response.status_code == 404
    assert Agent.objects.filter(pk=agent.pk).exists()


def test_an_agent_for_everyone_may_be_used_but_not_read_or_changed(owner: User, outsider: User) -> None:
    """S43."""
    agent = make_agent(owner, make_provider(owner), visibility="everyone", system_prompt="canary prompt")
    url = f"/api/v1/agents/{agent.pk}/"
    for user in (outsider, make_staff()):
        response = client_of(user).get(url)
        assert response.status_code == 200
        assert response.json()["system_prompt"] is None
        assert "canary" not in client_of(user).get("/api/v1/agents/").content.decode()
        assert client_of(user).patch(url, {"name": "x"}, format="json").status_code == 404
        assert client_of(user).delete(url).status_code == 404


def test_an_agent_without_an_owner_is_changed_by_staff(owner: User) -> None:
    agent = make_agent(None, make_provider(None))
    url = f"/api/v1/agents/{agent.pk}/"
    assert client_of(owner).patch(url, {"description": "x"}, format="json").status_code == 404
    assert client_of(make_staff()).patch(url, {"description": "x"}, format="json").status_code == 200


def test_the_list_costs_the_same_whatever_its_length(
    api: APIClient, owner: User, outsider: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    provider = make_provider(owner)
    for number in range(6):
        make_agent(owner, provider, name=f"{number}")
    make_agent(outsider, make_provider(outsider), name="theirs")
    with django_assert_max_num_queries(4):
        results = api.get("/api/v1/agents/").json()["results"]
    assert [row["name"] for row in results] == ["0", "1", "2", "3", "4", "5"]


def test_an_agent_can_be_deleted(api: APIClient, owner: User) -> None:
    agent = make_agent(owner, make_provider(owner))
    assert api.delete(f"/api/v1/agents/{agent.pk}/").status_code == 204
    assert not Agent.objects.exists()


def test_an_agent_without_a_provider_fails_its_test_politely(api: APIClient, owner: User) -> None:
    agent = make_agent(owner, None)
    response = api.post(f"/api/v1/agents/{agent.pk}/test/")
    assert response.status_code == 200
    assert (response.json()["ok"], response.json()["code"]) == (False, "provider_not_found")


def test_lists_can_be_narrowed(api: APIClient, owner: User) -> None:
    one, other = make_provider(owner), make_provider(owner)
    make_agent(owner, one, name="Alpha")
    make_agent(owner, other, name="Beta", is_active=False)
    make_agent(None, None, name="Everyone's", model="")

    def names(query: str) -> list[str]:
        return [row["name"] for row in api.get(f"/api/v1/agents/?{query}").json()["results"]]

    assert names("q=alp") == ["Alpha"]
    assert names(f"provider={other.pk}") == ["Beta"]
    assert names("is_active=true&visibility=private") == ["Alpha"]
    assert names("visibility=everyone") == ["Everyone's"]
    assert api.get("/api/v1/agents/?provider=x").status_code == 400
