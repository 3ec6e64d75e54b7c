"""REST: providers, their models, the registry. The key goes in and never comes out."""

from datetime import date
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from providers.models import Provider, ProviderModel
from tests.factories import make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db

KEY = "sk-canary-0123456789abcdef"
FOREIGN = ("get", "patch", "delete")


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def outsider() -> User:
    return make_user("outsider@example.org")


@pytest.fixture
def staff() -> User:
    return make_staff()


def client_of(user: User) -> APIClient:
    """A client that is logged in as somebody."""
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def api(owner: User) -> APIClient:
    return client_of(owner)


def body(**changes: object) -> dict[str, object]:
    """What a new provider needs."""
    return {"name": "Mine", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", **changes}


def add_model(provider: Provider, name: str = "small", **fields: Any) -> ProviderModel:
    """A row of the catalogue."""
    return ProviderModel.objects.create(provider=provider, model_id=name, **fields)


def test_a_new_provider_belongs_to_the_caller(api: APIClient, owner: User) -> None:
    response = api.post("/api/v1/providers/", body(api_key=KEY), format="json")
    assert response.status_code == 201
    shown = response.json()
    assert Provider.objects.get(pk=shown["id"]).owner == owner
    assert (shown["has_api_key"], shown["key_hint"], shown["shared"]) == (True, KEY[-4:], False)
    assert shown["health"]["status"] == "unknown"


def test_no_answer_holds_the_key(api: APIClient) -> None:
    """S17."""
    created = api.post("/api/v1/providers/", body(api_key=KEY), format="json")
    url = f"/api/v1/providers/{created.json()['id']}/"
    answers = [
        created,
        api.get(url),
        api.get("/api/v1/providers/"),
        api.patch(url, {"name": "Renamed"}, format="json"),
        api.patch(url, {"api_key": KEY + " x"}, format="json"),
        api.post("/api/v1/providers/", body(api_key=KEY), format="json"),
        api.post(f"{url}test/", {"model": "x"}, format="json"),
        api.get(f"{url}models/"),
    ]
    for answer in answers:
        assert KEY not in answer.content.decode()
        assert "api_key" not in answer.json()


def test_a_short_key_shows_nothing_of_itself(api: APIClient) -> None:
    shown = api.post("/api/v1/providers/", body(api_key="sk-short"), format="json").json()
    assert (shown["has_api_key"], shown["key_hint"]) == (True, "")


@pytest.mark.parametrize(
    "field",
    [
        "owner",
        "slug",
        "revision",
        "key_hint",
        "has_api_key",
        "is_practice",
        "is_shared",
        "health",
        "id",
        "groups",
        "header_names",
        "further_keys",
    ],
)
def test_no_other_field_can_be_set(api: APIClient, outsider: User, field: str) -> None:
    """S34."""
    response = api.post("/api/v1/providers/", body(**{field: str(outsider.pk)}), format="json")
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "validation_error"
    assert response.json()["error"]["detail"] == {field: ["Unknown field."]}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", ["x"]),
        ("kind", "telepathy"),
        ("kind", None),
        ("base_url", "http://169.254.169.254/latest"),
        ("base_url", "ftp://example.org"),
        ("base_url", "not a url"),
        ("api_key", "with space inside"),
        ("is_active", "perhaps"),
    ],
)
def test_a_wrong_value_is_named_by_its_field(api: APIClient, field: str, value: object) -> None:
    response = api.post("/api/v1/providers/", body(**{field: value}), format="json")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == [field]


def test_a_second_provider_of_the_same_name_is_refused(api: APIClient) -> None:
    api.post("/api/v1/providers/", body(), format="json")
    response = api.post("/api/v1/providers/", body(), format="json")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == ["name"]


@pytest.mark.parametrize("change", [{"base_url": "http://127.0.0.1:10/v1"}, {"kind": "openai"}, {"base_url": ""}])
def test_another_address_or_kind_needs_the_key_again(api: APIClient, owner: User, change: dict[str, str]) -> None:
    provider = make_provider(owner, api_key=KEY)
    response = api.patch(f"/api/v1/providers/{provider.pk}/", change, format="json")
    assert response.status_code in ({422, 400} if change == {"base_url": ""} else {422})
    provider.refresh_from_db()
    assert provider.has_api_key
    assert provider.base_url == "http://127.0.0.1:9/v1"


def test_another_path_at_the_same_address_keeps_the_key(api: APIClient, owner: User) -> None:
    provider = make_provider(owner, api_key=KEY)
    response = api.patch(f"/api/v1/providers/{provider.pk}/", {"base_url": "http://127.0.0.1:9/v2"}, format="json")
    assert response.status_code == 200
    assert response.json()["has_api_key"] is True


