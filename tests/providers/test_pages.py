"""The pages of the providers."""

import pytest
from django.test import Client

from accounts.models import User
from providers.errors import AuthFailed
from providers.generation import TestResult
from providers.models import Provider
from providers.practice.faults import DESCRIPTIONS
from providers.services import ensure_practice_provider, record_health
from tests.factories import make_agent, make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db
KEY = "sk-a-key-that-nobody-sees-7Q2x"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)


@pytest.fixture
def owner() -> User:
    return make_user("owner@example.org")


@pytest.fixture
def teammate() -> User:
    return make_user("teammate@example.org")


@pytest.fixture
def provider(owner: User) -> Provider:
    return make_provider(owner, name="Mine", kind="openai", base_url="", api_key=KEY)


def fields(**changes: str) -> dict[str, str]:
    return {"kind": "openai", "name": "Mine", "api_key": "", "base_url": "", "is_active": "on", **changes}


def test_a_new_provider_is_stored_with_its_key_and_the_key_is_never_shown(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.post("/providers/new/", fields(name="New", api_key=KEY), follow=True)
    assert response.status_code == 200
    stored = Provider.objects.defer(None).get(name="New")
    assert stored.owner == owner
    assert stored.open_secret("api_key") == KEY
    assert KEY not in response.content.decode()
    assert "•••• 7Q2x" in response.content.decode()


def test_an_error_does_not_bring_the_key_back(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.post("/providers/new/", fields(base_url="nowhere", api_key=KEY))
    assert response.status_code == 422
    assert KEY not in response.content.decode()


def test_an_empty_key_keeps_the_stored_one(client: Client, owner: User, provider: Provider) -> None:
    client.force_login(owner)
    assert client.post(f"/providers/{provider.pk}/", fields(name="Renamed")).status_code == 302
    stored = Provider.objects.defer(None).get(pk=provider.pk)
    assert (stored.name, stored.open_secret("api_key")) == ("Renamed", KEY)


@pytest.mark.parametrize("change", [{"base_url": "https://elsewhere.example.org/v1"}, {"kind": "deepseek"}])
def test_another_address_needs_the_key_again(
    client: Client, owner: User, provider: Provider, change: dict[str, str]
) -> None:
    client.force_login(owner)
    response = client.post(f"/providers/{provider.pk}/", fields(**change))
    assert response.status_code == 422
    assert b'id="id_api_key_error"' in response.content
    assert b"Enter the key again" in response.content
    assert Provider.objects.get(pk=provider.pk).base_url == provider.base_url


def test_a_wrong_address_is_said_beside_its_field(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.post("/providers/new/", fields(kind="openai-compatible", name="X", base_url="ftp://x"))
    assert response.status_code == 422
    assert b'id="id_base_url_error"' in response.content


@pytest.mark.parametrize("path", ["", "test/", "refresh/", "delete/"])
def test_what_is_not_yours_is_not_there(client: Client, provider: Provider, teammate: User, path: str) -> None:
    client.force_login(teammate)
    assert client.post(f"/providers/{provider.pk}/{path}", {"confirm": "Mine"}).status_code == 404
    assert provider.name not in client.get("/providers/").content.decode()


def test_a_shared_one_is_listed_for_all_and_edited_by_staff(client: Client, teammate: User) -> None:
    shared = make_provider(None, name="Ours")
    client.force_login(teammate)
    assert "Ours" in client.get("/providers/").content.decode()
    assert client.get(f"/providers/{shared.pk}/").status_code == 404
    client.force_login(make_staff())
    assert client.get(f"/providers/{shared.pk}/").status_code == 200


def test_only_staff_can_share(client: Client, owner: User) -> None:
    client.force_login(owner)
    client.post("/providers/new/", fields(name="Not shared", api_key=KEY, is_shared="on"))
    assert Provider.objects.get(name="Not shared").is_shared is False


def test_deleting_asks_for_the_name(client: Client, owner: User, provider: Provider) -> None:
    client.force_login(owner)
    refused = client.post(f"/providers/{provider.pk}/delete/", {"confirm": "mine"})
    assert refused.status_code == 422
    assert Provider.objects.filter(pk=provider.pk).exists()
    client.post(f"/providers/{provider.pk}/delete/", {"confirm": "Mine"})
    assert not Provider.objects.filter(pk=provider.pk).exists()


def test_a_test_shows_the_sentence_and_the_hint(
    client: Client, owner: User, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = TestResult(
        False, "auth_failed", "Mine refused the key (401).", "Paste a new key.", "m", 12, "No <b>such</b>"
    )
    monkeypatch.setattr("providers.views.generation.test_provider", lambda provider: result)
    client.force_login(owner)
    page = client.post(f"/providers/{provider.pk}/test/", headers={"HX-Request": "true"}).content.decode()
    assert "Mine refused the key (401)." in page
    assert "Paste a new key." in page
    assert "<summary>Details</summary><pre>auth_failed · m\nNo &lt;b&gt;such&lt;/b&gt;</pre>" in page
    assert "<html" not in page


def test_the_page_of_the_practice_provider_lists_its_faults_for_staff(client: Client, owner: User) -> None:
    practice = ensure_practice_provider(base_url="http://127.0.0.1:8001/v1")
    guide = make_agent(None, practice, name="Guide")
    client.force_login(owner)
    assert client.get(f"/providers/{practice.pk}/").status_code == 404
    client.force_login(make_staff())
    page = client.get(f"/providers/{practice.pk}/").content.decode()
    for name, about in DESCRIPTIONS.items():
        assert f'name="starter" value="fault: {name}"' in page
        assert str(about) in page
    started = client.post("/c/", {"agent": str(guide.pk), "starter": "fault: stall"})
    shown = client.get(started["Location"]).content.decode()
    assert "fault: stall" in shown
    other = make_provider(None, name="Ours")
    assert 'id="faults"' not in client.get(f"/providers/{other.pk}/").content.decode()


@pytest.mark.parametrize("page", ["/providers/", "/providers/{pk}/", "/admin/providers/provider/{pk}/change/"])
def test_what_a_failing_provider_said_is_one_click_away(client: Client, page: str) -> None:
    provider = make_provider(None, name="Ours")
    record_health(provider_id=provider.pk, error=AuthFailed(provider="Ours", detail="No <b>such</b> key"))
    client.force_login(make_staff())
    shown = client.get(page.format(pk=provider.pk)).content.decode()
    assert "auth_failed" in shown
    assert "No &lt;b&gt;such&lt;/b&gt; key" in shown
    record_health(provider_id=provider.pk, error=None)
    assert "such&lt;/b&gt; key" not in client.get(page.format(pk=provider.pk)).content.decode()


def test_the_list_takes_the_same_queries_for_many(
    client: Client, owner: User, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    for number in range(12):
        make_provider(owner, name=f"P{number}")
    client.force_login(owner)
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        client.get("/providers/")
