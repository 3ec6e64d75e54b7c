"""Providers, their models and the ledger in the Django admin. The key goes in and never comes out."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from providers import admin_budgets, admin_webhooks, registry  # noqa: F401 - which register themselves
from providers.admin_catalogue import refresh_in_background
from providers.admin_keys import KeyInline, save_keys
from providers.admin_registry import URL_NAME as REGISTRY_URL
from providers.admin_registry import RegistryView
from providers.generation import test_provider
from providers.models import Provider, ProviderQuerySet, UsageRecord
from providers.sentences import in_readers_language
from providers.services import create_provider, delete_provider, update_provider
from providers.validation import ProviderFields, clean_fields, missing_secrets

LIMITS = ("max_concurrency", "connect_timeout", "first_event_timeout", "idle_timeout", "total_timeout")
FIELDS = ("name", "kind", "base_url", "organization", "project", "key_weight", *LIMITS)

HEALTH = ("health", "health_message", "checked_at")
DETAILS = ("health_code", "health_detail")
LISTED = ("models_fetched_at", "models_checked_at", "models_error")


class ProviderForm(forms.ModelForm):  # type: ignore[type-arg]
    """The columns that may be edited, and a field for a new key."""

    new_key = forms.CharField(
        label=_("API key"),
        required=False,
        strip=True,
        max_length=4000,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}, render_value=False),
        help_text=_("Leave it empty to keep the present key. A key is never shown again."),
    )
    key_weight = forms.IntegerField(
        label=_("weight of the key"), required=False, initial=1, widget=UnfoldAdminIntegerFieldWidget
    )
    base_url = forms.CharField(
        label=_("base URL"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Empty: the kind's own address."),
    )

    class Meta:
        model = Provider
        fields = (*FIELDS, "owner", "is_shared", "groups", "is_active", "is_default")

    def clean_key_weight(self) -> int:
        """One share, unless somebody says more."""
        return self.cleaned_data["key_weight"] or 1

    def clean(self) -> dict[str, Any]:
        """The same rules as everywhere else."""
        given = super().clean() or self.cleaned_data
        if self.errors:
            return given
        fresh = Provider.objects.filter(pk=self.instance.pk).first() or Provider(pk=self.instance.pk)
        fields = cast("ProviderFields", {name: given[name] for name in FIELDS})
        if given["new_key"]:
            fields["api_key"] = given["new_key"]
        clean_fields(fresh, fields)
        if "api_key" in missing_secrets(fresh, fields):
            self.add_error("new_key", _("A new address or kind needs the key again."))
        if not given["is_shared"] and given["owner"] is None:
            self.add_error("owner", _("A provider that is not shared needs an owner."))
        return given


@admin.register(Provider)
class ProviderAdmin(ModelAdmin):  # type: ignore[misc]
    """Everything goes through the services, so that keys are sealed and the registry hears of it."""

    form = ProviderForm
    list_display = ("name", "kind", "base_url", "owner", "is_shared", "is_active", "has_api_key", "health")
    list_filter = ("kind", "is_shared", "is_active", "health")
    search_fields = ("name", "base_url", "owner__email")
    readonly_fields = ("header_names", "key_hint", *HEALTH, *DETAILS, *LISTED, "revision")
    filter_horizontal = ("groups",)
    list_select_related = ("owner",)
    actions = ("test", "refresh", "clear")
    inlines = (KeyInline,)
    fieldsets = (
        (None, {"fields": ("name", "kind", "base_url", "new_key", "key_hint", "key_weight", "is_active")}),
        (_("Who may use it"), {"fields": ("owner", "is_shared", "groups", "is_default")}),
        (_("Account"), {"fields": ("organization", "project", "header_names")}),
        (_("Limits"), {"fields": LIMITS}),
        (_("State"), {"fields": (*HEALTH, *LISTED, "revision")}),
        (_("Details of the last failure"), {"classes": ("collapse",), "fields": DETAILS}),
    )

    def get_urls(self) -> list[URLPattern]:
        """The registry stands beside the providers."""
        view = self.admin_site.admin_view(RegistryView.as_view(model_admin=self))
        return [path("registry/", view, name=REGISTRY_URL), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Provider, form: ProviderForm, change: bool) -> None:
        """Write through the service."""
        given = form.cleaned_data
        names = (*FIELDS, "owner", "is_shared", "is_active", "is_default")
        changes: dict[str, Any] = {name: given[name] for name in names}
        if given["new_key"]:
            changes["api_key"] = given["new_key"]
        saved = update_provider(provider=obj, **changes) if change else create_provider(**changes)
        obj.pk = saved.pk
        obj._state.adding = False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Further keys go through the services too."""
        save_keys(formset, form.instance)

    def delete_model(self, request: HttpRequest, obj: Provider) -> None:
        """Through the service."""
        delete_provider(provider=obj)

    def delete_queryset(self, request: HttpRequest, queryset: ProviderQuerySet) -> None:
        """Through the service, one by one."""
        for provider in queryset:
            delete_provider(provider=provider)

    @admin.action(description=_("Test with a real call"))
    def test(self, request: HttpRequest, queryset: ProviderQuerySet) -> None:
        """Say for each whether it answers."""
        for provider in queryset:
            result = test_provider(provider=provider)
            level = messages.SUCCESS if result.ok else messages.ERROR
            said = in_readers_language(f"{result.message} {result.hint}")
            self.message_user(request, f"{provider.name}: {said}", level)

    @admin.action(description=_("Fetch the models again"))
    def refresh(self, request: HttpRequest, queryset: ProviderQuerySet) -> None:
        """Ask the workers to read the live lists."""
        refresh_in_background(self, request, queryset)

    @admin.action(description=_("Drop from the registry"))
    def clear(self, request: HttpRequest, queryset: ProviderQuerySet) -> None:
        """Ready clients are made anew at the next use."""
        for provider in queryset:
            registry.clear_provider(provider.pk)
        self.message_user(request, _("Dropped."), messages.SUCCESS)


@admin.register(UsageRecord)
class UsageRecordAdmin(ModelAdmin):  # type: ignore[misc]
    """The ledger, to read."""

    list_display = (
        "created_at",
        "user",
        "provider_name",
        "model",
        "input_tokens",
        "output_tokens",
        "cost",
        "is_certain",
    )
    list_filter = ("provider_name", "model", "is_certain")
    search_fields = ("user__email", "model")
    date_hierarchy = "created_at"
    list_select_related = ("user",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Written by calls only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: UsageRecord | None = None) -> bool:
        """A ledger is not edited."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: UsageRecord | None = None) -> bool:
        """Nor shortened by hand."""
        return False
