"""The forms of a provider and its keys. Secrets are write-only: they are never rendered back."""

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.adapters import KINDS
from providers.keys import add_key
from providers.models import Provider, ProviderKey
from providers.services import create_provider, missing_secrets, update_provider
from providers.slugs import free_name
from providers.vendors import vendor_name


class KindSelect(forms.RadioSelect):
    """Radio buttons that know the default address of their kind, what it is, and where its keys come from."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """One radio button, with ``data-base-url``."""
        option = super().create_option(name, value, *args, **kwargs)
        kind = KINDS.get(value)
        option["attrs"]["data-base-url"] = kind.base_url if kind else ""
        return {**option, "about": kind.about if kind else "", "key_page": kind.key_page if kind else ""}


class SecretInput(forms.PasswordInput):
    """A field for a secret, which browsers do not fill in."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password", "spellcheck": "false"})


class SecretLines(forms.Textarea):
    """Several lines that hold secrets: what was written is not rendered back."""

    def __init__(self) -> None:
        super().__init__(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false", "class": "mono"})

    def format_value(self, value: Any) -> str:  # noqa: ARG002 - Django's signature
        """Nothing."""
        return ""


class HeadersField(forms.CharField):
    """Lines of ``Name: value``; gives a dictionary, or ``None`` when nothing was written."""

    widget = SecretLines

    def clean(self, value: Any) -> dict[str, str] | None:
        """The headers; what may be in them is the service's to judge."""
        lines = [line for line in super().clean(value).splitlines() if line.strip()]
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, content = line.partition(":")
            if not colon:
                raise ValidationError(_("Write every header on a line of its own, as Name: value."))
            if name.strip() in headers:
                raise ValidationError(_("Every header once."))
            headers[name.strip()] = content.strip()
        return headers or None


def _limit(label: Any, help_text: Any = "") -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"inputmode": "numeric"})
    return forms.IntegerField(label=label, required=False, min_value=1, help_text=help_text, widget=widget)