def test_another_address_with_its_key_is_accepted(api: APIClient, owner: User) -> None:
    provider = make_provider(owner, api_key=KEY)
    change = {"base_url": "http://127.0.0.1:10/v1", "api_key": "sk-other-0123456789"}
    response = api.patch(f"/api/v1/providers/{provider.pk}/", change, format="json")
    assert response.status_code == 200
    assert response.json()["key_hint"] == "6789"


def test_an_empty_key_removes_the_key(api: APIClient, owner: User) -> None:
    provider = make_provider(owner, api_key=KEY)
    response = api.patch(f"/api/v1/providers/{provider.pk}/", {"api_key": ""}, format="json")
    assert response.json()["has_api_key"] is False


@pytest.mark.parametrize("method", FOREIGN)
def test_a_foreign_provider_does_not_exist(method: str, outsider: User, owner: User) -> None:
    """S1."""
    provider = make_provider(owner, api_key=KEY)
    response = getattr(client_of(outsider), method)(f"/api/v1/providers/{provider.pk}/", format="json")
    assert response.status_code == 404
    assert Provider.objects.filter(pk=provider.pk, name=provider.name).exists()


@pytest.mark.parametrize(("method", "path"), [("post", "test/"), ("get", "models/"), ("post", "models/refresh/")])
def test_nothing_can_be_done_with_a_foreign_provider(method: str, path: str, outsider: User, owner: User) -> None:
    """S1."""
    provider = make_provider(owner)
    assert getattr(client_of(outsider), method)(f"/api/v1/providers/{provider.pk}/{path}").status_code == 404


def test_staff_does_not_see_private_providers(owner: User, staff: User) -> None:
    provider = make_provider(owner)
    assert client_of(staff).get(f"/api/v1/providers/{provider.pk}/").status_code == 404


def test_only_staff_may_share(api: APIClient, staff: User) -> None:
    assert api.post("/api/v1/providers/", body(shared=True), format="json").status_code == 403
    assert not Provider.objects.exists()
    response = client_of(staff).post("/api/v1/providers/", body(shared=True), format="json")
    assert response.status_code == 201
    assert response.json()["shared"] is True


def test_a_shared_provider_may_be_used_by_all_and_changed_by_staff(api: APIClient, staff: User) -> None:
    provider = make_provider(None, api_key=KEY)
    url = f"/api/v1/providers/{provider.pk}/"
    assert api.get(url).status_code == 200
    assert api.patch(url, {"name": "x"}, format="json").status_code == 404
    assert api.delete(url).status_code == 404
    assert api.post(f"{url}test/").status_code == 404
    assert client_of(staff).patch(url, {"name": "x"}, format="json").status_code == 200


