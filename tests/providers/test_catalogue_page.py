"""The models' section of a provider's page."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import User
from agents.services import Fallback
from providers import discovery
from providers.catalogue_views import POLLS, seen_at
from providers.models import Provider, ProviderModel
from tests.factories import make_agent, make_provider, make_staff, make_user
from tests.providers.listing import Listing, serving_a_list

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
SOON = timezone.now().date() + timedelta(days=30)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the providers that a worker was asked to fetch."""
    ids: list[str] = []
    monkeypatch.setattr("providers.broker.current_app.send_task", lambda _name, args: ids.extend(args))
    return ids


@pytest.fixture
def owner() -> User:
    return make_user("owner@example.org")


@pytest.fixture
def provider(owner: User, client: Client) -> Provider:
    client.force_login(owner)
    provider = make_provider(owner, name="Mine")
    long_ago = timezone.now() - timedelta(days=3)
    Provider.objects.filter(pk=provider.pk).update(
        updated_at=long_ago, models_checked_at=long_ago, models_fetched_at=long_ago
    )
    provider.refresh_from_db()
    return provider


def add(provider: Provider, *names: str, **fields: object) -> list[ProviderModel]:
    """Models in the order in which they are added."""
    first = ProviderModel.objects.filter(provider=provider).count()
    return [
        ProviderModel.objects.create(provider=provider, model_id=name, position=place, **fields)
        for place, name in enumerate(names, first)
    ]


def page_of(client: Client, provider: Provider, query: str = "") -> str:
    response = client.get(f"/providers/{provider.pk}/{query}")
    assert response.status_code == 200
    return response.content.decode()


def listed(page: str) -> list[str]:
    """The models in the table, in their order."""
    return [name.strip() for name in re.findall(r'class="model-name">([^<]*)', page)]


def test_models_are_shown_with_what_they_can_and_what_they_cost(client: Client, provider: Provider) -> None:
    add(
        provider, "small", capabilities={"vision": True, "tools": True}, context_length=128_000, input_price="1234.5",
        output_price="0.075",
    )  # fmt: skip
    add(provider, "gift", input_price=0, output_price=0)
    page = page_of(client, provider)
    assert listed(page) == ["small", "gift"]
    for words in ("128,000", "$1,234.50", "$0.075", "free", '<span class="word">images</span>', "tools"):
        assert words in page
    assert "Fetched" in page
    assert "3\xa0days ago" in page


def test_what_was_known_beforehand_and_what_went_wrong_is_said(client: Client, provider: Provider) -> None:
    add(provider, "known", source="static")
    Provider.objects.filter(pk=provider.pk).update(models_fetched_at=None, models_error="Mine refused the key (401).")
    page = page_of(client, provider)
    assert "Known beforehand" in page
    assert "Mine refused the key (401)." in page


def test_shelves_part_what_is_offered_from_the_rest(client: Client, provider: Provider) -> None:
    add(provider, "offered")
    add(provider, "ending", lifecycle="deprecated", ends_on=SOON)
    add(provider, "ended", lifecycle="retired")
    add(provider, "hidden", is_hidden=True)
    add(provider, "embedder", is_chat=False)
    assert listed(page_of(client, provider)) == ["offered", "ending"]
    assert listed(page_of(client, provider, "?show=ending")) == ["ending", "ended"]
    assert listed(page_of(client, provider, "?show=hidden")) == ["hidden"]
    assert listed(page_of(client, provider, "?show=other")) == ["embedder"]
    assert listed(page_of(client, provider, "?show=nonsense")) == ["offered", "ending"]
    assert f"ends {date_format(SOON)}" in page_of(client, provider)


