"""Signals of django-allauth that become entries of the audit log: second factors and the e-mail address."""

from allauth.account.models import EmailAddress
from allauth.account.signals import email_changed
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
    authenticator_used,
)
from django.dispatch import receiver

from accounts.audit import Action, record_event
from accounts.models import User


@receiver(authenticator_added)
def record_addition(user: User, authenticator: Authenticator, **_: object) -> None:
    """An app, a passkey, or the first recovery codes."""
    record_event(action=Action.FACTOR_ADDED, target=user, detail=str(authenticator.get_type_display()))


@receiver(authenticator_removed)
def record_removal(user: User, authenticator: Authenticator, **_: object) -> None:
    """One less."""
    record_event(action=Action.FACTOR_REMOVED, target=user, detail=str(authenticator.get_type_display()))


@receiver(authenticator_reset)
def record_renewal(user: User, authenticator: Authenticator, **_: object) -> None:
    """New recovery codes, which end the old ones."""
    record_event(action=Action.FACTOR_RESET, target=user, detail=str(authenticator.get_type_display()))


@receiver(authenticator_used)
def record_recovery(user: User, authenticator: Authenticator, **_: object) -> None:
    """A recovery code was used up: rare, and worth knowing."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        record_event(action=Action.RECOVERY_CODE_USED, target=user, actor=user)


@receiver(authentication_failed)
def record_wrong_code(user: User, authenticator: Authenticator, **_: object) -> None:
    """A code was wrong."""
    record_event(action=Action.FACTOR_FAILED, target=user, detail=str(authenticator.get_type_display()))


@receiver(email_changed)
def record_address(user: User, from_email_address: EmailAddress | None, **_: object) -> None:
    """Somebody has confirmed another address."""
    before = from_email_address.email if from_email_address else ""
    record_event(action=Action.EMAIL_CHANGED, target=user, actor=user, detail=before and f"before: {before}")
