"""API tokens in the Django admin."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.models import ApiToken, User
from accounts.scopes import Scope
from accounts.services import create_token, revoke_token


class NewTokenForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a new token is for, what it opens, and how long."""

    scopes = forms.MultipleChoiceField(
        label=_("scopes"), choices=Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget, initial=[Scope.READ]
    )

    class Meta:
        model = ApiToken
        fields = ("user", "name", "scopes", "expires_at")

    def clean(self) -> dict[str, Any]:
        """Only an administrator's token can administer."""
        cleaned = super().clean() or {}
        user = cleaned.get("user")
        if user is not None and Scope.ADMIN in cleaned.get("scopes", ()) and not user.is_staff:
            self.add_error("scopes", _("Only an administrator's token can have the scope admin."))
        return cleaned


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):  # type: ignore[misc]
    """Tokens can be made, seen and revoked here; a value is shown once, when the token is made."""

    form = NewTokenForm
    list_display = ("name", "user", "shown_scopes", "created_at", "expires_at", "last_used_at")
    search_fields = ("name", "user__email")
    fields = ("user", "name", "shown_scopes", "created_at", "expires_at", "last_used_at")
    readonly_fields = ("shown_scopes", "created_at", "last_used_at")
    add_fields = ("user", "name", "scopes", "expires_at")

    @admin.display(description=_("scopes"))
    def shown_scopes(self, token: ApiToken) -> str:
        """The scopes as words."""
        return ", ".join(token.scope_labels)

    def has_change_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Nothing of a token can be changed."""
        return False

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        """What is asked for a new token, or shown of one."""
        return self.fields if obj else self.add_fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """A token acts as its person, so others than superusers make tokens for themselves only."""
        if db_field.name == "user":
            people, own = User.objects.filter(is_active=True), cast("User", request.user)
            options["queryset"] = people if own.is_superuser else people.filter(pk=own.pk)
            options["initial"] = own.pk
        return super().formfield_for_foreignkey(db_field, request, **options)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> ApiToken:
        """The token, made by the service; its value waits for the answer."""
        given = {name: form.cleaned_data[name] for name in self.add_fields}
        token, request.token_value = create_token(**given)  # type: ignore[attr-defined]
        form.instance, form.save_m2m = token, lambda: None
        return token

    def save_model(self, request: HttpRequest, obj: ApiToken, form: Any, change: bool) -> None:
        """It is stored already."""

    def response_add(self, request: HttpRequest, obj: ApiToken, post_url_continue: str | None = None) -> HttpResponse:
        """The value, this once."""
        value = request.token_value  # type: ignore[attr-defined]
        context = {**self.admin_site.each_context(request), "title": _("New API token"), "token": obj, "value": value}
        headers = {"Cache-Control": "no-store"}
        return TemplateResponse(request, "admin/accounts/apitoken/created.html", context, headers=headers)

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        """The token stops working at once."""
        revoke_token(token=obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """All of them stop working at once."""
        for token in queryset:
            revoke_token(token=token)
