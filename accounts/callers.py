"""Whether a caller may still listen: an answer can outlive the log-in that asked for it."""

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts.authentication import SessionAuthentication, TokenAuthentication


def repeat_credentials(request: HttpRequest) -> HttpRequest:
    """A request that only reads, with the same credentials, to be looked up anew."""
    fresh = HttpRequest()
    fresh.method, fresh.META, fresh.COOKIES = "GET", request.META, request.COOKIES
    fresh.session = SessionStore(request.session.session_key)
    fresh.user = get_user(fresh)
    return fresh


def is_still_logged_in(request: HttpRequest) -> bool:
    """Whether the token has not been revoked and the session not ended since; looks at the database."""
    authenticators = [TokenAuthentication(), SessionAuthentication()]
    try:
        return bool(Request(repeat_credentials(request), authenticators=authenticators).user.is_authenticated)
    except APIException:
        return False
