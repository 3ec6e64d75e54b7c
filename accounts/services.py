"""Writes on people and tokens."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime
from typing import TypedDict, Unpack
from uuid import UUID

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import Action, record_event
from accounts.models import ApiToken, Installation, User
from accounts.scopes import Scope, opened_by

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


class LastAdministrator(Exception):
    """Somebody has to be able to look after this server."""

    def __init__(self) -> None:
        super().__init__(_("You are the last administrator. Make somebody else one first."))


class Preferences(TypedDict, total=False):
    """What people may change of themselves."""

    name: str
    theme: str
    high_contrast: bool
    single_keys: bool
    language: str
    default_agent: UUID | None
    temporary_by_default: bool


def change_preferences(*, user: User, **given: Unpack[Preferences]) -> None:
    """Keep what somebody likes; ``user`` may act with fewer rights than the person has."""
    User.objects.filter(pk=user.pk).update(**given)
    for name, value in given.items():
        setattr(user, name, value)


def settle_address(*, user: User) -> None:
    """The address that an account has counts as confirmed: allauth would take it for the new one otherwise."""
    known = EmailAddress.objects.filter(user=user, email__iexact=user.email)
    if not known.update(verified=True, primary=True):
        EmailAddress.objects.create(user=user, email=user.email.lower(), verified=True, primary=True)


def is_last_administrator(user: User) -> bool:
    """Whether nobody could administer this server without the person."""
    others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
    return user.is_superuser and not others.exists()


def delete_account(*, user: User) -> None:
    """The person goes, and takes everything along; raises ``LastAdministrator``."""
    with transaction.atomic():
        list(User.objects.select_for_update().filter(is_superuser=True).values_list("pk"))  # one after the other
        if is_last_administrator(user):
            raise LastAdministrator
        User.objects.get(pk=user.pk).delete()


def digest_token(value: str) -> str:
    """The form in which a token is stored and looked up."""
    return hashlib.sha256(value.encode()).hexdigest()


def create_token(
    *,
    user: User,
    name: str,
    expires_at: datetime | None = None,
    scopes: Collection[str] | None = None,
    maker: ApiToken | None = None,
) -> tuple[ApiToken, str]:
    """A new token and its value, which is never to be had again. Raises ``ValidationError``.

    Without ``scopes`` it gets all that the person may have. A token made with another one (``maker``) opens nothing
    that its maker does not open, and does not outlive it.
    """
    value = TOKEN_PREFIX + secrets.token_urlsafe(32)
    granted, ends_at = _granted(user, scopes, maker), _lifetime(expires_at, maker)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user=user, name=name, digest=digest_token(value), scopes=granted, expires_at=ends_at
        )
        record_event(action=Action.TOKEN_CREATED, target=token, detail=f"of {user}: {', '.join(granted)}")
    return token, value


def _granted(user: User, wanted: Collection[str] | None, maker: ApiToken | None) -> list[str]:
    """The scopes of a new token, in their order."""
    possible = {scope for scope in Scope.values if scope != Scope.ADMIN or user.is_staff}
    if maker is not None:
        possible &= opened_by(maker.scopes)
    if wanted is None:
        wanted = possible
    if not wanted:
        raise ValidationError({"scopes": _("Choose at least one scope.")})
    if unknown := [scope for scope in wanted if scope not in Scope.values]:
        names = {"name": unknown[0], "known": ", ".join(Scope.values)}
        raise ValidationError({"scopes": _("%(name)s is not one of: %(known)s.") % names})
    if missing := [scope for scope in Scope.values if scope in wanted and scope not in possible]:
        raise ValidationError({"scopes": _refusal(missing[0], maker)})
    return [scope for scope in Scope.values if scope in wanted]


def _refusal(scope: str, maker: ApiToken | None) -> str:
    if maker is not None:
        return _("A token makes no stronger token, and this one does not have the scope %(name)s.") % {"name": scope}
    return _("Only an administrator's token can have the scope %(name)s.") % {"name": scope}


def _lifetime(expires_at: datetime | None, maker: ApiToken | None) -> datetime | None:
    """When a new token ends."""
    if maker is None or maker.expires_at is None:
        return expires_at
    if expires_at is not None and expires_at > maker.expires_at:
        raise ValidationError({"expires_at": _("A token makes no token that outlives it.")})
    return expires_at or maker.expires_at


def revoke_token(*, token: ApiToken) -> None:
    """The token stops working at once."""
    with transaction.atomic():
        record_event(action=Action.TOKEN_REVOKED, target=token, detail=f"of {token.user}")
        token.delete()
