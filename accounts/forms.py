"""Forms about people: setting up, one's own settings, API tokens."""

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.scopes import Scope


class SetupForm(forms.Form):
    """The first administrator."""

    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(label=_("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("At least 12 characters, and none of the common ones."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, object]:
        """The password must pass the site's rules."""
        cleaned = super().clean() or {}
        if password := cleaned.get("password"):
            person = User(email=cleaned.get("email", ""), name=cleaned.get("name", ""))
            try:
                validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
        return cleaned


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """How one is called."""

    class Meta:
        model = User
        fields = ("name",)
        labels: ClassVar = {"name": _("Name")}
        help_texts: ClassVar = {"name": _("Shown to the people you share with.")}
        widgets: ClassVar = {"name": forms.TextInput(attrs={"autocomplete": "name"})}


class AppearanceForm(forms.ModelForm):  # type: ignore[type-arg]
    """How the pages look."""

    class Meta:
        model = User
        fields = ("theme", "high_contrast", "single_keys")
        labels: ClassVar = {
            "theme": _("Theme"),
            "high_contrast": _("High contrast"),
            "single_keys": _("Shortcuts of a single key"),
        }
        help_texts: ClassVar = {
            "theme": _("System follows your device."),
            "high_contrast": _(
                "Stronger colours and lines, in light and dark. A wish for it in your system counts, too."
            ),
            "single_keys": _(
                "“/” goes to the message, “?” shows all shortcuts. Switch them off if you use speech input."
            ),
        }
        widgets: ClassVar = {"theme": forms.RadioSelect}


class LanguageForm(forms.Form):
    """In which language Wiz speaks."""

    language = forms.ChoiceField(
        label=_("Language of Wiz"),
        required=False,
        widget=forms.RadioSelect,
        help_text=_("Menus, messages, dates and numbers. Agents answer in the language that you write in."),
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["language"].choices = [("", _("As the browser asks")), *settings.LANGUAGES]  # type: ignore[attr-defined]


class LeavingForm(forms.Form):
    """Deleting one's own account: the address is typed, and the password."""

    email = forms.CharField(label=_("Your e-mail address"), widget=forms.TextInput(attrs={"autocomplete": "off"}))
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user

    def clean_email(self) -> str:
        """The account's own."""
        email = str(self.cleaned_data["email"]).strip()
        if email.lower() != self.user.email.lower():
            raise ValidationError(_("This is not the address of your account."))
        return email


class LookForm(forms.ModelForm):  # type: ignore[type-arg]
    """How the pages look, alone: chosen in passing."""

    class Meta:
        model = User
        fields = ("theme", "high_contrast")


class TokenForm(forms.Form):
    """A new API token of ``user``."""

    LIFETIMES: ClassVar = (("30", _("30 days")), ("90", _("90 days")), ("365", _("One year")), ("", _("Until revoked")))
    ABOUT: ClassVar = {
        Scope.READ: _("Read: see what you can see"),
        Scope.CHAT: _("Chat: write messages, ask agents and models"),
        Scope.MANAGE: _("Manage: change providers, agents and tokens"),
        Scope.ADMIN: _("Administer: use your rights as an administrator"),
    }

    name = forms.CharField(
        label=_("What is it for"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    days = forms.ChoiceField(label=_("Valid for"), choices=LIFETIMES, required=False, initial="90")
    scopes = forms.MultipleChoiceField(
        label=_("What may it do"),
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ, Scope.CHAT],
        error_messages={"required": _("Choose at least one.")},
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        possible = [scope for scope in Scope if scope != Scope.ADMIN or user.is_staff]
        self.fields["scopes"].choices = [(scope.value, self.ABOUT[scope]) for scope in possible]  # type: ignore[attr-defined]

    @property
    def expires_at(self) -> datetime | None:
        """When it stops working; ``None`` for never."""
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None
