"""People and groups in the Django admin; tokens and the audit log have files of their own."""

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as BaseGroupAdmin
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import admin_audit, admin_tokens  # noqa: F401 - which register themselves
from accounts.factors import MAIN_TYPES, reset_factors
from accounts.models import User

# One door for everybody: the site's own log-in with its limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.unregister([Group, EmailAddress, Authenticator, UserSession])


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
    list_display = ("email", "name", "is_staff", "is_active", "has_factor", "last_login")
    actions = ("reset_second_factors",)
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """With what the list says about second factors."""
        factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=MAIN_TYPES)
        rows: QuerySet[User] = super().get_queryset(request).annotate(has_main_factor=Exists(factors))
        return rows

    @admin.display(description=_("second factor"), boolean=True)
    def has_factor(self, user: User) -> bool:
        """Whether an app or a passkey is set up."""
        return bool(user.has_main_factor)  # type: ignore[attr-defined]

    @admin.action(description=_("Take second factors away, for who has lost them"), permissions=["change"])
    def reset_second_factors(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """The password alone lets these people in again."""
        count = sum(bool(reset_factors(user=user)) for user in queryset)
        said = ngettext(
            "%(count)d person has no second factor now.", "%(count)d people have no second factor now.", count
        )
        messages.success(request, said % {"count": count})

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Addresses are stored in lower case, as the log-in expects them; one that was replaced opens nothing."""
        obj.email = obj.email.strip().lower()
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            EmailAddress.objects.filter(user=obj).exclude(email__iexact=obj.email).delete()
