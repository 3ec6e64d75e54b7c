"""Bad passwords: 429 with Retry-After, per account and per address, the same for accounts that do not exist."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.http import HttpRequest
from django.test import Client

from accounts.login_limits import LIMITS, TooManyAttempts, begin_attempt
from accounts.models import LoginAttempt, User
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

URL = "/accounts/login/"
ACCOUNT_LIMIT, ADDRESS_LIMIT = LIMITS["account"][0], LIMITS["address"][0]


@pytest.fixture
def owner() -> User:
    return make_user()


def log_in(email: str, password: str = "wrong", address: str = "192.0.2.1", **headers: str) -> Any:
    return Client().post(URL, {"login": email, "password": password}, REMOTE_ADDR=address, headers=headers)


def statuses(email: str, count: int, **options: str) -> list[int]:
    return [log_in(email, **options).status_code for _ in range(count)]


def test_too_many_bad_passwords_for_an_account_are_429_and_say_when_to_come_back(owner: User) -> None:
    """S26."""
    assert statuses(owner.email, 10) == [200] * ACCOUNT_LIMIT + [429] * (10 - ACCOUNT_LIMIT)
    response = log_in(owner.email, PASSWORD)
    assert response.status_code == 429, "the right password does not tell itself apart either"
    assert 1 <= int(response["Retry-After"]) <= 300
    assert b"Too many attempts" in response.content


def test_another_address_does_not_help_with_the_same_account(owner: User) -> None:
    statuses(owner.email, ACCOUNT_LIMIT)
    assert log_in(owner.email, address="198.51.100.7").status_code == 429


def test_other_spellings_are_the_same_account(owner: User) -> None:
    statuses(owner.email, ACCOUNT_LIMIT)
    assert log_in(f" {owner.email.upper()} ").status_code == 429


def test_many_accounts_from_one_address_are_429(owner: User) -> None:
    """S26."""
    found = [log_in(f"person{number}@example.org").status_code for number in range(ADDRESS_LIMIT + 1)]
    assert found == [200] * ADDRESS_LIMIT + [429]
    assert log_in(owner.email, PASSWORD).status_code == 429
    assert log_in(owner.email, PASSWORD, address="198.51.100.7").status_code == 302


def test_one_ipv6_customer_is_one_address() -> None:
    addresses = [f"2001:db8:1:2::{number:x}" for number in range(1, ADDRESS_LIMIT + 2)]
    found = [log_in(f"{number}@example.org", address=one).status_code for number, one in enumerate(addresses)]
    assert found[-1] == 429


def test_a_forwarded_address_that_no_proxy_vouches_for_changes_nothing(owner: User) -> None:
    """S26."""
    found = [
        log_in(f"{number}@example.org", **{"X-Forwarded-For": f"203.0.113.{number}"}).status_code
        for number in range(ADDRESS_LIMIT + 1)
    ]
    assert found[-1] == 429


def test_an_account_that_does_not_exist_answers_the_same(owner: User) -> None:
    """S26."""
    known = [log_in(owner.email) for _ in range(ACCOUNT_LIMIT + 1)]
    unknown = [log_in("nobody@example.org", address="198.51.100.7") for _ in range(ACCOUNT_LIMIT + 1)]
    assert [answer.status_code for answer in known] == [answer.status_code for answer in unknown]
    first, other = known[0].content.decode(), unknown[0].content.decode()
    assert "are not correct" in first
    assert "are not correct" in other
    assert set(known[-1].headers) == set(unknown[-1].headers)


def test_who_knows_the_password_is_never_counted(owner: User) -> None:
    for _ in range(ACCOUNT_LIMIT + 3):
        assert log_in(owner.email, PASSWORD).status_code == 302
    assert not LoginAttempt.objects.exists()


def test_a_right_password_does_not_forgive_the_wrong_ones(owner: User) -> None:
    """Else an attacker with an account of their own would start over each time."""
    statuses(owner.email, ACCOUNT_LIMIT - 1)
    log_in(owner.email, PASSWORD)
    assert statuses(owner.email, 2) == [200, 429]


def test_the_limit_ends_by_itself_and_old_attempts_are_forgotten(owner: User) -> None:
    statuses(owner.email, ACCOUNT_LIMIT)
    LoginAttempt.objects.update(created_at=F("created_at") - timedelta(minutes=5))
    assert log_in(owner.email, PASSWORD).status_code == 302
    assert not LoginAttempt.objects.exists()


def test_what_was_typed_is_not_kept() -> None:
    typed = "my-password-in-the-wrong-field"
    log_in(f"{typed}@example.org")
    assert not any(typed in str(value) for value in LoginAttempt.objects.values_list().get())


def test_the_old_password_of_a_change_is_counted_too(owner: User) -> None:
    client = Client()
    client.force_login(owner)
    found = []
    for _ in range(ACCOUNT_LIMIT + 6):
        found.append(client.post("/accounts/password/change/", {"oldpassword": "wrong"}).status_code)
    assert found[-1] == 429


@pytest.mark.django_db(transaction=True)
def test_parallel_attempts_do_not_slip_through_together() -> None:
    def attempt(_: int) -> bool:
        request = HttpRequest()
        request.META["REMOTE_ADDR"] = "192.0.2.1"
        try:
            begin_attempt(request, "owner@example.org")
        except TooManyAttempts:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(32))) <= ACCOUNT_LIMIT
