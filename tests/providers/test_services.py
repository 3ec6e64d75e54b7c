"""Writes on providers."""

import time

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from providers import services
from providers.errors import AuthFailed, Cancelled, ContextTooLong
from providers.models import Provider, ProviderModel
from tests.factories import make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db
KEY = "sk-canary-0123456789abcdef"


def fields_of(error: pytest.ExceptionInfo[ValidationError]) -> set[str]:
    return set(error.value.message_dict)


def test_an_empty_base_url_means_the_kinds_own() -> None:
    provider = services.create_provider(owner=make_user(), name="Mine", kind="openai", api_key=KEY)
    assert provider.base_url == "https://api.openai.com/v1"
    assert provider.has_api_key


def test_only_a_long_key_leaves_a_hint() -> None:
    owner = make_user()
    assert make_provider(owner, api_key=KEY).key_hint == "cdef"
    assert make_provider(owner, api_key="x" * 15).key_hint == ""


def test_a_shared_provider_outlives_its_maker() -> None:
    staff = make_staff()
    provider = make_provider(staff, is_shared=True)
    staff.delete()
    assert Provider.objects.filter(pk=provider.pk).exists()


@pytest.mark.parametrize("name", ["", "   ", "a\x00b", "a\nb", "a\u2028b", "x" * 101])
def test_a_wrong_name_is_told_by_its_field(name: str) -> None:
    with pytest.raises(ValidationError) as error:
        make_provider(make_user(), name=name)
    assert fields_of(error) == {"name"}


def test_a_name_serves_once_per_owner() -> None:
    owner, neighbour = make_user(), make_user("neighbour@example.org")
    make_provider(owner, name="Same")
    make_provider(neighbour, name="Same")
    with pytest.raises(ValidationError) as error:
        make_provider(owner, name="Same")
    assert fields_of(error) == {"name"}


def test_every_wrong_field_is_told_at_once() -> None:
    with pytest.raises(ValidationError) as error:
        make_provider(make_user(), name="", base_url="ftp://example.org", api_key="a b")
    assert fields_of(error) == {"name", "base_url", "api_key"}


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValidationError) as error:
        make_provider(make_user(), kind="telepathy")
    assert fields_of(error) == {"kind"}


def test_a_metadata_address_is_refused() -> None:
    """S14."""
    with pytest.raises(ValidationError) as error:
        make_provider(make_user(), base_url="http://169.254.169.254/v1")
    assert fields_of(error) == {"base_url"}


@pytest.mark.parametrize(
    ("kind", "base_url", "loses"),
    [
        ("openai-compatible", "https://llm.example.org/other", False),
        ("openai-compatible", "https://llm.example.org:443/v1", False),
        ("openai-compatible", "http://llm.example.org/v1", True),
        ("openai-compatible", "https://llm.example.org:8443/v1", True),
        ("openai-compatible", "https://elsewhere.example.org/v1", True),
        ("openai", "https://llm.example.org/v1", True),
    ],
)
def test_the_key_goes_when_the_origin_or_kind_changes(kind: str, base_url: str, loses: bool) -> None:
    provider = make_provider(make_user(), base_url="https://llm.example.org/v1", api_key=KEY)
    assert services.loses_key(provider, kind=kind, base_url=base_url) is loses
    changed = services.update_provider(provider=provider, kind=kind, base_url=base_url)
    assert changed.has_api_key is not loses
    assert changed.open_secret("api_key") == ("" if loses else KEY)
    assert changed.key_hint == ("" if loses else "cdef")


def test_a_new_key_comes_along_with_a_new_address() -> None:
    provider = make_provider(make_user(), base_url="https://llm.example.org/v1", api_key=KEY)
    changed = services.update_provider(provider=provider, base_url="https://b.example.org/v1", api_key="new-key")
    assert changed.open_secret("api_key") == "new-key"


def test_every_change_raises_the_revision() -> None:
    provider = make_provider(make_user())
    assert services.update_provider(provider=provider, is_active=False).revision == provider.revision + 1