def test_a_long_list_is_filtered_without_javascript_and_the_address_can_be_kept(
    client: Client, provider: Provider
) -> None:
    add(provider, *[f"maker/model-{number}" for number in range(20)])
    add(provider, "maker/other", display_name="Fancy Name")
    assert 'name="filter"' in page_of(client, provider)
    assert listed(page_of(client, provider, "?filter=MODEL+17")) == ["maker/model-17"]
    assert listed(page_of(client, provider, "?filter=fancy")) == ["Fancy Name"]
    assert "No model here is called “&lt;b&gt;”" in page_of(client, provider, "?filter=%3Cb%3E")
    part = client.get(f"/providers/{provider.pk}/models/?filter=17", headers=HTMX)
    assert part.headers["HX-Replace-Url"] == f"/providers/{provider.pk}/?filter=17"
    assert "<html" not in part.content.decode()
    assert client.get(f"/providers/{provider.pk}/models/?filter=17").headers["Location"].endswith("/?filter=17")


def test_four_hundred_models_take_no_more_queries_than_four(
    client: Client, provider: Provider, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ProviderModel.objects.bulk_create(
        ProviderModel(provider=provider, model_id=f"m{n}", lifecycle="deprecated") for n in range(400)
    )
    for number in range(20):
        make_agent(owner, provider, name=f"A{number}", model=f"m{number}")
    with django_assert_max_num_queries(16):
        assert len(listed(page_of(client, provider))) == 400


def test_a_model_is_hidden_and_offered_again_in_its_place(client: Client, provider: Provider) -> None:
    (row, _other) = add(provider, "small", "large")
    url = f"/providers/{provider.pk}/models/{row.pk}/hide/"
    part = client.post(url, {"hidden": "1"}, headers=HTMX).content.decode()
    assert part.lstrip().startswith("<tr")
    assert 'hx-swap-oob="true"' in part
    assert listed(page_of(client, provider)) == ["large"]
    assert client.post(url, {"hidden": "0"}).headers["Location"] == f"/providers/{provider.pk}/#models"
    assert listed(page_of(client, provider)) == ["small", "large"]


def test_only_who_may_edit_the_provider_may_do_anything_here(client: Client, provider: Provider) -> None:
    (row,) = add(provider, "small")
    client.force_login(make_user("outsider@example.org"))
    base = f"/providers/{provider.pk}"
    assert client.get(f"{base}/models/").status_code == 404
    assert client.get(f"{base}/refresh/").status_code == 404
    assert client.post(f"{base}/refresh/").status_code == 404
    assert client.post(f"{base}/models/{row.pk}/hide/", {"hidden": "1"}).status_code == 404
    row.refresh_from_db()
    assert not row.is_hidden


def test_a_model_is_hidden_below_its_own_provider_only(client: Client, provider: Provider, owner: User) -> None:
    (row,) = add(make_provider(make_user("neighbour@example.org")), "theirs")
    assert client.post(f"/providers/{provider.pk}/models/{row.pk}/hide/", {"hidden": "1"}).status_code == 404


def test_the_agents_of_an_ending_model_are_named_as_far_as_the_reader_may_see_them(client: Client, owner: User) -> None:
    staff, shared = make_staff(), make_provider(None, name="Shared")
    add(shared, "ending", lifecycle="deprecated")
    add(shared, "fine")
    mine = make_agent(staff, shared, name="Tutor", model="ending")
    make_agent(owner, shared, name="Open to all", model="ending", visibility="everyone")
    make_agent(owner, shared, name="A secret", model="ending")
    make_agent(owner, shared, name="Another secret", model="ending")
    make_agent(staff, shared, name="Content", model="fine")
    by_fallback = make_agent(
        staff, make_provider(staff), name="Careful", model="x",
        fallbacks=[Fallback(provider=str(shared.pk), model="ending")],
    )  # fmt: skip
    make_agent(staff, shared, name="Late", model="left-long-ago")
    client.force_login(staff)
    page = page_of(client, shared)
    for agent in (mine, by_fallback):
        assert f'<a href="/agents/{agent.pk}/">{agent.name}</a>' in page
    assert "Open to all" in page
    assert "and 2 agents of others" in page
    row = ProviderModel.objects.get(model_id="ending")
    hidden = client.post(f"/providers/{shared.pk}/models/{row.pk}/hide/", {"hidden": "1"}, headers=HTMX)
    assert "and 2 agents of others" in hidden.content.decode()
    assert "secret" not in page
    assert "Content" not in page.split('id="models"')[1]
    assert "<strong>left-long-ago</strong> is not listed any more, but used by" in page


def test_fetching_again_asks_a_worker_and_shows_the_progress(
    client: Client, provider: Provider, sent: list[str]
) -> None:
    part = client.post(f"/providers/{provider.pk}/refresh/", headers=HTMX).content.decode()
    assert sent == [str(provider.pk)]
    (question,) = re.findall(r'hx-get="([^"]*/refresh/[^"]*)"', part)
    question = question.replace("&amp;", "&")
    again = client.get(question, headers=HTMX)
    assert "n=2" in again.content.decode()
    assert "HX-Retarget" not in again.headers
    add(provider, "fetched")
    Provider.objects.filter(pk=provider.pk).update(models_checked_at=timezone.now())
    done = client.get(question, headers=HTMX)
    assert (done.headers["HX-Retarget"], listed(done.content.decode())) == ("#models", ["fetched"])


def test_progress_comes_to_an_end_when_no_worker_answers(client: Client, provider: Provider) -> None:
    url = f"/providers/{provider.pk}/refresh/"
    seen = {"seen": seen_at(provider)}
    part = client.get(url, {**seen, "n": str(POLLS)}, headers=HTMX).content.decode()
    assert "Nothing has come back yet" in part
    assert "hx-get" not in part
    for nonsense in ("", "-1", "x", "9" * 5000, "²"):
        assert client.get(url, {"seen": seen["seen"], "n": nonsense}, headers=HTMX).status_code == 200


def test_without_javascript_the_reader_is_told_to_look_again(
    client: Client, provider: Provider, sent: list[str]
) -> None:
    page = client.post(f"/providers/{provider.pk}/refresh/", follow=True).content.decode()
    assert sent == [str(provider.pk)]
    assert "Look again in a moment." in page


def test_without_a_broker_nothing_is_fetched_and_that_is_said(
    client: Client, provider: Provider, settings: Settings
) -> None:
    settings.VALKEY_URL = "unix:///nowhere/valkey.sock?db=0"
    url = f"/providers/{provider.pk}/refresh/"
    part = client.post(url, headers=HTMX).content.decode()
    assert "The task queue is away, so nothing was fetched." in part
    assert 'hx-trigger="load' not in part


def test_a_provider_that_is_switched_off_is_not_fetched(client: Client, provider: Provider, sent: list[str]) -> None:
    Provider.objects.filter(pk=provider.pk).update(is_active=False)
    part = client.post(f"/providers/{provider.pk}/refresh/", headers=HTMX).content.decode()
    assert "Mine is switched off" in part
    assert sent == []


def test_a_provider_that_was_just_saved_shows_its_models_as_they_come(client: Client, owner: User) -> None:
    provider = make_provider(owner, name="New")
    client.force_login(owner)
    assert "Fetching the list" in page_of(client, provider)
    Provider.objects.filter(pk=provider.pk).update(models_checked_at=timezone.now())
    assert "Fetching the list" not in page_of(client, provider)


@pytest.fixture
def listing() -> Iterator[Listing]:
    with serving_a_list() as listing:
        yield listing


@pytest.mark.django_db(transaction=True)
def test_the_section_shows_what_a_fetch_over_http_brought(client: Client, owner: User, listing: Listing) -> None:
    provider = make_provider(owner, base_url=listing.url)
    client.force_login(owner)
    listing.lists({"id": "first", "pricing": {"prompt": "0.000002", "completion": "0.000008"}}, "text-embedding-x")
    discovery.refresh_models(provider=provider)
    page = page_of(client, provider)
    assert listed(page) == ["first"]
    assert "$8.00" in page
    assert "Not for chat" in page
    listing.fails(500)
    discovery.refresh_models(provider=provider)
    page = page_of(client, provider)
    assert listed(page) == ["first"]
    assert "(500)" in page