def test_the_list_costs_the_same_whatever_its_length(
    api: APIClient, owner: User, outsider: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(6):
        make_provider(owner, name=f"{number}")
    make_provider(outsider, name="theirs")
    with django_assert_max_num_queries(2):
        results = api.get("/api/v1/providers/").json()["results"]
    assert [row["name"] for row in results] == ["0", "1", "2", "3", "4", "5"]


def test_a_provider_can_be_deleted(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    assert api.delete(f"/api/v1/providers/{provider.pk}/").status_code == 204
    assert not Provider.objects.exists()


def test_put_is_not_offered(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    assert api.put(f"/api/v1/providers/{provider.pk}/", body(), format="json").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_a_failing_test_is_an_answer_not_an_error(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    response = api.post(f"/api/v1/providers/{provider.pk}/test/", {"model": "x"}, format="json")
    assert response.status_code == 200
    result = response.json()
    assert (result["ok"], result["code"], result["model"]) == (False, "connection_failed", "x")
    assert result["message"]
    assert isinstance(result["latency_ms"], int)
    assert result["detail"]
    health = api.get(f"/api/v1/providers/{provider.pk}/").json()["health"]
    assert (health["code"], health["detail"]) == ("connection_failed", result["detail"])


@pytest.mark.django_db(transaction=True)
def test_a_test_against_the_practice_provider_works(api: APIClient, owner: User, practice: str) -> None:
    provider = make_provider(owner, base_url=f"{practice}/v1")
    result = api.post(f"/api/v1/providers/{provider.pk}/test/", {"model": "practice-fast"}, format="json").json()
    assert (result["ok"], result["model"]) == (True, "practice-fast")


def test_a_test_takes_no_address(api: APIClient, owner: User) -> None:
    """S14."""
    provider = make_provider(owner)
    for field in ("base_url", "url", "api_key", "headers"):
        response = api.post(f"/api/v1/providers/{provider.pk}/test/", {field: "http://evil.example"}, format="json")
        assert response.status_code == 400
        assert response.json()["error"]["detail"] == {field: ["Unknown field."]}


def test_models_have_the_form_of_the_contract(api: APIClient, owner: User) -> None:
    provider = make_provider(owner, name="Mine")
    add_model(provider, capabilities={"vision": True}, context_length=8000, input_price="0.5")
    assert api.get("/api/v1/models/").json() == api.get(f"/api/v1/providers/{provider.pk}/models/").json()
    (row,) = api.get("/api/v1/models/").json()
    assert (row["id"], row["display_name"]) == ("small", "small")
    assert (row["provider_id"], row["provider_name"]) == (str(provider.pk), "Mine")
    assert set(row["capabilities"]) == {
        "supports_images", "supports_tools", "supports_streaming", "supports_json_schema", "reasoning",
        "context_length", "max_output_tokens",
    }  # fmt: skip
    assert row["capabilities"]["supports_images"] is True
    assert row["capabilities"]["context_length"] == 8000
    assert (row["source"], row["pricing"]["currency"]) == ("live", "USD")


def test_all_models_are_those_that_the_caller_may_use_in_one_query(
    api: APIClient, owner: User, outsider: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """S2."""
    mine, off, theirs = make_provider(owner), make_provider(owner, is_active=False), make_provider(outsider)
    for provider in (mine, off, theirs):
        add_model(provider, f"of {provider.name}")
        add_model(provider, "hidden", is_hidden=True)
    with django_assert_max_num_queries(2):
        assert [row["id"] for row in api.get("/api/v1/models/").json()] == [f"of {mine.name}"]


def test_a_model_can_be_hidden_by_its_owner_only(api: APIClient, owner: User, outsider: User) -> None:
    provider = make_provider(owner)
    row = add_model(provider)
    url = f"/api/v1/providers/{provider.pk}/models/{row.pk}/"
    assert client_of(outsider).patch(url, {"is_hidden": True}, format="json").status_code == 404
    assert api.patch(url, {"is_hidden": True}, format="json").json()["is_hidden"] is True
    assert api.get("/api/v1/models/").json() == []


def test_what_an_owner_says_of_a_model_wins(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    row = add_model(provider, capabilities={"tools": False})
    change = {"capabilities": {"supports_tools": True}, "context_length": 4000, "display_name": "Small"}
    shown = api.patch(f"/api/v1/providers/{provider.pk}/models/{row.pk}/", change, format="json").json()
    assert (shown["capabilities"]["supports_tools"], shown["capabilities"]["context_length"]) == (True, 4000)
    assert shown["display_name"] == "Small"
    assert shown["is_hidden"] is False


def test_prices_that_an_owner_sets_win_and_can_be_taken_back(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    row = add_model(provider, input_price="1", output_price="2")
    url = f"/api/v1/providers/{provider.pk}/models/{row.pk}/"
    shown = api.patch(url, {"input_price": "0.5"}, format="json").json()
    assert {name: shown["pricing"][name] for name in ("input", "output")} == {"input": "0.500000", "output": "2.000000"}
    row.refresh_from_db()
    assert row.overrides == {"input_price": "0.500000"}
    assert api.patch(url, {"input_price": None}, format="json").status_code == 200
    row.refresh_from_db()
    assert row.overrides == {}
    for nonsense in ("-1", "NaN", "a lot", "1e12"):
        assert api.patch(url, {"output_price": nonsense}, format="json").status_code == 400


def test_a_model_tells_when_it_ends(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    add_model(provider, "ends", ends_on=date(2999, 12, 11), lifecycle="deprecated")
    add_model(provider, "ended", ends_on=date(2020, 1, 1), lifecycle="deprecated")
    rows = api.get(f"/api/v1/providers/{provider.pk}/models/").json()
    assert {row["id"]: (row["lifecycle"], row["ends_on"]) for row in rows} == {
        "ends": ("deprecated", "2999-12-11"),
        "ended": ("retired", "2020-01-01"),
    }
    assert [row["id"] for row in api.get("/api/v1/models/").json()] == ["ends"]


def test_a_provider_tells_how_fresh_its_list_is(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    Provider.objects.filter(pk=provider.pk).update(models_error="Mine is away.")
    told = api.get(f"/api/v1/providers/{provider.pk}/").json()["catalogue"]
    assert told == {"fetched_at": None, "checked_at": None, "error": "Mine is away."}


@pytest.mark.parametrize(
    "change", [{"capabilities": {"telepathy": True}}, {"context_length": -1}, {"context_length": 10**30}]
)
def test_what_cannot_be_said_of_a_model_is_400(api: APIClient, owner: User, change: dict[str, object]) -> None:
    provider = make_provider(owner)
    row = add_model(provider)
    response = api.patch(f"/api/v1/providers/{provider.pk}/models/{row.pk}/", change, format="json")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == list(change)


def test_a_model_is_looked_up_below_its_provider(api: APIClient, owner: User, outsider: User) -> None:
    """S1: the path of one's own provider with the number of a foreign model."""
    foreign = add_model(make_provider(outsider))
    mine = make_provider(owner)
    for pk in (foreign.pk, 10**30, 0):
        response = api.patch(f"/api/v1/providers/{mine.pk}/models/{pk}/", {"is_hidden": True}, format="json")
        assert response.status_code == 404
    foreign.refresh_from_db()
    assert not foreign.is_hidden


@pytest.mark.parametrize("field", ["provider", "model_id", "source", "is_chat", "overrides"])
def test_a_model_s_facts_cannot_be_set(api: APIClient, owner: User, field: str) -> None:
    """S34."""
    provider = make_provider(owner)
    row = add_model(provider)
    url = f"/api/v1/providers/{provider.pk}/models/{row.pk}/"
    assert api.patch(url, {field: "x"}, format="json").status_code == 400


@pytest.mark.django_db(transaction=True)
def test_models_can_be_fetched_now(api: APIClient, owner: User, practice: str) -> None:
    provider = make_provider(owner, base_url=f"{practice}/v1")
    response = api.post(f"/api/v1/providers/{provider.pk}/models/refresh/")
    assert response.status_code == 200
    assert "practice-fast" in [row["id"] for row in response.json()]


@pytest.mark.django_db(transaction=True)
def test_a_failed_fetch_says_why_and_keeps_what_there_was(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    add_model(provider)
    response = api.post(f"/api/v1/providers/{provider.pk}/models/refresh/")
    assert response.status_code in {200, 502}
    assert [row["id"] for row in api.get(f"/api/v1/providers/{provider.pk}/models/").json()] == ["small"]


def test_the_registry_is_for_staff(api: APIClient, staff: User) -> None:
    for method in ("get", "delete"):
        assert getattr(api, method)("/api/v1/registry/").status_code == 403
    assert client_of(staff).get("/api/v1/registry/").json() == []
    assert client_of(staff).delete("/api/v1/registry/").status_code == 204


def test_one_provider_can_be_dropped_from_the_registry(api: APIClient, owner: User, staff: User) -> None:
    provider = make_provider(owner)
    assert api.delete(f"/api/v1/registry/{provider.pk}/").status_code == 403
    assert client_of(staff).delete(f"/api/v1/registry/{provider.pk}/").status_code == 204
    assert client_of(staff).delete(f"/api/v1/registry/{owner.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ALP", ["Alpha"]),
        ("q=", ["Alpha", "Beta", "Shared"]),
        ("kind=anthropic", ["Beta"]),
        ("is_active=false", ["Beta"]),
        ("shared=true", ["Shared"]),
        ("shared=false&is_active=true", ["Alpha"]),
        ("kind=deepseek", []),
    ],
)
def test_lists_can_be_narrowed(api: APIClient, owner: User, query: str, names: list[str]) -> None:
    make_provider(owner, name="Alpha")
    make_provider(owner, name="Beta", kind="anthropic", api_key=KEY, is_active=False)
    make_provider(None, name="Shared")
    make_provider(make_user("other@example.org"), name="Alphabet")
    results = api.get(f"/api/v1/providers/?{query}").json()["results"]
    assert [row["name"] for row in results] == names


@pytest.mark.parametrize("query", ["kind=nothing", "is_active=perhaps", "shared=2", "q=%00"])
def test_a_filter_that_makes_no_sense_is_400(api: APIClient, query: str) -> None:
    response = api.get(f"/api/v1/providers/?{query}")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == [query.partition("=")[0]]


def test_models_can_be_narrowed_to_a_provider_and_by_name(api: APIClient, owner: User) -> None:
    one, other = make_provider(owner), make_provider(owner)
    for provider, name in ((one, "small"), (one, "large"), (other, "small-too")):
        add_model(provider, name)
    assert [row["id"] for row in api.get(f"/api/v1/models/?provider={other.pk}").json()] == ["small-too"]
    assert {row["id"] for row in api.get("/api/v1/models/?q=SMALL").json()} == {"small", "small-too"}
    foreign = make_provider(make_user("other@example.org"))
    add_model(foreign, "theirs")
    assert api.get(f"/api/v1/models/?provider={foreign.pk}").json() == []
    assert api.get("/api/v1/models/?provider=x").status_code == 400
