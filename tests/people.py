"""People on a running Wiz, made and logged in over HTTP: much quicker than a management command for each."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack
from tests.talking import Caller

PASSWORD = "a-password-for-tests-only"


@dataclass(frozen=True)
class Person:
    """Somebody with an account, a session and a token."""

    email: str
    http: httpx2.Client
    caller: Caller

    @property
    def cookies(self) -> list[Any]:
        """The session, for a browser."""
        return [
            {"name": cookie.name, "value": cookie.value or "", "url": str(self.http.base_url)}
            for cookie in self.http.cookies.jar
        ]


def post_form(http: httpx2.Client, path: str, fields: dict[str, str]) -> httpx2.Response:
    """Send a form as a page would; fails unless it is taken."""
    http.get(path)
    token = next(cookie.value for cookie in http.cookies.jar if cookie.name.endswith("-csrf"))
    answer = http.post(path, data={**fields, "csrfmiddlewaretoken": token}, headers={"Referer": str(http.base_url)})
    assert answer.is_redirect, answer.text
    return answer


@contextmanager
def logged_in(base_url: str, email: str, password: str) -> Iterator[httpx2.Client]:
    """A client with a session."""
    with httpx2.Client(base_url=base_url, trust_env=False, timeout=60) as http:
        post_form(http, "/accounts/login/", {"login": email, "password": password})
        yield http


def make_token(http: httpx2.Client) -> str:
    """A token of the one who is logged in."""
    http.get("/settings/")
    csrf = next(cookie.value for cookie in http.cookies.jar if cookie.name.endswith("-csrf"))
    headers = {"X-CSRFToken": str(csrf), "Referer": str(http.base_url)}
    answer = http.post("/api/v1/tokens/", json={"name": "tests"}, headers=headers)
    assert answer.is_success, answer.text
    return str(answer.json()["token"])


@contextmanager
def living(stack: Stack, email: str, password: str) -> Iterator[Person]:
    """Somebody who has an account."""
    with logged_in(stack.base_url, email, password) as http:
        caller = Caller(stack.base_url, make_token(http))
        with caller.http:
            yield Person(email, http, caller)


@contextmanager
def newcomer(stack: Stack, administrator: Person, name: str = "") -> Iterator[Person]:
    """Somebody new, without any right but those that everybody has."""
    email = f"{name.lower() or 'somebody'}-{uuid.uuid4().hex[:8]}@example.org"
    fields = {"email": email, "name": name, "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    post_form(administrator.http, "/admin/accounts/user/add/", fields)
    with living(stack, email, PASSWORD) as person:
        yield person


@contextmanager
def the_administrator(stack: Stack) -> Iterator[Person]:
    """The one whom a furnished stack begins with."""
    with living(stack, ADMIN_EMAIL, ADMIN_PASSWORD) as person:
        yield person
