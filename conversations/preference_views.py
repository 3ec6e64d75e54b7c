"""How new conversations begin: a page of the settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.requests import PersonRequest
from accounts.services import change_preferences
from conversations.forms import DefaultsForm


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def defaults(request: PersonRequest) -> HttpResponse:
    """With whom new conversations are, and whether they are kept."""
    user = request.user
    initial = {"agent": user.default_agent, "temporary": user.temporary_by_default}
    form = DefaultsForm(request.POST or None, user=user, initial=initial)
    if form.is_bound and form.is_valid():
        agent = form.cleaned_data["agent"]
        change_preferences(
            user=user, default_agent=agent.pk if agent else None, temporary_by_default=form.cleaned_data["temporary"]
        )
        messages.success(request, _("Your settings are saved."))
        return redirect("conversations:defaults")
    return render(request, "conversations/defaults.html", {"form": form}, status=422 if form.errors else 200)
