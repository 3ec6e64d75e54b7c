"""Second factors: what django-allauth asks us about them, who owes one, and resetting them."""

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import Action, record_event
from accounts.factor_secrets import seal, unseal_or_random
from accounts.models import User

MAIN_TYPES = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
"""Recovery codes alone are no second factor."""


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets are encrypted; passkeys are named after what they are."""

    error_messages = {  # noqa: RUF012 - as the base class has it
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This is not right. Wait for the next code, or try again."),
    }

    def encrypt(self, text: str) -> str:
        """For the database."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """From the database."""
        return unseal_or_random(encrypted_text)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:  # noqa: A002 - allauth's name
        """A name for a new passkey."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return _("Passkey") if count == 0 else _("Passkey %(number)d") % {"number": count + 1}

    def build_totp_svg(self, url: str) -> SafeString:
        """The QR code as an element for the page itself, where no policy stops it as it stops an image of ``data:``."""
        drawn: str = super().build_totp_svg(url)
        return mark_safe(drawn[drawn.index("<svg") :])  # noqa: S308 - squares alone; the address is not in it as text

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """What the browser's dialog calls this site."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {**entity, "name": "Wiz"}


def has_factor(user: User | AnonymousUser) -> bool:
    """Whether the person has an authenticator app or a passkey."""
    return bool(user.pk) and Authenticator.objects.filter(user_id=user.pk, type__in=MAIN_TYPES).exists()


def is_required(user: User | AnonymousUser) -> bool:
    """Whether ``WIZ_REQUIRE_MFA`` means this person."""
    return settings.REQUIRE_MFA == "all" or (settings.REQUIRE_MFA == "staff" and user.is_staff)


def owes_factor(user: User | AnonymousUser) -> bool:
    """Whether the person has to set one up first."""
    return is_required(user) and not has_factor(user)


def reset_factors(*, user: User) -> int:
    """Take all second factors of a person away, as an administrator does for somebody who lost them; how many."""
    with transaction.atomic():
        rows: Any = Authenticator.objects.filter(user=user)
        names = sorted({str(row.get_type_display()) for row in rows})
        count, _models = rows.delete()
        if count:
            record_event(action=Action.FACTOR_RESET, target=user, detail=", ".join(names))
    return int(count)
