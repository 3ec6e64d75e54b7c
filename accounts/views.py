"""Setting up, and one's own settings."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import ProfileForm, SetupForm, TokenForm
from accounts.models import ApiToken
from accounts.requests import PersonRequest
from accounts.services import AlreadySetUp, create_first_administrator, create_token, revoke_token
from accounts.setup import is_setup_token


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Make the first administrator, by the link that the server printed."""
    if not is_setup_token(token):
        return _used_link(request)
    form = SetupForm(request.POST or None)
    if not form.is_valid():
        return render(request, "accounts/setup.html", {"form": form}, status=422 if form.is_bound else 200)
    try:
        user = create_first_administrator(**form.cleaned_data)
    except AlreadySetUp:
        return _used_link(request)
    login(request, user)
    return redirect("/")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: PersonRequest) -> HttpResponse:
    """Name, theme, password and API tokens."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if form.is_bound and form.is_valid():
        form.save()
        messages.success(request, _("Your settings are saved."))
        return redirect("accounts:settings")
    request.user.refresh_from_db(fields=["name", "theme"])
    return _show_settings(request, form, TokenForm(user=request.user))


@login_required
@require_POST
def add_token(request: PersonRequest) -> HttpResponse:
    """Make an API token and show its value, this once."""
    form = TokenForm(request.POST, user=request.user)
    value = ""
    if form.is_valid():
        name, scopes = form.cleaned_data["name"], form.cleaned_data["scopes"]
        _token, value = create_token(user=request.user, name=name, expires_at=form.expires_at, scopes=scopes)
        form = TokenForm(user=request.user)
    response = _show_settings(request, ProfileForm(instance=request.user), form, value)
    response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def remove_token(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The token stops working at once."""
    token = get_object_or_404(ApiToken.objects.visible_to(request.user), pk=pk)
    revoke_token(token=token)
    messages.success(request, _("The token “%s” does not work any more.") % token.name)
    return redirect("accounts:settings")


def _used_link(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/setup_gone.html", status=404)


def _show_settings(request: PersonRequest, form: ProfileForm, token_form: TokenForm, value: str = "") -> HttpResponse:
    context = {
        "form": form,
        "token_form": token_form,
        "token_value": value,
        "tokens": ApiToken.objects.visible_to(request.user),
    }
    status = 422 if form.errors or token_form.errors else 200
    return render(request, "accounts/settings.html", context, status=status)
