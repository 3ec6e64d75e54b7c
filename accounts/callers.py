"""Who calls an asynchronous address, and whether that caller may still listen."""

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAuthenticated
from rest_framework.request import Request

from accounts.authentication import SessionAuthentication, TokenAuthentication
from accounts.models import User
from accounts.permissions import check_scope
from accounts.scopes import Needs


def identify(request: HttpRequest, needs: Needs) -> User:
    """The caller, as REST framework's views find it; raises ``APIException`` (401, 403, 405)."""
    asked = Request(request, authenticators=[TokenAuthentication(), SessionAuthentication()])
    if not asked.user.is_authenticated:
        raise NotAuthenticated
    scope = needs.of(request.method)
    if scope is None:
        raise MethodNotAllowed(str(request.method))
    check_scope(asked.user, asked.auth, scope)
    return asked.user


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