class ProviderForm(forms.Form):
    """Add or change a provider on behalf of a person."""

    SECRET_FIELDS: ClassVar = ("api_key", "headers")

    kind = forms.ChoiceField(
        label=_("Kind"), choices=[(key, kind.label) for key, kind in KINDS.items()], widget=KindSelect, initial="openai"
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        help_text=_("How it is called in lists, like “OpenAI, team account”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    api_key = forms.CharField(label=_("Key"), required=False, max_length=4000, widget=SecretInput())
    base_url = forms.CharField(
        label=_("Base URL"),
        required=False,
        max_length=500,
        help_text=_("Leave it empty for the vendor's own address."),
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false", "list": "vendors"}
        ),
    )
    organization = forms.CharField(label=_("Organisation"), required=False, max_length=200)
    project = forms.CharField(label=_("Project"), required=False, max_length=200)
    headers = HeadersField(label=_("Further request headers"), required=False, max_length=20_000)
    remove_headers = forms.BooleanField(label=_("Remove the stored headers"), required=False)
    max_concurrency = _limit(
        _("Calls at the same time"), _("Empty: no limit. Further calls wait until one of these has ended.")
    )
    connect_timeout = _limit(_("To connect"))
    first_event_timeout = _limit(_("To the first word"))
    idle_timeout = _limit(_("Between two words"))
    total_timeout = _limit(_("For a whole answer"))
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
            shown = [name for name in self.base_fields if name not in (*self.SECRET_FIELDS, "remove_headers")]
            kwargs["initial"] = {name: getattr(provider, name) for name in shown}
        super().__init__(*args, **kwargs)
        if not user.is_staff:
            del self.fields["is_shared"]
        if provider is None:
            self.fields["name"].required = False
            self.fields["name"].help_text = _("How it is called in lists. Empty: as the vendor is called.")
        self._describe_key()
        self._describe_headers()

    @property
    def has_further_errors(self) -> bool:
        """Whether something is wrong among the fields that are folded away."""
        shown = {"kind", "name", "api_key", "base_url", "is_shared"}
        return any(name not in shown for name in self.errors)

    def clean(self) -> dict[str, Any]:
        """Stored secrets belong to one kind and address: elsewhere they must be entered again."""
        cleaned = super().clean() or {}
        kind = KINDS.get(cleaned.get("kind", ""))
        if self.provider is None and kind and kind.key_required and "api_key" in cleaned and not cleaned["api_key"]:
            self.add_error("api_key", _("%s needs a key. Paste one here.") % kind.label)
        if self.provider is None or not kind:
            return cleaned
        problems = {
            "api_key": _(
                "The stored key belongs to the old address and is not sent anywhere else. Enter the key again."
            ),
            "headers": _("The stored headers belong to the old address. Enter them again, or remove them."),
        }
        for name in missing_secrets(self.provider, self._changes()):  # type: ignore[arg-type]  # a dict of the form's
            self.add_error(name, problems[name])
        return cleaned

    def save(self) -> Provider | None:
        """The stored provider, or ``None`` when the service found something wrong; then the form says what."""
        changes = self._changes()
        try:
            if self.provider is None:
                changes["name"] = changes["name"] or self._free_name()
                return create_provider(owner=self.user, **changes)
            if self.provider.is_shared and not changes.get("is_shared", True):
                changes["owner"] = self.user
            return update_provider(provider=self.provider, **changes)
        except ValidationError as error:
            known = hasattr(error, "error_dict") and set(error.error_dict) <= set(self.fields)
            self.add_error(None, error if known else ValidationError(error.messages))
        return None

    @property
    def changes_connection(self) -> bool:
        """Whether it was given what decides if the provider answers: a key, headers, an address, another kind."""
        return self.provider is None or bool(
            {"kind", "api_key", "headers", "base_url", "is_active"} & set(self.changed_data)
        )

    def _changes(self) -> dict[str, Any]:
        """What the service is given: secrets that were left empty stay as they are."""
        changes = {**self.cleaned_data}
        removes_headers = changes.pop("remove_headers", False)
        kept = {name: value for name, value in changes.items() if value or name not in self.SECRET_FIELDS}
        return {"headers": {}, **kept} if removes_headers else kept

    def _free_name(self) -> str:
        """The vendor's name, with a number when the person has a provider of that name."""
        kind, base_url = self.cleaned_data["kind"], self.cleaned_data["base_url"]
        own_host = urlsplit(base_url).netloc if KINDS[kind].base_url == "" else ""
        plain = vendor_name(base_url) or own_host or KINDS[kind].label
        taken = Provider.objects.visible_to(self.user).values_list("name", flat=True)
        return free_name(plain, set(taken))

    def _describe_key(self) -> None:
        field = self.fields["api_key"]
        if self.provider is None or not self.provider.has_api_key:
            field.help_text = _("Stored encrypted and never shown again. Servers of your own may not need one.")
            return
        field.widget.attrs["placeholder"] = f"•••• {self.provider.key_hint}".strip()
        field.help_text = _("A key is stored. Leave this empty to keep it.")

    def _describe_headers(self) -> None:
        field = self.fields["headers"]
        field.help_text = _("One on a line, as Name: value. Stored encrypted and never shown again.")
        if self.provider is None or not self.provider.header_names:
            del self.fields["remove_headers"]
            return
        names = ", ".join(self.provider.header_names)
        field.help_text = _("Stored: %s. Leave this empty to keep them; what you write replaces all of them.") % names


class KeyForm(forms.Form):
    """One more key for a provider."""

    api_key = forms.CharField(label=_("Key"), max_length=4000, widget=SecretInput())
    label = forms.CharField(
        label=_("Label"), required=False, max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    weight = forms.IntegerField(
        label=_("Weight"),
        initial=1,
        min_value=1,
        max_value=100,
        help_text=_("A key of weight 2 gets twice as many calls as one of weight 1."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    prefix = "further"

    def save(self, provider: Provider) -> ProviderKey | None:
        """The stored key, or ``None`` when the service found something wrong; then the form says what."""
        try:
            return add_key(provider=provider, **self.cleaned_data)
        except ValidationError as error:
            self.add_error(None, error)
        return None
