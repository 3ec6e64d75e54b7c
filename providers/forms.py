"""The form of a provider. The key is write-only: it is never rendered back."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.adapters import KINDS
from providers.models import Provider
from providers.services import create_provider, loses_key, update_provider


class KindSelect(forms.RadioSelect):
    """Radio buttons that know the default address of their kind."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """One radio button, with ``data-base-url``."""
        option = super().create_option(name, value, *args, **kwargs)
        option["attrs"]["data-base-url"] = KINDS[value].base_url if value in KINDS else ""
        return option


class ProviderForm(forms.Form):
    """Add or change a provider on behalf of a person."""

    SECRET_FIELDS: ClassVar = ("api_key",)

    kind = forms.ChoiceField(
        label=_("Kind"), choices=[(key, kind.label) for key, kind in KINDS.items()], widget=KindSelect, initial="openai"
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("How it is called in lists, like “OpenAI, team account”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    api_key = forms.CharField(
        label=_("Key"),
        required=False,
        max_length=4000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    base_url = forms.CharField(
        label=_("Base URL"),
        required=False,
        max_length=500,
        help_text=_("Leave it empty for the vendor's own address."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
    )
    organization = forms.CharField(label=_("Organisation"), required=False, max_length=200)
    project = forms.CharField(label=_("Project"), required=False, max_length=200)
    is_active = forms.BooleanField(
        label=_("Switched on"), required=False, initial=True, help_text=_("When off, nobody's agents can use it.")
    )
    is_default = forms.BooleanField(label=_("Offer it first when somebody makes an agent"), required=False)
    is_shared = forms.BooleanField(
        label=_("Share it with everyone on this server"),
        required=False,
        help_text=_("Others can use the key but never see it. A shared provider belongs to the administrators."),
    )

    def __init__(self, *args: Any, user: User, provider: Provider | None = None, **kwargs: Any) -> None:
        self.user, self.provider = user, provider
        if provider is not None:
            kwargs["initial"] = {name: getattr(provider, name) for name in self.base_fields if name != "api_key"}
        super().__init__(*args, **kwargs)
        if not user.is_staff:
            del self.fields["is_shared"]
        self._describe_key()

    def clean(self) -> dict[str, Any]:
        """A stored key belongs to one kind and address: elsewhere it must be entered again."""
        cleaned = super().clean() or {}
        kind, base_url = cleaned.get("kind", ""), cleaned.get("base_url", "")
        if self.provider is None or cleaned.get("api_key") or not kind:
            return cleaned
        if loses_key(self.provider, kind=kind, base_url=base_url):
            problem = _("The stored key belongs to the old address and is not sent anywhere else. Enter the key again.")
            self.add_error("api_key", problem)
        return cleaned

    def save(self) -> Provider | None:
        """The stored provider, or ``None`` when the service found something wrong; then the form says what."""
        changes: dict[str, Any] = {**self.cleaned_data}
        if self.provider is not None and not changes.get("api_key"):
            changes.pop("api_key", None)
        try:
            if self.provider is None:
                return create_provider(owner=self.user, **changes)
            if self.provider.is_shared and not changes.get("is_shared", True):
                changes["owner"] = self.user
            return update_provider(provider=self.provider, **changes)
        except ValidationError as error:
            known = hasattr(error, "error_dict") and set(error.error_dict) <= set(self.fields)
            self.add_error(None, error if known else ValidationError(error.messages))
        return None

    def _describe_key(self) -> None:
        field = self.fields["api_key"]
        if self.provider is None or not self.provider.has_api_key:
            field.help_text = _("Stored encrypted and never shown again. Servers of your own may not need one.")
            return
        field.widget.attrs["placeholder"] = f"•••• {self.provider.key_hint}".strip()
        field.help_text = _("A key is stored. Leave this empty to keep it.")
