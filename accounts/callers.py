"""Who calls an asynchronous address, and whether that caller may still listen."""

from collections.abc import Set
from dataclasses import dataclass

from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated
from rest_framework.request import Request

from accounts.authentication import SessionAuthentication, TokenAuthentication, bearer_value
from accounts.models import ApiToken, User
from accounts.permissions import check_scope
from accounts.scopes import Needs
from accounts.services import digest_token


@dataclass(frozen=True, slots=True)
class Credential:
    """What lets a caller in: the digest of a token, else the key of a session."""

    digest: str
    session_key: str = ""


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


def credential_of(request: HttpRequest) -> Credential:
    """With what the caller of this request came in."""
    value = bearer_value(request)
    return Credential(digest_token(value)) if value is not None else Credential("", request.session.session_key or "")


def still_valid(credentials: Set[Credential]) -> set[Credential]:
    """Those whose token has not been revoked or whose session not ended since; looks at the database."""
    tokens = {credential.digest: credential for credential in credentials if credential.digest}
    found = ApiToken.objects.usable().filter(digest__in=tokens).values_list("digest", flat=True)
    sessions = {credential for credential in credentials if not credential.digest and _is_logged_in(credential)}
    return {tokens[digest] for digest in found} | sessions


def _is_logged_in(credential: Credential) -> bool:
    request = HttpRequest()
    request.session = SessionStore(credential.session_key)
    return bool(get_user(request).is_authenticated)
