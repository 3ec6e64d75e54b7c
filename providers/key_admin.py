"""Further keys of a provider, on its page in the Django admin."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminPasswordWidget

from providers.keys import add_key, remove_key, update_key
from providers.models import Provider, ProviderKey
from providers.validation import clean_key, clean_weight


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """A further key: what is said about it, and for a new one the key itself."""

    new_key = forms.CharField(
        label=_("API key"),
        required=False,
        max_length=4000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}, render_value=False),
    )

    class Meta:
        model = ProviderKey
        fields = ("label", "weight")

    def clean_new_key(self) -> str:
        """Asked for once, when the row is made."""
        key = clean_key(self.cleaned_data["new_key"])
        if bool(key) != self.instance._state.adding:
            raise forms.ValidationError(_("Enter the key.") if not key else _("Another secret is another key."))
        return key

    def clean_weight(self) -> int:
        """A share of the calls."""
        return clean_weight(self.cleaned_data["weight"])


class KeyInline(TabularInline):  # type: ignore[misc]
    """The further keys of a provider."""

    model = ProviderKey
    form = KeyForm
    extra = 0
    fields = ("label", "new_key", "key_hint", "weight")
    readonly_fields = ("key_hint",)
    verbose_name_plural = _("further keys")


def save_keys(formset: Any, provider: Provider) -> None:
    """What was added, changed and ticked for deletion, through the services."""
    formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
    for form in formset.forms:
        key, given = form.instance, form.cleaned_data
        is_new, goes = key._state.adding, form in formset.deleted_forms
        if goes and not is_new:
            remove_key(key=key)
            formset.deleted_objects.append(key)
        elif form.has_changed() and not goes:
            said = {"label": given["label"], "weight": given["weight"]}
            if is_new:
                formset.new_objects.append(add_key(provider=provider, api_key=given["new_key"], **said))
            else:
                update_key(key=key, **said)
                formset.changed_objects.append((key, form.changed_data))
