"""Whether somebody who listens to a stream may still listen."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied

from accounts.admission import admit_token
from accounts.callers import Credential, credential_of, identify, still_valid
from accounts.models import ApiToken, User
from accounts.scopes import CHATTING, READING
from accounts.services import create_token, revoke_token
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


def request_with(value: str, method: str = "GET") -> HttpRequest:
    """What a program sends."""
    request = HttpRequest()
    request.method = method
    request.META["HTTP_AUTHORIZATION"] = f"Bearer {value}"
    return request


def token_credential(user: User) -> tuple[ApiToken, Credential]:
    token, value = create_token(user=user, name="x")
    return token, credential_of(request_with(value))


def is_valid(credential: Credential) -> bool:
    return still_valid({credential}) == {credential}


def test_a_token_is_valid_until_it_is_revoked(owner: User) -> None:
    token, credential = token_credential(owner)
    assert is_valid(credential)
    revoke_token(token=token)
    assert not is_valid(credential)


def test_a_token_is_valid_until_it_expires(owner: User) -> None:
    token, credential = token_credential(owner)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not is_valid(credential)


def test_nobody_who_was_switched_off_listens_on(owner: User) -> None:
    _token, credential = token_credential(owner)
    owner.is_active = False
    owner.save()
    assert not is_valid(credential)


@pytest.mark.parametrize("ending", ["logout", "password", "switched off"])
def test_a_session_is_valid_until_it_ends(owner: User, ending: str) -> None:
    client = Client()
    client.force_login(owner)
    credential = Credential("", client.session.session_key or "")
    assert is_valid(credential)
    if ending == "logout":
        client.post("/accounts/logout/")
    elif ending == "password":
        owner.set_password("an-other-long-password-4711")
        owner.save()
    else:
        User.objects.filter(pk=owner.pk).update(is_active=False)
    assert not is_valid(credential)


def test_no_credential_is_none() -> None:
    assert not is_valid(Credential("", ""))
    assert not is_valid(Credential("f" * 64))


def test_many_tokens_cost_one_query(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    credentials = {token_credential(owner)[1] for _ in range(20)}
    with django_assert_num_queries(1):
        assert still_valid(credentials) == credentials


def test_a_caller_is_found_or_told_why_not(owner: User) -> None:
    _token, reading = create_token(user=owner, name="x", scopes=["read"])
    assert identify(request_with(reading), READING) == owner
    for value, method, needs, status in (
        ("wiz_unknown", "GET", READING, 401),
        (reading, "POST", CHATTING, 403),
        (reading, "POST", READING, 405),
    ):
        with pytest.raises(APIException) as caught:
            identify(request_with(value, method), needs)
        assert caught.value.status_code == status


def test_a_token_is_admitted_with_its_scopes_only(owner: User) -> None:
    """S21, S22: at the doors that are not built on REST framework."""
    token, value = create_token(user=owner, name="x", scopes=["read"])
    assert admit_token(value, scope="read") == (owner, token)
    with pytest.raises(PermissionDenied):
        admit_token(value, scope="chat")
    revoke_token(token=token)
    with pytest.raises(AuthenticationFailed):
        admit_token(value, scope="read")


def test_a_token_is_looked_up_without_a_write_while_it_was_used_lately(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    _token, value = create_token(user=owner, name="x")
    identify(request_with(value), READING)
    with django_assert_num_queries(1):
        identify(request_with(value), READING)
    ApiToken.objects.update(last_used_at=F("last_used_at") - timedelta(seconds=61))
    with django_assert_num_queries(2):
        identify(request_with(value), READING)
