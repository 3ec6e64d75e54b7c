"""People and groups in the Django admin; tokens and the audit log have files of their own."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import admin_audit, admin_tokens  # noqa: F401 - which register themselves
from accounts.models import User

# One door for everybody: the site's own log-in with its limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.unregister([Group, EmailAddress])


class CountedDeletion:
    """Says how much a deletion takes along, and not what: it would quote private conversations."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Django's four answers without the names; who may delete the object may delete what belongs to it."""
        _named, counts, _permissions, protected = super().get_deleted_objects(objs, request)  # type: ignore[misc]
        return [], counts, set(), protected


@admin.register(Group)
class GroupAdmin(BaseGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Groups share providers and agents."""


@admin.register(User)
class UserAdmin(CountedDeletion, BaseUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """People, by e-mail address."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Addresses are stored in lower case, as the log-in expects them."""
        obj.email = obj.email.strip().lower()
        super().save_model(request, obj, form, change)
