"""Writes on people and tokens."""

import hashlib
import secrets
from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import ApiToken, Installation, User

TOKEN_PREFIX = "wiz_"  # noqa: S105 - a marker for secret scanners, not a secret


class AlreadySetUp(Exception):
    """There is a first administrator already."""


def create_first_administrator(*, email: str, password: str, name: str = "") -> User:
    """Create the first administrator; of two parallel calls one raises ``AlreadySetUp``."""
    try:
        with transaction.atomic():
            Installation.objects.create(id=1)
            return User.objects.create_superuser(email, password, name=name)
    except IntegrityError:
        raise AlreadySetUp from None


def digest_token(value: str) -> str:
    """The form in which a token is stored and looked up."""
    return hashlib.sha256(value.encode()).hexdigest()


def create_token(*, user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """A new token and its value, which is never to be had again."""
    value = TOKEN_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(user=user, name=name, digest=digest_token(value), expires_at=expires_at)
    return token, value


def revoke_token(*, token: ApiToken) -> None:
    """The token stops working at once."""
    token.delete()
