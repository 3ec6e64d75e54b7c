"""Setting up, logging in, settings and tokens, as pages."""

import pytest
from django.test import Client

from accounts.models import ApiToken, User
from accounts.services import create_token
from accounts.setup import make_setup_token
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user("owner@example.org")


@pytest.fixture
def outsider() -> User:
    return make_user("outsider@example.org")


def test_the_set_up_link_makes_an_administrator_who_is_logged_in(client: Client) -> None:
    url = f"/setup/{make_setup_token()}/"
    assert b"Create the account" in client.get(url).content
    response = client.post(url, {"name": "Ada", "email": "Ada@example.org", "password": PASSWORD})
    assert response.status_code == 302
    person = User.objects.get(email="ada@example.org")
    assert person.is_superuser
    assert client.session["_auth_user_id"] == str(person.pk)
    again = Client().get(url)
    assert again.status_code == 404
    assert b"does not work any more" in again.content


def test_a_weak_password_is_refused_beside_its_field_and_not_rendered_back(client: Client) -> None:
    response = client.post(f"/setup/{make_setup_token()}/", {"name": "A", "email": "a@example.org", "password": "tiny"})
    assert response.status_code == 422
    assert b'id="id_password_error"' in response.content
    assert b"tiny" not in response.content
    assert not User.objects.exists()


def test_a_stranger_is_led_to_the_door(client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_superuser=True)
    assert client.get("/").headers["Location"] == "/accounts/login/"
    for url in ("/settings/", "/c/", "/agents/", "/providers/"):
        assert client.get(url).headers["Location"].startswith("/accounts/login/")


def test_before_the_set_up_the_start_page_says_where_the_link_is(client: Client) -> None:
    assert b"set-up link" in client.get("/").content


@pytest.mark.parametrize("name", ["login", "password/reset", "signup", "password/reset/done"])
def test_the_pages_at_the_door_are_ours(client: Client, name: str) -> None:
    assert b'class="entrance"' in client.get(f"/accounts/{name}/").content


def test_the_password_page_is_inside_the_shell(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert b'class="rail"' in client.get("/accounts/password/change/").content


def test_the_theme_is_on_the_page_before_any_script_runs(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.post("/settings/appearance/", {"theme": "dark"}, follow=True)
    assert b'<html lang="en" data-theme="dark"' in response.content
    assert b"Your settings are saved." in response.content


def test_the_value_of_a_token_is_shown_once(client: Client, owner: User) -> None:
    client.force_login(owner)
    response = client.post("/settings/tokens/", {"name": "script", "days": "30", "scopes": ["read", "chat"]})
    assert b"wiz_" in response.content
    assert response.headers["Cache-Control"] == "no-store"
    assert b"wiz_" not in client.get("/settings/tokens/").content
    assert ApiToken.objects.get().expires_at is not None


def test_a_token_from_the_page_has_the_ticked_scopes_and_shows_them(client: Client, owner: User) -> None:
    client.force_login(owner)
    page = client.get("/settings/tokens/").content.decode()
    assert 'value="chat"' in page
    assert 'value="admin"' not in page, "only administrators can give away an administrator's rights"
    client.post("/settings/tokens/", {"name": "script", "days": "30", "scopes": ["manage"]})
    assert ApiToken.objects.get().scopes == ["manage"]
    assert "Manage ·" in client.get("/settings/tokens/").content.decode()


@pytest.mark.parametrize("scopes", [[], ["admin"], ["everything"]])
def test_a_token_without_scopes_or_with_foreign_ones_is_not_made(
    client: Client, owner: User, scopes: list[str]
) -> None:
    client.force_login(owner)
    response = client.post("/settings/tokens/", {"name": "script", "days": "30", "scopes": scopes})
    assert response.status_code == 422
    assert b"id_scopes_error" in response.content
    assert not ApiToken.objects.exists()


def test_only_the_owner_revokes_a_token(client: Client, owner: User, outsider: User) -> None:
    token, _ = create_token(user=owner, name="script")
    client.force_login(outsider)
    assert client.post(f"/settings/tokens/{token.pk}/revoke/").status_code == 404
    client.force_login(owner)
    assert client.post(f"/settings/tokens/{token.pk}/revoke/").status_code == 302
    assert not ApiToken.objects.exists()


def test_pages_carry_no_inline_style_and_no_inline_handler(client: Client, owner: User) -> None:
    client.force_login(owner)
    for url in ("/c/", "/settings/", "/settings/security/", "/settings/tokens/", "/agents/new/", "/providers/new/"):
        page = client.get(url).content.decode()
        assert " style=" not in page
        assert " onclick=" not in page
        assert "<style" not in page