def test_an_absent_field_stays_and_an_empty_key_goes() -> None:
    provider = make_provider(make_user(), api_key=KEY, organization="org")
    renamed = services.update_provider(provider=provider, name="Renamed")
    assert (renamed.organization, renamed.has_api_key, renamed.slug) == ("org", True, provider.slug)
    assert not services.update_provider(provider=provider, api_key="").has_api_key


def test_a_provider_that_stops_being_shared_needs_an_owner() -> None:
    provider, owner = make_provider(), make_user()
    with pytest.raises(ValidationError) as error:
        services.update_provider(provider=provider, is_shared=False)
    assert fields_of(error) == {"is_shared"}
    assert services.update_provider(provider=provider, is_shared=False, owner=owner).owner == owner


def test_of_two_defaults_the_newer_stays() -> None:
    owner = make_user()
    shared = make_provider(is_default=True)
    first, second = make_provider(owner, is_default=True), make_provider(owner, is_default=True)
    services.set_default(provider=first)
    defaults = Provider.objects.filter(is_default=True)
    assert set(defaults) == {shared, first}
    assert second not in defaults


def test_slugs_stay_apart() -> None:
    first, second = make_provider(make_user(), name="Same name"), make_provider(name="Same name")
    assert (first.slug, second.slug) == ("same-name", "same-name-2")


def test_health_shows_what_the_last_call_showed() -> None:
    provider = make_provider()
    services.record_health(provider_id=provider.pk, error=AuthFailed(provider=provider.name, detail="No. " * 1000))
    provider.refresh_from_db()
    assert (provider.health, provider.health_code) == ("failing", "auth_failed")
    assert provider.health_detail == ("No. " * 1000)[:2000]
    services.record_health(provider_id=provider.pk, error=None)
    provider.refresh_from_db()
    assert (provider.health, provider.health_code, provider.health_message) == ("ok", "", "")
    assert provider.health_detail == ""


@pytest.mark.parametrize("error", [Cancelled(), ContextTooLong()])
def test_what_is_not_the_providers_fault_leaves_its_health(error: Cancelled) -> None:
    provider = make_provider()
    services.record_health(provider_id=provider.pk, error=error)
    provider.refresh_from_db()
    assert provider.health == "unknown"


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_neither_fails_nor_delays_the_save(settings: Settings) -> None:
    settings.VALKEY_URL = "redis://127.0.0.1:9/0"
    started = time.monotonic()
    provider = make_provider()
    assert time.monotonic() - started < 5
    assert Provider.objects.filter(pk=provider.pk).exists()


def test_the_practice_provider_is_made_once_and_moves_with_its_address() -> None:
    first = services.ensure_practice_provider(base_url="http://127.0.0.1:8001/v1")
    assert (first.is_practice, first.is_shared, first.is_default, first.name) == (True, True, True, "Practice")
    again = services.ensure_practice_provider(base_url="http://127.0.0.1:8002/v1")
    assert again.pk == first.pk
    assert again.revision == first.revision + 1
    assert again.open_secret("api_key") == "practice"
    assert services.ensure_practice_provider(base_url="http://127.0.0.1:8002/v1").revision == again.revision


def test_the_practice_provider_offers_the_pleasant_models_and_hides_the_faults() -> None:
    provider = services.ensure_practice_provider(base_url="http://127.0.0.1:8001/v1")
    offered = ProviderModel.objects.filter(provider=provider).offered()
    assert [row.model_id for row in offered] == ["practice", "practice-fast", "practice-slow", "practice-reasoning"]
    assert ProviderModel.objects.filter(provider=provider, is_hidden=True).count() > 5


def test_an_existing_shared_default_stays() -> None:
    default = make_provider(is_default=True)
    assert not services.ensure_practice_provider(base_url="http://127.0.0.1:8001/v1").is_default
    default.refresh_from_db()
    assert default.is_default
