"""Fetching model lists over HTTP: what is stored, what stays, what is said, and never twice at the same time."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from providers import claims, discovery, pricing, tasks
from providers.models import Provider, ProviderModel
from providers.services import record_health, update_provider
from providers.types import Usage
from tests.factories import make_provider, make_user
from tests.providers.listing import Listing, serving_a_list

pytestmark = pytest.mark.django_db(transaction=True)
KINDS = ["openai", "anthropic", "deepseek", "openai-compatible"]
WAIT = 20.0  # seconds


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)


@pytest.fixture
def listing() -> Iterator[Listing]:
    with serving_a_list() as listing:
        yield listing


def at(listing: Listing, kind: str = "openai-compatible") -> Provider:
    """A provider of this kind whose list the server gives."""
    base_url = listing.url.removesuffix("/v1") if kind == "anthropic" else listing.url
    return make_provider(kind=kind, base_url=base_url, api_key="some-key", name="Mine")


def rows(provider: Provider) -> dict[str, ProviderModel]:
    return {row.model_id: row for row in ProviderModel.objects.filter(provider=provider)}


def in_the_background(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_lists_over_http(listing: Listing, kind: str) -> None:
    listing.lists({"id": "first", "display_name": "First"}, "second")
    provider = at(listing, kind)
    assert discovery.refresh_models(provider=provider) == 2
    provider.refresh_from_db()
    assert [(row.model_id, row.source, row.is_chat) for row in rows(provider).values()] == [
        ("first", "live", True),
        ("second", "live", True),
    ]
    assert (provider.models_error, provider.models_fetched_at) == ("", provider.models_checked_at)
    assert provider.models_fetched_at is not None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", ["refused", "empty", "embedders"])
def test_without_a_live_chat_model_every_kind_falls_back_to_what_is_known(
    listing: Listing, kind: str, answer: str
) -> None:
    if answer == "refused":
        listing.fails(500)
    elif answer == "embedders" and kind != "anthropic":
        listing.lists("text-embedding-9")
    provider = at(listing, kind)
    discovery.refresh_models(provider=provider)
    provider.refresh_from_db()
    stored = rows(provider)
    if kind != "openai-compatible":
        assert {row.source for row in stored.values()} == {"static"}
        assert all(row.is_chat and row.stage == "active" for row in stored.values())
        assert len(stored) > 1
    else:
        assert [name for name, row in stored.items() if row.is_chat] == []
    assert provider.models_error.startswith("Mine ")
    assert provider.models_fetched_at is None
    assert provider.models_checked_at is not None


@pytest.mark.parametrize("answer", ["refused", "empty", "embedders"])
def test_a_live_list_outlives_bad_answers(listing: Listing, answer: str) -> None:
    listing.lists("good")
    provider = at(listing, "openai")
    discovery.refresh_models(provider=provider)
    provider.refresh_from_db()
    fetched_at = provider.models_fetched_at
    listing.lists(*(["text-embedding-9"] if answer == "embedders" else []))
    if answer == "refused":
        listing.fails(401)
    discovery.refresh_models(provider=provider)
    provider.refresh_from_db()
    assert list(rows(provider)) == ["good"]
    assert provider.models_fetched_at == fetched_at
    assert provider.models_checked_at != fetched_at
    assert provider.models_error != ""
    listing.lists("better")
    discovery.refresh_models(provider=provider)
    provider.refresh_from_db()
    assert (list(rows(provider)), provider.models_error) == (["better"], "")


def test_a_chat_that_works_does_not_hide_what_is_wrong_with_the_list(listing: Listing) -> None:
    listing.fails(404)
    provider = at(listing)
    discovery.refresh_models(provider=provider)
    record_health(provider_id=provider.pk, error=None)
    provider.refresh_from_db()
    assert provider.health == "ok"
    assert "404" in provider.models_error


def test_what_was_known_beforehand_gives_way_to_the_live_list(listing: Listing) -> None:
    listing.fails(503)
    provider = at(listing, "deepseek")
    discovery.refresh_models(provider=provider)
    listing.lists("deepseek-next")
    discovery.refresh_models(provider=provider)
    assert [(row.model_id, row.source) for row in rows(provider).values()] == [("deepseek-next", "live")]


def test_prices_told_live_win_and_an_administrator_s_win_over_them(listing: Listing) -> None:
    prices = {"prompt": "0.000002", "completion": "0.000004", "input_cache_read": "0.000001"}
    listing.lists({"id": "gpt-6-sol", "pricing": prices}, "gpt-6-luna")
    provider = at(listing, "openai")
    discovery.refresh_models(provider=provider)
    told, known = rows(provider)["gpt-6-sol"], rows(provider)["gpt-6-luna"]
    assert (told.input_price, told.output_price, told.cache_read_price) == (Decimal(2), Decimal(4), Decimal(1))
    assert known.input_price is not None
    million = Usage(input=1_000_000, output=1_000_000, cache_read=500_000)
    assert pricing.price_usage(provider, "gpt-6-sol", million) == Decimal("5.5")
    discovery.override_model(row=told, overrides={"input_price": "10"})
    discovery.refresh_models(provider=provider)
    row = rows(provider)["gpt-6-sol"]
    assert (row.input_price, row.output_price) == (Decimal(10), Decimal(4))
    assert pricing.price_usage(provider, "gpt-6-sol", million) == 14


def test_the_day_of_the_end_is_stored_and_decides_when_it_has_passed(listing: Listing) -> None:
    today = timezone.now().date()
    past, future = today - timedelta(days=1), today + timedelta(days=30)
    listing.lists(
        {"id": "lives"},
        {"id": "ends", "shutdown_date": future.isoformat()},
        {"id": "ends-today", "shutdown_date": today.isoformat()},
        {"id": "ended", "expiration_date": past.isoformat()},
    )
    provider = at(listing)
    discovery.refresh_models(provider=provider)
    assert {name: (row.lifecycle, row.stage, row.ends_on) for name, row in rows(provider).items()} == {
        "lives": ("active", "active", None),
        "ends": ("deprecated", "deprecated", future),
        "ends-today": ("deprecated", "deprecated", today),
        "ended": ("retired", "retired", past),
    }
    # Between two refreshes a day passes, and nobody tells.
    ProviderModel.objects.filter(provider=provider, model_id="ends").update(ends_on=past)
    assert rows(provider)["ends"].stage == "retired"
    offered = [row.model_id for row in discovery.list_user_models(make_user())]
    assert offered == ["lives", "ends-today"]


def test_two_refreshes_at_once_ask_once(listing: Listing) -> None:
    listing.lists("good")
    listing.hold.clear()
    provider = at(listing)
    first = in_the_background(lambda: discovery.refresh_models(provider=provider))
    assert listing.arrived.wait(WAIT)
    started = time.monotonic()
    tasks.refresh_models(str(provider.pk))
    assert time.monotonic() - started < 5
    waiter = in_the_background(lambda: discovery.refresh_models(provider=provider, patience=WAIT))
    listing.hold.set()
    first.join(WAIT)
    waiter.join(WAIT)
    assert (listing.asked, list(rows(provider))) == (1, ["good"])
    provider.refresh_from_db()
    assert not claims.is_taken(provider)


def test_a_save_during_a_refresh_is_not_lost(listing: Listing) -> None:
    listing.lists("old")
    listing.hold.clear()
    provider = at(listing)
    first = in_the_background(lambda: discovery.refresh_models(provider=provider))
    assert listing.arrived.wait(WAIT)
    update_provider(provider=provider, api_key="another-key")
    tasks.refresh_models(str(provider.pk))  # what the save asked for finds the claim taken
    listing.lists("new")
    listing.hold.set()
    first.join(WAIT)
    assert (listing.asked, listing.most_at_once) == (2, 1)
    assert list(rows(provider)) == ["new"]


def test_a_claim_of_a_dead_process_runs_out(listing: Listing) -> None:
    listing.lists("good")
    provider = at(listing)
    assert claims.take(provider.pk) is not None
    assert claims.take(provider.pk) is None
    Provider.objects.filter(pk=provider.pk).update(models_claimed_until=timezone.now() - timedelta(seconds=1))
    assert discovery.refresh_models(provider=provider) == 1


def test_a_list_that_never_comes_costs_the_limit_and_no_more(listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "LIST_LIMIT", 0.5)
    listing.hold.clear()
    provider = at(listing)
    started = time.monotonic()
    assert discovery.refresh_models(provider=provider) == 0
    assert 0.4 < time.monotonic() - started < 5
    provider.refresh_from_db()
    assert provider.health_code == "timeout"
    assert provider.models_error != ""


def test_a_dead_provider_delays_nobody(
    listing: Listing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(discovery, "LIST_LIMIT", 3.0)
    with serving_a_list() as dead:
        dead.hold.clear()
        for number in range(4):
            make_provider(name=f"Dead {number}", base_url=dead.url)
        listing.lists("good")
        alive = at(listing)
        started = time.monotonic()
        call_command("refresh_models")
        assert time.monotonic() - started < 4 * 3.0
        assert dead.most_at_once == 4
    assert list(rows(alive)) == ["good"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["Dead 0", "Dead 1", "Dead 2", "Dead 3", "Mine"]
    assert lines[-1] == "Mine: 1 models"


def test_a_provider_that_is_switched_off_is_not_asked_and_says_so(listing: Listing) -> None:
    provider = at(listing)
    update_provider(provider=provider, is_active=False)
    tasks.refresh_models(str(provider.pk))
    assert discovery.refresh_models(provider=provider) == 0
    provider.refresh_from_db()
    assert listing.asked == 0
    assert "switched off" in provider.models_error
    assert provider.health == "unknown"


def test_a_provider_that_is_deleted_meanwhile_leaves_nothing_behind(listing: Listing) -> None:
    listing.lists("good")
    listing.hold.clear()
    provider = at(listing)
    first = in_the_background(lambda: discovery.refresh_models(provider=provider))
    assert listing.arrived.wait(WAIT)
    Provider.objects.filter(pk=provider.pk).delete()
    listing.hold.set()
    first.join(WAIT)
    assert ProviderModel.objects.count() == 0
