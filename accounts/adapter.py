"""What django-allauth asks us."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.audit import address_of
from accounts.login_limits import TooManyAttempts, begin_attempt, end_attempt
from accounts.models import User
from accounts.sessions import UNKNOWN_ADDRESS

LONGEST_WAIT = 60  # seconds: the window of allauth's own limits


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up follows ``WIZ_SIGNUP``; too many bad passwords are 429."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - allauth's signature
        """Whether strangers may register."""
        return bool(settings.SIGNUP == "open")

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address as the web server knows it."""
        return address_of(request) or UNKNOWN_ADDRESS

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The person whose password this is; raises ``ImmediateHttpResponse`` with 429 after too many wrong ones."""
        try:
            attempt = begin_attempt(request, str(credentials.get("email") or credentials.get("username") or ""))
        except TooManyAttempts as refusal:
            raise ImmediateHttpResponse(answer_later(request, refusal.wait)) from None
        user: User | None = super().authenticate(request, **credentials)
        if user is not None:
            end_attempt(attempt)
        return user


def answer_later(request: HttpRequest, wait: int = LONGEST_WAIT) -> HttpResponse:
    """429 with ``Retry-After``, as a page."""
    response = render(request, "429.html", {"wait": wait}, status=429)
    response["Retry-After"], response["Cache-Control"] = str(wait), "no-store"
    return response
