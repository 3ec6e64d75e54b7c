"""Forms of second factors: wrong codes count as wrong passwords do, and a code opens once."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final

from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal.cryptokit import normalize_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.totp.internal.auth import SECRET_SESSION_KEY
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.adapter import answer_later
from accounts.audit import Action, record_event
from accounts.factor_secrets import FactorUnreadable, seal, unseal
from accounts.login_limits import TooManyAttempts, begin_attempt, end_attempt
from accounts.models import User

LIFE_OF_CODE: Final = timedelta(seconds=120)  # longer than any code is taken
CODE_FIELD: Final = {"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
NAME_LENGTH: Final = 60


@contextmanager
def counted(user: User) -> Iterator[None]:
    """An attempt with a second factor, wrong unless the block ends well; raises ``ImmediateHttpResponse`` with 429."""
    try:
        attempt = begin_attempt(context.request, f"second factor of {user.pk}")
    except TooManyAttempts as refusal:
        raise ImmediateHttpResponse(answer_later(context.request, refusal.wait)) from None
    yield
    end_attempt(attempt)


def spend_code(authenticator: Authenticator, code: str) -> bool:
    """Whether an app's code comes for the first time, in whichever process; it is spent from now on."""
    plain, now = normalize_user_code(code), timezone.now()
    digest = salted_hmac("wiz.code", plain, algorithm="sha256").hexdigest()
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        before = row.data.get("spent", {}).items()
        spent = {name: at for name, at in before if datetime.fromisoformat(at) > now - LIFE_OF_CODE}
        if digest in spent:
            return False
        row.data["spent"] = {**spent, digest: now.isoformat()}
        row.save(update_fields=["data"])
    authenticator.data = row.data
    return True


class _Code(forms.Form):
    """A code of the app, or one of the recovery codes."""

    user: User
    authenticator: Authenticator

    def clean_code(self) -> str:
        """Raises ``ValidationError``, or ``ImmediateHttpResponse`` after too many wrong ones."""
        with counted(self.user):
            code = str(super().clean_code())  # type: ignore[misc]
            if self.authenticator.type == Authenticator.Type.TOTP and not spend_code(self.authenticator, code):
                raise get_adapter().validation_error("incorrect_code")
        return code


def _code_field() -> forms.CharField:
    box = forms.TextInput(attrs={**CODE_FIELD, "autofocus": True})
    return forms.CharField(label=_("Code"), max_length=32, widget=box)


class CodeForm(_Code, AuthenticateForm):  # type: ignore[misc]
    """The second step of logging in."""

    code = _code_field()


class CodeAgainForm(_Code, ReauthenticateForm):  # type: ignore[misc]
    """Before something that matters."""

    code = _code_field()


class AppForm(ActivateTOTPForm):  # type: ignore[misc]
    """Setting up an app. Until it is, its secret waits in the session, encrypted."""

    secret: str
    code = forms.CharField(label=_("Code from the app"), max_length=32, widget=forms.TextInput(attrs=CODE_FIELD))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        try:
            self.secret = unseal(self.secret)
        except FactorUnreadable:  # it was made just now
            context.request.session[SECRET_SESSION_KEY] = seal(self.secret)


class CredentialField(forms.JSONField):
    """What the browser's passkey dialog gave: a JSON object, or the dialog was not used."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        """Raises ``ValidationError`` for anything else."""
        try:
            credential = super().to_python(value)
        except RecursionError:
            credential = None
        if credential is not None and not isinstance(credential, dict):
            raise get_adapter().validation_error("incorrect_code")
        return credential


class _Credential(forms.Form):
    """A passkey that answers."""

    user: User | None

    def clean_credential(self) -> Authenticator:
        """Raises ``ValidationError``, or ``ImmediateHttpResponse`` after too many wrong ones."""
        try:
            if self.user is None:
                return self._answer()
            with counted(self.user):
                return self._answer()
        except forms.ValidationError:
            record_event(action=Action.FACTOR_FAILED, target=self.user, detail=str(Authenticator.Type.WEBAUTHN.label))
            raise

    def _answer(self) -> Authenticator:
        try:
            found: Authenticator = super().clean_credential()  # type: ignore[misc]
        except (KeyError, TypeError, AttributeError, ValueError):  # a credential that no browser makes
            raise get_adapter().validation_error("incorrect_code") from None
        return found


class PasskeyLoginForm(_Credential, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """Logging in with nothing but a passkey."""

    credential = CredentialField()


class PasskeyStepForm(_Credential, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """The second step of logging in."""

    credential = CredentialField()


class PasskeyAgainForm(_Credential, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """Before something that matters."""

    credential = CredentialField()


class PasskeyForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey. Whether it can log in alone is the browser's to say."""

    name = forms.CharField(label=_("Name"), required=False, max_length=NAME_LENGTH)
    credential = CredentialField()
    passwordless = None

    def clean(self) -> dict[str, Any]:
        """Raises ``ValidationError`` for a credential that no browser makes."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except (KeyError, TypeError, AttributeError, ValueError):
            raise get_adapter().validation_error("incorrect_code") from None
        return cleaned


class PasskeyNameForm(webauthn.EditWebAuthnForm):  # type: ignore[misc]
    """Another name for a passkey."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)
