"""The part of a provider's page that is about its further keys."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST

from accounts.requests import PersonRequest
from providers.forms import KeyForm, ProviderForm
from providers.keys import remove_key
from providers.lookup import find_key, find_provider
from providers.views import show_provider


@sensitive_post_parameters("further-api_key")
@sensitive_variables("form")
@login_required
@require_POST
def add(request: PersonRequest, pk: UUID) -> HttpResponse:
    """One more key."""
    provider = find_provider(request.user, pk)
    form = KeyForm(request.POST)
    if form.is_valid() and form.save(provider):
        messages.success(request, _("The key is stored and shares the calls from now on."))
        return redirect("providers:edit", pk)
    return show_provider(request, provider, ProviderForm(user=request.user, provider=provider), key_form=form)


@login_required
@require_POST
def remove(request: PersonRequest, pk: UUID, key_pk: UUID) -> HttpResponse:
    """Destroy a key, once its name was typed."""
    key = find_key(request.user, pk, key_pk)
    if request.POST.get("confirm", "").strip() != key.name:
        messages.error(request, _("Nothing was destroyed: what you typed is not the name of the key."))
        return redirect("providers:edit", pk)
    remove_key(key=key)
    messages.success(request, _("The key %s was destroyed.") % key.name)
    return redirect("providers:edit", pk)
