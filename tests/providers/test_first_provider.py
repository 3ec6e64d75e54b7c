"""Adding a provider: its key is tried, its models come at once, and servers on this machine are found."""

from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from providers.local_servers import LocalServer, find_local_servers
from providers.models import Provider
from providers.practice import running_practice
from tests.factories import make_user
from tests.providers.listing import Listing, serving_a_list

KEY = "sk-right-0123456789"


@pytest.fixture
def owner(client: Client) -> User:
    user = make_user("owner@example.org")
    client.force_login(user)
    return user


@pytest.fixture
def listing() -> Iterator[Listing]:
    with serving_a_list() as listing:
        yield listing


@pytest.fixture(scope="module")
def locked() -> Iterator[str]:
    """A provider that looks at keys."""
    with running_practice(api_key=KEY) as base:
        yield f"{base}/v1"


def add(client: Client, **fields: str) -> str:
    """The text of the page that follows a form."""
    form = {"kind": "openai-compatible", "is_active": "on", **fields}
    response = client.post("/providers/new/", form, follow=True)
    assert response.status_code == 200, response.content.decode()
    return response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_right_key_brings_the_models_with_the_next_page(client: Client, owner: User, locked: str) -> None:
    page = add(client, base_url=locked, api_key=KEY)
    provider = Provider.objects.get()
    assert provider.health == "ok"
    assert f"{provider.name} answers and offers" in page
    assert "Start a conversation" in page
    assert 'name="model"' in page


@pytest.mark.django_db(transaction=True)
def test_a_refused_key_is_kept_and_the_reason_stands_beside_its_field(client: Client, owner: User, locked: str) -> None:
    page = add(client, base_url=locked, api_key="sk-of-somebody-else-1")
    provider = Provider.objects.get()
    assert provider.has_api_key
    assert provider.health_code == "auth_failed"
    assert "refused the key (401). Paste another one here." in page
    assert "is saved, but does not answer yet" in page
    assert "sk-of-somebody-else-1" not in page


@pytest.mark.django_db(transaction=True)
def test_a_server_without_a_list_of_chat_models_says_so(client: Client, owner: User, listing: Listing) -> None:
    listing.lists("text-embedding-x")
    assert "lists no model that can chat" in add(client, base_url=listing.url)


@pytest.mark.django_db(transaction=True)
def test_a_provider_that_is_only_renamed_is_not_called(client: Client, owner: User, listing: Listing) -> None:
    listing.lists("one")
    add(client, base_url=listing.url)
    provider, asked = Provider.objects.get(), listing.asked
    form = {"kind": provider.kind, "base_url": provider.base_url, "is_active": "on", "name": "Renamed"}
    assert client.post(f"/providers/{provider.pk}/", form).status_code == 302
    assert listing.asked == asked


@pytest.mark.django_db(transaction=True)
def test_an_empty_name_becomes_the_vendors_with_a_number_when_it_is_taken(
    client: Client, owner: User, listing: Listing
) -> None:
    host = listing.url.removeprefix("http://").removesuffix("/v1")
    add(client, base_url=listing.url)
    add(client, base_url=listing.url)
    assert set(Provider.objects.values_list("name", flat=True)) == {host, f"{host} 2"}


@pytest.mark.django_db(transaction=True)
def test_one_press_leads_to_a_conversation_with_a_model(client: Client, owner: User, listing: Listing) -> None:
    listing.lists("one", "two")
    add(client, base_url=listing.url)
    model = Provider.objects.get().catalogue.get(model_id="two")
    assert "Ask two anything." in client.get("/c/", {"model": model.pk}).content.decode()


def test_only_what_answers_like_a_model_server_is_found(practice: str, listing: Listing) -> None:
    listing.body = {"message": "a web page of something else"}
    port, other = int(practice.rpartition(":")[2]), int(listing.url.split(":")[2].split("/")[0])
    found = find_local_servers([("Ollama", port), ("Other", other), ("Nothing", 9)])
    assert [(server.name, server.base_url) for server in found] == [("Ollama", f"http://127.0.0.1:{port}/v1")]
    assert found[0].models > 0


def test_a_server_that_hangs_holds_nobody_up(listing: Listing) -> None:
    listing.hold.clear()
    assert find_local_servers([("Slow", int(listing.url.split(":")[2].split("/")[0]))]) == []


def test_nothing_is_looked_for_where_private_addresses_are_not_allowed(settings: Settings, listing: Listing) -> None:
    settings.PRIVATE_PROVIDERS = False
    listing.lists("one")
    assert find_local_servers([("Local", int(listing.url.split(":")[2].split("/")[0]))]) == []
    assert listing.asked == 0


@pytest.mark.django_db(transaction=True)
def test_found_servers_are_offered_until_they_are_added(
    client: Client, owner: User, listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing.lists("one", "two")
    monkeypatch.setattr("providers.views.find_local_servers", lambda: [LocalServer("Ollama", listing.url, 2)])
    assert "2 models" in client.get("/providers/local/").content.decode()
    add(client, base_url=listing.url)
    assert "None has answered" in client.get("/providers/local/").content.decode()
