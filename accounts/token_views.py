"""API tokens, as a page."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import TokenForm
from accounts.models import ApiToken
from accounts.requests import PersonRequest
from accounts.services import create_token, revoke_token


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: PersonRequest) -> HttpResponse:
    """One's tokens; with POST a new one, whose value is shown this once."""
    form, value = TokenForm(request.POST or None, user=request.user), ""
    if form.is_bound and form.is_valid():
        name, scopes = form.cleaned_data["name"], form.cleaned_data["scopes"]
        _token, value = create_token(user=request.user, name=name, expires_at=form.expires_at, scopes=scopes)
        form = TokenForm(user=request.user)
    context = {"form": form, "value": value, "tokens": ApiToken.objects.visible_to(request.user)}
    response = render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)
    if value:
        response["Cache-Control"] = "no-store"
    return response


@login_required
@require_POST
def remove_token(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The token stops working at once."""
    token = get_object_or_404(ApiToken.objects.visible_to(request.user), pk=pk)
    revoke_token(token=token)
    messages.success(request, _("The token “%s” does not work any more.") % token.name)
    return redirect("accounts:tokens")
