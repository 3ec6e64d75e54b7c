"""The registry's page in the Django admin."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from providers.models import Provider
from tests.factories import make_provider, make_staff, make_user
from tests.providers.registry_state import client_of, reset_registry

pytestmark = pytest.mark.django_db(transaction=True)
URL = "/admin/providers/provider/registry/"
KEY = "sk-not-on-this-page-8H3k"


@pytest.fixture
def provider() -> Provider:
    reset_registry()
    return make_provider(name="Shown", api_key=KEY)


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_staff())
    return client


def test_it_lists_what_is_in_use_and_is_linked(desk: Client, provider: Provider) -> None:
    assert "No provider is in use." in desk.get(URL).content.decode()
    client_of(provider)
    page = desk.get(URL).content.decode()
    assert "Shown" in page
    assert f"/admin/providers/provider/{provider.pk}/change/" in page
    assert KEY not in page
    assert f'href="{URL}"' in desk.get("/admin/").content.decode()


@pytest.mark.parametrize("one", [True, False])
def test_clearing_makes_clients_anew(desk: Client, provider: Provider, one: bool) -> None:
    before = client_of(provider)
    page = desk.post(URL, {"provider": str(provider.pk)} if one else {}, follow=True).content.decode()
    assert "made anew" in page
    assert client_of(provider) is not before


def test_an_id_of_nothing_is_an_error_in_words(desk: Client, provider: Provider) -> None:
    for wrong in ("no-id", "00000000-0000-4000-8000-000000000000"):
        assert (
            "This provider does not exist any more."
            in desk.post(URL, {"provider": wrong}, follow=True).content.decode()
        )


def test_only_administrators_of_providers_see_it(client: Client, provider: Provider) -> None:
    client.force_login(make_user())
    assert client.get(URL).status_code == 302
    staff = make_user("staff@example.org", is_staff=True)
    client.force_login(staff)
    assert client.get(URL).status_code == 403
    assert client.post(URL).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="change_provider"))
    assert client.get(URL).status_code == 200
