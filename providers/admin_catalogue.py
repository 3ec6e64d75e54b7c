"""The catalogue in the Django admin: what was found, and what an administrator knows better."""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from providers.catalogue_facts import clean_overrides
from providers.discovery import hide_model, override_model, request_refresh
from providers.models import Provider, ProviderModel, ProviderQuerySet
from providers.types import Capability

ANSWERS: Final = (("", _("as found")), ("yes", _("yes")), ("no", _("no")))


class ProviderModelForm(forms.ModelForm):  # type: ignore[type-arg]  # generic for the type checker only
    """The overrides as fields; an empty one takes the override back."""

    our_display_name = forms.CharField(
        label=_("name"), required=False, max_length=200, widget=UnfoldAdminTextInputWidget
    )
    our_context_length = forms.IntegerField(
        label=_("context, in tokens"), required=False, widget=UnfoldAdminIntegerFieldWidget
    )
    our_max_output_tokens = forms.IntegerField(
        label=_("longest answer, in tokens"), required=False, widget=UnfoldAdminIntegerFieldWidget
    )
    our_input_price = forms.DecimalField(
        label=_("dollars per million tokens read"), required=False, widget=UnfoldAdminDecimalFieldWidget
    )
    our_output_price = forms.DecimalField(
        label=_("dollars per million tokens written"), required=False, widget=UnfoldAdminDecimalFieldWidget
    )
    our_is_chat = forms.ChoiceField(
        label=_("can chat"), required=False, choices=ANSWERS, widget=UnfoldAdminSelectWidget(choices=ANSWERS)
    )
    our_capabilities = forms.JSONField(
        label=_("capabilities"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_('For example {"vision": true}. Names: %s.') % ", ".join(Capability),
    )

    class Meta:
        model = ProviderModel
        fields = ("is_hidden",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.instance.overrides.items():
            self.initial[f"our_{name}"] = {True: "yes", False: "no"}[value] if name == "is_chat" else value

    def clean(self) -> dict[str, Any]:
        """The same rules as everywhere else, each complaint beside its field."""
        given = super().clean() or self.cleaned_data
        try:
            clean_overrides(self.overrides())
        except ValidationError as error:
            for name, messages_of in error.message_dict.items():
                self.add_error(f"our_{name}", messages_of)
        return given

    def overrides(self) -> dict[str, object]:
        """What ``override_model`` takes: every name, ``None`` where the found value should stand."""
        given = {
            name.removeprefix("our_"): value for name, value in self.cleaned_data.items() if name.startswith("our_")
        }
        if "is_chat" in given:
            given["is_chat"] = {"yes": True, "no": False}.get(given["is_chat"])
        return {name: None if value in ("", {}) else value for name, value in given.items()}


@admin.register(ProviderModel)
class ProviderModelAdmin(ModelAdmin):  # type: ignore[misc]
    """Rows come from the providers; what is said here wins, now and after every refresh."""

    form = ProviderModelForm
    list_display = (
        "model_id", "display_name", "provider", "context_length", "input_price", "output_price", "is_chat", "is_hidden",
        "stage", "ends_on", "source",
    )  # fmt: skip
    list_filter = ("is_hidden", "is_chat", "lifecycle", "source", "provider")
    search_fields = ("model_id", "display_name")
    list_select_related = ("provider",)
    readonly_fields = (
        "provider", "model_id", "display_name", "capabilities", "context_length", "max_output_tokens", "input_price",
        "output_price", "cache_read_price", "cache_write_price", "is_chat", "stage", "ends_on", "source", "fetched_at",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("provider", "model_id", "is_hidden")}),
        (
            _("What you know better"),
            {
                "fields": (
                    "our_display_name", "our_context_length", "our_max_output_tokens", "our_input_price",
                    "our_output_price", "our_is_chat", "our_capabilities",
                )
            },
        ),
        (
            _("What holds now"),
            {
                "fields": (
                    "display_name", "capabilities", "context_length", "max_output_tokens", "input_price",
                    "output_price", "cache_read_price", "cache_write_price", "is_chat", "stage", "ends_on", "source",
                    "fetched_at",
                )
            },
        ),
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: ProviderModel, form: ProviderModelForm, change: bool) -> None:
        """Write through the services; what was taken back is looked up again."""
        before = set(obj.overrides)
        hide_model(row=obj, is_hidden=form.cleaned_data["is_hidden"])
        override_model(row=obj, overrides=form.overrides())
        if before - set(obj.overrides):
            refresh_in_background(self, request, Provider.objects.filter(pk=obj.provider_id))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows come from the providers."""
        return False


def refresh_in_background(site: ModelAdmin, request: HttpRequest, providers: ProviderQuerySet) -> None:
    """Ask the workers to fetch the models of each of these, and say so; this page waits for none of them."""
    for provider in providers:
        words, level = _("%s: the models are being fetched. Look again in a moment."), messages.SUCCESS
        if not provider.is_active:
            words, level = _("%s is switched off, so its models are not fetched."), messages.WARNING
        elif not request_refresh(provider=provider):
            words, level = _("%s: nothing was fetched, because the task queue is away."), messages.ERROR
        site.message_user(request, words % provider.name, level)
