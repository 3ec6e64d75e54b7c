"""The catalogue in the admin: what an administrator knows better, and fetching without waiting."""

from decimal import Decimal

import pytest
from django.test import Client
from pytest_django import Settings

from providers.models import Provider, ProviderModel
from tests.factories import make_provider, make_staff

pytestmark = pytest.mark.django_db


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
def provider() -> Provider:
    return make_provider(None, name="Shared")


@pytest.fixture
def row(provider: Provider) -> ProviderModel:
    return ProviderModel.objects.create(provider=provider, model_id="m", input_price="1", output_price="2")


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_staff())
    return client


def save(desk: Client, row: ProviderModel, **fields: str) -> str:
    """Send the form; the page that comes, empty when it was saved."""
    response = desk.post(f"/admin/providers/providermodel/{row.pk}/change/", fields)
    row.refresh_from_db()
    return "" if response.status_code == 302 else response.content.decode()


def test_prices_names_limits_and_capabilities_are_overridden_and_shown_again(desk: Client, row: ProviderModel) -> None:
    assert not save(
        desk, row, our_input_price="0.25", our_display_name="Ours", our_context_length="9000", our_is_chat="no",
        our_capabilities='{"vision": true}', is_hidden="on",
    )  # fmt: skip
    assert (row.input_price, row.output_price, row.display_name) == (Decimal("0.25"), Decimal(2), "Ours")
    assert (row.context_length, row.is_chat, row.is_hidden) == (9000, False, True)
    assert row.capabilities["vision"] is True
    page = desk.get(f"/admin/providers/providermodel/{row.pk}/change/").content.decode()
    assert 'value="0.250000"' in page
    assert 'value="Ours"' in page
    assert '<option value="no" selected>' in page


def test_an_emptied_field_takes_the_override_back_and_the_list_is_fetched(
    desk: Client, row: ProviderModel, sent: list[str]
) -> None:
    save(desk, row, our_input_price="0.25", our_display_name="Ours")
    assert sent == []
    save(desk, row, our_display_name="Ours")
    assert row.overrides == {"display_name": "Ours"}
    assert sent == [str(row.provider_id)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("our_input_price", "-1"), ("our_output_price", "NaN"), ("our_context_length", "-5"),
        ("our_capabilities", '{"flying": true}'), ("our_capabilities", "[1]"), ("our_capabilities", "{"),
        ("our_is_chat", "perhaps"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_beside_its_field(desk: Client, row: ProviderModel, field: str, value: str) -> None:
    page = save(desk, row, **{field: value})
    assert f'name="{field}"' in page
    assert "Please correct the error" in page
    assert row.overrides == {}


def test_fetching_from_the_list_waits_for_nobody(desk: Client, provider: Provider, sent: list[str]) -> None:
    off = make_provider(None, name="Off", is_active=False)
    body = {"action": "refresh", "_selected_action": [str(provider.pk), str(off.pk)]}
    page = desk.post("/admin/providers/provider/", body, follow=True).content.decode()
    assert sent == [str(provider.pk)]
    assert "Shared: the models are being fetched. Look again in a moment." in page
    assert "Off is switched off" in page


def test_without_a_broker_that_is_said(desk: Client, provider: Provider, settings: Settings) -> None:
    settings.VALKEY_URL = "unix:///nowhere/valkey.sock?db=0"
    body = {"action": "refresh", "_selected_action": [str(provider.pk)]}
    page = desk.post("/admin/providers/provider/", body, follow=True).content.decode()
    assert "Shared: nothing was fetched, because the task queue is away." in page
