"""The pages of the providers."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PersonRequest
from providers import generation
from providers.catalogue_views import seen_at, shown_catalogue
from providers.forms import KeyForm, ProviderForm
from providers.keys import list_keys
from providers.lookup import find_provider
from providers.models import Provider
from providers.practice.faults import DESCRIPTIONS
from providers.services import delete_provider


@login_required
@require_GET
def index(request: PersonRequest) -> HttpResponse:
    """Every provider that the person may use."""
    context = {
        "providers": Provider.objects.visible_to(request.user),
        "editable": set(Provider.objects.editable_by(request.user).values_list("pk", flat=True)),
    }
    return render(request, "providers/list.html", context)


@sensitive_post_parameters("api_key", "headers")
@sensitive_variables("form")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """Add a provider."""
    form = ProviderForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_bound and form.is_valid() and (provider := form.save()):
        messages.success(request, _("%s is saved. Test it to see whether it answers.") % provider.name)
        return redirect("providers:edit", provider.pk)
    return render(request, "providers/form.html", {"form": form}, status=422 if form.errors else 200)


@sensitive_post_parameters("api_key", "headers")
@sensitive_variables("form")
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Change a provider."""
    provider = find_provider(request.user, pk)
    posted = request.POST if request.method == "POST" else None
    form = ProviderForm(posted, user=request.user, provider=provider)
    if form.is_bound and form.is_valid() and (saved := form.save()):
        messages.success(request, _("%s is saved.") % saved.name)
        return redirect("providers:edit", saved.pk)
    return show_provider(request, provider, form)


@login_required
@require_POST
def test(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Ask for one word and show what came."""
    provider = find_provider(request.user, pk)
    result = generation.test_provider(provider=provider)
    if request.htmx:
        return render(request, "_test_result.html", {"result": result})
    if result.ok:
        figures = {"model": result.model, "ms": result.latency_ms}
        messages.success(request, _("%(model)s answered in %(ms)s ms.") % figures)
    else:
        messages.error(request, f"{result.message} {result.hint}")
    return redirect("providers:edit", pk)


@login_required
@require_POST
def delete(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Remove a provider, once its name was typed."""
    provider = find_provider(request.user, pk)
    if request.POST.get("confirm", "").strip() != provider.name:
        form = ProviderForm(user=request.user, provider=provider)
        return show_provider(request, provider, form, _("Type exactly “%s” to delete it.") % provider.name)
    delete_provider(provider=provider)
    messages.success(request, _("%s was deleted.") % provider.name)
    return redirect("providers:list")


def show_provider(
    request: PersonRequest,
    provider: Provider,
    form: ProviderForm,
    problem: str = "",
    key_form: KeyForm | None = None,
) -> HttpResponse:
    """The page of one provider, with whatever is wrong in one of its forms."""
    catalogue = shown_catalogue(request, provider)
    context = {
        "form": form,
        "provider": provider,
        "catalogue": catalogue,
        "is_fetching": catalogue.is_fetching,
        "seen": seen_at(provider),
        "delete_problem": problem,
        "keys": list_keys(provider),
        "key_form": key_form or KeyForm(),
    }
    if provider.is_practice:
        # A shared agent answers whoever presses the button.
        guide = provider.agents.filter(owner=None, is_active=True).first()
        context |= {"faults": list(DESCRIPTIONS.items()), "guide": guide}
    is_refused = bool(form.errors or problem or (key_form and key_form.errors))
    return render(request, "providers/form.html", context, status=422 if is_refused else 200)
