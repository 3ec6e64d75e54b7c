"""Setting up the first account."""

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import SetupForm
from accounts.services import AlreadySetUp, create_first_administrator
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
    return redirect("/providers/new/?welcome")


def _used_link(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/setup_gone.html", status=404)
