"""Who is calling the REST API: a bearer token or the session cookie."""

import re
from datetime import timedelta

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import authentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.scopes import Scope
from accounts.services import TOKEN_PREFIX, digest_token

LAST_USED_STEP = timedelta(minutes=1)
"""``last_used_at`` is written this often at most."""

TOKEN_VALUE = re.compile(rf"{TOKEN_PREFIX}[\w-]{{43}}", re.ASCII)


class TokenAuthentication(authentication.BaseAuthentication):
    """``Authorization: Bearer wiz_…``, looked up by the hash of the whole value. Never from the query string."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The token's person; ``None`` without the header; raises ``AuthenticationFailed`` for a bad token."""
        refuse_tokens_in_addresses(request._request)
        value = bearer_value(request._request)
        return None if value is None else authenticate_token(value)

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - the framework passes it
        """Makes DRF answer 401, not 403."""
        return "Bearer"


def bearer_value(request: HttpRequest) -> str | None:
    """What the header gives as a token; ``None`` when it gives none."""
    scheme, _space, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def refuse_tokens_in_addresses(request: HttpRequest) -> None:
    """Raise ``AuthenticationFailed`` for a token in the query string, where every log on the way would keep it."""
    if any(TOKEN_VALUE.fullmatch(value) for _name, values in request.GET.lists() for value in values):
        raise AuthenticationFailed(
            _("A token does not belong into an address, where logs keep it. Revoke it, and send a new one as a header.")
        )


def authenticate_token(value: str) -> tuple[User, ApiToken]:
    """The person and the token; raises ``AuthenticationFailed`` with the reason.

    Without the scope ``admin`` an administrator comes as a person like any other. Whether the token opens what is asked
    for is another question: see ``permissions.check_scope``.
    """
    if not value.startswith(TOKEN_PREFIX):
        raise AuthenticationFailed(_("This is not a Wiz token. Create one under Settings."))
    token = ApiToken.objects.usable().select_related("user").filter(digest=digest_token(value)).first()
    if token is None:
        raise AuthenticationFailed(_("The token is unknown, expired or revoked. Create a new one under Settings."))
    now = timezone.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - LAST_USED_STEP)
    if token.last_used_at is None or token.last_used_at < now - LAST_USED_STEP:
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    if not token.opens(Scope.ADMIN):
        token.user.lay_down_rights()
    return token.user, token


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's cookie; writes need the CSRF token."""

    def authenticate_header(self, request: HttpRequest | Request) -> str:  # noqa: ARG002 - as above
        """Makes DRF answer 401 to whoever is not logged in."""
        return "Bearer"
