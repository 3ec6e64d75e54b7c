"""The models' section of a provider's page: filtered, fetched again, and rows hidden, each without a new page."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import replace_url, reswap, retarget

from accounts.requests import PersonRequest
from providers import claims, discovery
from providers.catalogue_page import Catalogue, catalogue_of, line_of
from providers.lookup import find_provider
from providers.models import Provider, ProviderModel

POLLS: Final = 45  # one a second; a list takes ten at most, the rest is for the queue
AWAY: Final = "The task queue is away, so nothing was fetched. Try again in a moment, or ask an administrator."


@login_required
@require_GET
def models(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The section alone, filtered; the browser's address becomes the one of the page that shows the same."""
    provider = find_provider(request.user, pk)
    catalogue = shown_catalogue(request, provider)
    if not request.htmx:
        return redirect(_page(provider, catalogue))
    return replace_url(_section(request, provider, catalogue), _page(provider, catalogue))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def refresh(request: PersonRequest, pk: UUID) -> HttpResponse:
    """With POST ask a worker to fetch the list again; with GET say whether it has come."""
    provider = find_provider(request.user, pk)
    if request.method != "POST":
        return _progress(request, provider) if request.htmx else redirect("providers:edit", pk)
    problem = _ask(provider)
    if request.htmx:
        catalogue = shown_catalogue(request, provider)
        return _section(request, provider, catalogue, problem=problem, is_fetching=not problem)
    if problem:
        messages.error(request, problem)
    else:
        messages.success(request, _("The models are being fetched. Look again in a moment."))
    return redirect("providers:edit", pk)


@login_required
@require_POST
def hide(request: PersonRequest, pk: UUID, model_pk: int) -> HttpResponse:
    """Offer a model no longer, or again."""
    provider = find_provider(request.user, pk)
    row = get_object_or_404(ProviderModel.objects.filter(provider=provider), pk=model_pk)
    discovery.hide_model(row=row, is_hidden=request.POST.get("hidden") == "1")
    if not request.htmx:
        return redirect(f"{reverse('providers:edit', args=[pk])}#models")
    catalogue = shown_catalogue(request, provider)
    line = line_of(row, catalogue.concerned.get(row.model_id))
    context = {"provider": provider, "line": line, "catalogue": catalogue}
    return render(request, "providers/_model_changed.html", context)


def shown_catalogue(request: PersonRequest, provider: Provider) -> Catalogue:
    """The section as the address asks for it."""
    asked = request.GET
    return catalogue_of(provider, request.user, words=asked.get("filter", "").strip()[:200], show=asked.get("show", ""))


def seen_at(provider: Provider) -> str:
    """When the list was last looked at, as text: another value means that a fetch has ended."""
    return provider.models_checked_at.isoformat() if provider.models_checked_at else ""


def _ask(provider: Provider) -> str:
    """What keeps the list from being fetched; empty when a worker was asked."""
    if not provider.is_active:
        return _("%s is switched off, so its models are not fetched.") % provider.name
    return "" if discovery.request_refresh(provider=provider) else _(AWAY)


def _progress(request: PersonRequest, provider: Provider) -> HttpResponse:
    """The same line with the next question in it, or at the end the whole section."""
    seen, number = request.GET.get("seen", ""), request.GET.get("n", "")
    polls = int(number) if number.isdecimal() and len(number) < 4 else POLLS
    if not claims.is_taken(provider) and seen_at(provider) != seen:
        section = _section(request, provider, catalogue_of(provider, request.user), is_fetching=False)
        return reswap(retarget(section, "#models"), "innerHTML")
    context = {"provider": provider, "seen": seen, "n": polls + 1, "is_over": polls >= POLLS}
    return render(request, "providers/_fetching.html", context)


def _section(
    request: PersonRequest,
    provider: Provider,
    catalogue: Catalogue,
    *,
    problem: str = "",
    is_fetching: bool | None = None,
) -> HttpResponse:
    context = {
        "provider": provider,
        "catalogue": catalogue,
        "seen": seen_at(provider),
        "problem": problem,
        "is_fetching": catalogue.is_fetching if is_fetching is None else is_fetching,
    }
    return render(request, "providers/_models.html", context)


def _page(provider: Provider, catalogue: Catalogue) -> str:
    query = QueryDict(mutable=True)
    if catalogue.words:
        query["filter"] = catalogue.words
    if len(catalogue.shelves) and not catalogue.shelves[0].is_current:
        query["show"] = catalogue.show
    page = reverse("providers:edit", args=[provider.pk])
    return f"{page}?{query.urlencode()}" if query else page
