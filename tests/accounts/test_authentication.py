"""Every door of the REST API: bearer tokens and the session cookie."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.services import create_token
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


def bearer(value: str) -> APIClient:
    """A client that sends this token."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    return client


def test_a_token_opens_the_door_as_its_person(owner: User) -> None:
    _token, value = create_token(user=owner, name="script")
    response = bearer(value).get("/api/v1/me/")
    assert response.status_code == 200
    assert response.json()["email"] == owner.email


def test_only_the_hash_of_a_token_is_stored(owner: User) -> None:
    """S21."""
    token, value = create_token(user=owner, name="script")
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert not any(value in str(column) for column in row.values())


@pytest.mark.parametrize(
    "value", ["", "wiz_", "wiz_unknown", "sk-1234", "wiz_é", "wiz_\ud800x".encode("utf-8", "replace").decode()]
)
def test_an_unknown_token_is_401_with_the_way_to_log_in(value: str, owner: User) -> None:
    response = bearer(value).get("/api/v1/me/")
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["error"]["code"] == "authentication_failed"
    assert response.json()["error"]["message"]


def test_an_expired_token_is_401(owner: User) -> None:
    _token, value = create_token(user=owner, name="old", expires_at=timezone.now() - timedelta(seconds=1))
    assert bearer(value).get("/api/v1/me/").status_code == 401


def test_a_token_of_somebody_switched_off_is_401(owner: User) -> None:
    """S6."""
    _token, value = create_token(user=owner, name="script")
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert bearer(value).get("/api/v1/me/").status_code == 401


def test_a_revoked_token_is_401(owner: User) -> None:
    token, value = create_token(user=owner, name="script")
    token.delete()
    assert bearer(value).get("/api/v1/me/").status_code == 401


def test_a_bad_token_beside_a_good_session_is_still_401(owner: User) -> None:
    client = bearer("wiz_wrong")
    client.force_login(owner)
    assert client.get("/api/v1/me/").status_code == 401


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "authorization"])
def test_a_token_in_the_query_string_opens_nothing(name: str, owner: User) -> None:
    """S21."""
    _token, value = create_token(user=owner, name="script")
    assert APIClient().get("/api/v1/me/", {name: value}).status_code == 401


def test_a_token_in_the_query_string_is_refused_beside_a_good_header_and_a_good_session(owner: User) -> None:
    """S21: it stands in logs by now, so its owner is told."""
    _token, value = create_token(user=owner, name="script")
    client = bearer(value)
    assert client.get("/api/v1/me/", {"q": "wiz_ard"}).status_code == 200
    response = client.get("/api/v1/me/", {"anything": value})
    assert response.status_code == 401
    assert "Revoke it" in response.json()["error"]["message"]
    browser = APIClient()
    browser.force_login(owner)
    assert browser.get("/api/v1/me/", {"token": value}).status_code == 401


def test_another_scheme_with_the_token_opens_nothing(owner: User) -> None:
    _token, value = create_token(user=owner, name="script")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {value}")
    assert client.get("/api/v1/me/").status_code == 401


def test_nobody_is_told_to_log_in() -> None:
    """S24."""
    response = APIClient().get("/api/v1/me/")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json()["error"]["code"] == "not_authenticated"


def test_last_use_is_written_at_most_once_a_minute(owner: User) -> None:
    token, value = create_token(user=owner, name="script")
    bearer(value).get("/api/v1/me/")
    token.refresh_from_db()
    first = token.last_used_at
    assert first is not None
    bearer(value).get("/api/v1/me/")
    token.refresh_from_db()
    assert token.last_used_at == first
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=first - timedelta(seconds=61))
    bearer(value).get("/api/v1/me/")
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at >= first


def test_a_session_may_read(owner: User) -> None:
    client = Client()
    client.force_login(owner)
    assert client.get("/api/v1/me/").status_code == 200


def test_a_session_writes_only_with_the_csrf_token(owner: User) -> None:
    """S29."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    response = client.post("/api/v1/tokens/", {"name": "x"}, content_type="application/json")
    assert response.status_code == 403
    assert response.json()["error"]["code"]
    assert not ApiToken.objects.exists()


def test_a_token_writes_without_csrf(owner: User) -> None:
    _token, value = create_token(user=owner, name="script")
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    assert client.post("/api/v1/tokens/", {"name": "x"}, format="json").status_code == 201
