"""One's own settings: profile, appearance, language, data, and the end of the account."""

from allauth.account.adapter import get_adapter
from allauth.account.views import email as change_email
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.forms import ModelForm
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import AppearanceForm, LanguageForm, LeavingForm, LookForm, ProfileForm
from accounts.models import User
from accounts.requests import PersonRequest
from accounts.services import (
    LastAdministrator,
    change_preferences,
    delete_account,
    is_last_administrator,
    settle_address,
)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: PersonRequest) -> HttpResponse:
    """Name and e-mail address."""
    form = ProfileForm(request.POST or None, instance=_copy_of(request.user))
    if _has_saved(request, form):
        return redirect("accounts:settings")
    context = {"form": form, "has_mail": settings.MAIL_CONFIGURED}
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def address(request: PersonRequest) -> HttpResponseBase:
    """Another e-mail address, which counts as soon as it is confirmed; allauth does it."""
    if not settings.MAIL_CONFIGURED:
        return redirect("accounts:settings")
    settle_address(user=request.user)
    response: HttpResponseBase = change_email(request)
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def appearance(request: PersonRequest) -> HttpResponse:
    """Light, dark, or as the device has it."""
    form = AppearanceForm(request.POST or None, instance=_copy_of(request.user))
    if _has_saved(request, form):
        return redirect("accounts:appearance")
    return render(request, "accounts/appearance.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_POST
def look(request: PersonRequest) -> HttpResponse:
    """Theme and contrast, chosen in passing: the page that asks has changed already."""
    form = LookForm(request.POST, instance=_copy_of(request.user))
    if not form.is_valid():
        return HttpResponse(status=422)
    form.save()
    return HttpResponse(status=204)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def language(request: PersonRequest) -> HttpResponse:
    """In which language Wiz speaks; the answer to a change is in the new one."""
    form = LanguageForm(request.POST or None, initial={"language": request.user.language})
    if form.is_bound and form.is_valid():
        chosen = form.cleaned_data["language"]
        change_preferences(user=request.user, language=chosen)
        with translation.override(chosen or translation.get_language_from_request(request)):
            messages.success(request, _("Your settings are saved."))
        return redirect("accounts:language")
    return render(request, "accounts/language.html", {"form": form}, status=422 if form.errors else 200)


@sensitive_post_parameters("password")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def own_data(request: PersonRequest) -> HttpResponse:
    """Taking one's conversations along, and the end of the account."""
    form = LeavingForm(request.POST or None, user=request.user)
    if form.is_bound and form.is_valid() and _is_password_right(request, form):
        try:
            delete_account(user=request.user)
        except LastAdministrator as refusal:
            form.add_error(None, str(refusal))
        else:
            request.session.flush()
            request.user = AnonymousUser()  # type: ignore[assignment]
            messages.success(request, _("Your account is deleted, with everything that was in it."))
            return redirect("account_login")
    context = {"form": form, "is_last_administrator": is_last_administrator(request.user)}
    return render(request, "accounts/data.html", context, status=422 if form.errors else 200)


def _is_password_right(request: PersonRequest, form: LeavingForm) -> bool:
    """As logging in asks it, with the same limit."""
    if get_adapter(request).reauthenticate(request.user, form.cleaned_data["password"]):
        return True
    form.add_error("password", _("This is not your password."))
    return False


def _has_saved(request: PersonRequest, form: "ModelForm[User]") -> bool:
    if not form.is_bound or not form.is_valid():
        return False
    change_preferences(user=request.user, **form.cleaned_data)
    messages.success(request, _("Your settings are saved."))
    return True


def _copy_of(user: User) -> User:
    """For the form to write on: what was refused must not show in the rest of the page."""
    return User.objects.get(pk=user.pk)
