"""What a provider may be told besides its key: further headers, limits of time and of calls, further keys."""

from collections.abc import Iterator

import httpx2
import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from providers import engine, generation, registry, services
from providers.errors import AuthFailed, ConnectionFailed, ProviderTimeout
from providers.keys import add_key
from providers.models import Provider, ProviderKey
from providers.practice import running_practice
from providers.retry import NO_RETRY
from tests.factories import make_provider, make_staff, make_user
from tests.providers.registry_state import reset_registry
from tests.providers.wire import ask

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "sk-further-0123456789abcdef"
HEADERS = {"X-Team": "red-team-secret", "cf-aig-authorization": "gateway-secret"}
FORM = {"kind": "openai-compatible", "name": "Mine", "base_url": "http://127.0.0.1:9/v1", "is_active": "on"}


@pytest.fixture(autouse=True)
def empty_registry() -> Iterator[None]:
    reset_registry()
    yield
    reset_registry()


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def provider(owner: User) -> Provider:
    return make_provider(owner, name="Mine", api_key="some-key")


@pytest.fixture
def api(owner: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(owner)
    return client


@pytest.fixture
def browser(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def opened_headers(provider: Provider) -> str:
    return str(Provider.objects.defer(None).get(pk=provider.pk).open_secret("headers"))


def test_further_headers_are_sent_and_stored_encrypted(practice: str) -> None:
    provider = make_provider(base_url=f"{practice}/v1", api_key="k", headers=HEADERS)
    engine.run(generation.complete(provider, ask("Hello")), timeout=20)
    entry = httpx2.get(f"{practice}/log", trust_env=False).json()[-1]
    assert {name: entry["headers"][name.lower()] for name in HEADERS} == HEADERS
    row = Provider.objects.defer(None).get(pk=provider.pk)
    assert row.header_names == sorted(HEADERS)
    assert row.headers is not None
    assert b"red-team-secret" not in row.headers.token


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer x"},
        {"x-api-key": "x"},
        {"Host": "elsewhere"},
        {"X-Wiz-Hop": "0"},
        {"Content-Length": "1"},
        {"Bad Name": "x"},
        {"": "x"},
        {"X-Line": "one\r\nX-Two: two"},
        {"X-Empty": "  "},
        {"X-Letter": "ü"},
        {"X-Twice": "1", "x-twice": "2"},
        {f"X-{number}": "x" for number in range(21)},
    ],
)
def test_headers_that_would_bend_the_request_are_refused(provider: Provider, headers: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as error:
        services.update_provider(provider=provider, headers=headers)
    assert list(error.value.message_dict) == ["headers"]
    assert Provider.objects.get(pk=provider.pk).header_names == []


def test_the_api_takes_headers_and_tells_their_names_only(api: APIClient, provider: Provider) -> None:
    url = f"/api/v1/providers/{provider.pk}/"
    answer = api.patch(url, {"headers": HEADERS}, format="json")
    assert answer.status_code == 200
    assert answer.json()["header_names"] == sorted(HEADERS)
    assert "secret" not in answer.content.decode() + api.get(url).content.decode()
    assert api.patch(url, {"headers": {}}, format="json").json()["header_names"] == []
    assert api.patch(url, {"headers": {"Host": "x"}}, format="json").status_code == 400


def test_another_address_needs_the_headers_again(api: APIClient, browser: Client, owner: User) -> None:
    provider = make_provider(owner, name="Mine", headers=HEADERS)
    elsewhere = "http://127.0.0.2:9/v1"
    refusal = api.patch(f"/api/v1/providers/{provider.pk}/", {"base_url": elsewhere}, format="json")
    assert refusal.status_code == 422
    assert "headers" in refusal.json()["error"]["message"]
    page = browser.post(f"/providers/{provider.pk}/", {**FORM, "base_url": elsewhere})
    assert page.status_code == 422
    assert "Enter them again" in page.content.decode()
    assert opened_headers(provider)
    services.update_provider(provider=provider, base_url=elsewhere)
    assert opened_headers(provider) == ""


def test_the_form_keeps_replaces_and_removes_headers(browser: Client, provider: Provider) -> None:
    url = f"/providers/{provider.pk}/"
    written = {**FORM, "headers": "X-Team: red-team-secret\r\n\r\nX-Other:  two: three "}
    assert browser.post(url, written).status_code == 302
    assert opened_headers(provider) == '{"X-Team": "red-team-secret", "X-Other": "two: three"}'
    page = browser.get(url).content.decode()
    assert "X-Other, X-Team" in page
    assert "red-team-secret" not in page
    assert browser.post(url, FORM).status_code == 302
    assert opened_headers(provider)
    assert browser.post(url, {**FORM, "remove_headers": "on"}).status_code == 302
    assert opened_headers(provider) == ""
    refused = browser.post(url, {**FORM, "headers": "no colon red-team-secret"})
    assert refused.status_code == 422
    assert "as Name: value" in refused.content.decode()
    assert "red-team-secret" not in refused.content.decode()


@pytest.mark.parametrize(
    ("limit", "model", "phase"),
    [
        ({"first_event_timeout": 1}, "practice-silent", "first_event"),
        ({"idle_timeout": 1}, "practice-stall", "idle"),
        ({"total_timeout": 1}, "practice-endless", "total"),
    ],
)
def test_a_provider_has_time_limits_of_its_own(practice: str, limit: dict[str, int], model: str, phase: str) -> None:
    provider = make_provider(base_url=f"{practice}/v1", api_key="k", **limit)  # type: ignore[arg-type]
    with pytest.raises(ProviderTimeout) as error:
        engine.run(generation.complete(provider, ask("Hello", model=model), policy=NO_RETRY), timeout=20)
    assert error.value.phase == phase


def test_limits_are_checked_and_shown(api: APIClient, provider: Provider) -> None:
    url = f"/api/v1/providers/{provider.pk}/"
    given = {"max_concurrency": 2, "connect_timeout": 3, "key_weight": 4, "total_timeout": None}
    shown = api.patch(url, given, format="json").json()
    assert {name: shown[name] for name in given} == given
    for name in ("max_concurrency", "idle_timeout", "key_weight"):
        for nonsense in (0, -1, 10**9, "many"):
            refusal = api.patch(url, {name: nonsense}, format="json")
            assert refusal.status_code == 400
            assert list(refusal.json()["error"]["detail"]) == [name]


def test_validation_is_a_real_call() -> None:
    with running_practice("the-right-key") as address:
        good = make_provider(base_url=f"{address}/v1", api_key="the-right-key")
        bad = make_provider(base_url=f"{address}/v1", api_key="another-key")
        engine.run(registry.validate_provider(good.pk), timeout=20)
        with pytest.raises(AuthFailed):
            engine.run(registry.validate_provider(bad.pk), timeout=20)
    with pytest.raises(ConnectionFailed):
        engine.run(registry.validate_provider(make_provider().pk), timeout=20)


def test_keys_come_and_go_over_the_api(api: APIClient, provider: Provider) -> None:
    url = f"/api/v1/providers/{provider.pk}/keys/"
    created = api.post(url, {"api_key": SECRET, "label": "Second", "weight": 3}, format="json")
    assert created.status_code == 201
    listed = api.get(url)
    assert SECRET not in created.content.decode() + listed.content.decode()
    (key,) = listed.json()
    assert (key["label"], key["weight"], key["key_hint"], key["resting_until"]) == ("Second", 3, SECRET[-4:], None)
    changed = api.patch(f"{url}{key['id']}/", {"weight": 5}, format="json")
    assert (changed.json()["weight"], changed.json()["label"]) == (5, "Second")
    assert api.post(url, {"api_key": ""}, format="json").status_code == 400
    assert api.patch(f"{url}{key['id']}/", {"weight": 0}, format="json").status_code == 400
    another = api.patch(f"{url}{key['id']}/", {"api_key": "another-secret-altogether", "weight": 7}, format="json")
    assert (another.status_code, list(another.json()["error"]["detail"])) == (400, ["api_key"])
    assert api.get(url).json()[0]["weight"] == 5
    assert api.delete(f"{url}{key['id']}/").status_code == 204
    assert api.get(url).json() == []


def test_nobody_else_sees_that_there_are_keys(owner: User, provider: Provider) -> None:
    shared = make_provider(name="Shared", api_key="some-key")
    keys = [add_key(provider=provider, api_key=SECRET), add_key(provider=shared, api_key=SECRET)]
    for user, key in ((make_user("b@example.org"), keys[0]), (make_staff(), keys[0]), (owner, keys[1])):
        stranger = APIClient()
        stranger.force_authenticate(user)
        url = f"/api/v1/providers/{key.provider_id}/keys/"
        assert stranger.get(url).status_code == 404
        assert stranger.post(url, {"api_key": "x"}, format="json").status_code == 404
        assert stranger.patch(f"{url}{key.pk}/", {"weight": 2}, format="json").status_code == 404
        assert stranger.delete(f"{url}{key.pk}/").status_code == 404
    own = APIClient()
    own.force_authenticate(owner)
    assert own.delete(f"/api/v1/providers/{provider.pk}/keys/{keys[1].pk}/").status_code == 404
    assert ProviderKey.objects.count() == 2


def test_keys_come_and_go_on_the_page(browser: Client, provider: Provider) -> None:
    url = f"/providers/{provider.pk}/"
    wrong = browser.post(f"{url}keys/", {"further-api_key": f"{SECRET} x", "further-weight": "1"})
    assert wrong.status_code == 422
    assert "no spaces" in wrong.content.decode()
    assert SECRET not in wrong.content.decode()
    added = browser.post(
        f"{url}keys/", {"further-api_key": SECRET, "further-label": "Second", "further-weight": "2"}, follow=True
    )
    assert "Second" in added.content.decode()
    assert SECRET not in added.content.decode()
    key = provider.further_keys.get()
    stranger = Client()
    stranger.force_login(make_user("b@example.org"))
    assert stranger.post(f"{url}keys/{key.pk}/remove/").status_code == 404
    assert stranger.post(f"{url}keys/", {"further-api_key": "x", "further-weight": "1"}).status_code == 404
    for typed in ({}, {"confirm": "second"}):
        refused = browser.post(f"{url}keys/{key.pk}/remove/", typed, follow=True)
        assert "Nothing was destroyed" in refused.content.decode()
        assert provider.further_keys.exists()
    browser.post(f"{url}keys/{key.pk}/remove/", {"confirm": "Second"})
    assert not provider.further_keys.exists()


@pytest.mark.parametrize(("secret", "label", "name"), [(SECRET, "", SECRET[-4:]), ("short", "", "Further key")])
def test_destroying_a_key_names_it_and_says_what_follows(
    browser: Client, provider: Provider, secret: str, label: str, name: str
) -> None:
    key = add_key(provider=provider, api_key=secret, label=label)
    page = browser.get(f"/providers/{provider.pk}/").content.decode()
    assert f"Destroy the key {name}" in page
    assert f"Type “{name}” to confirm" in page
    assert "until you revoke it there" in page
    browser.post(f"/providers/{provider.pk}/keys/{key.pk}/remove/", {"confirm": name})
    assert not provider.further_keys.exists()
