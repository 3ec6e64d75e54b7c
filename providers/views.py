"""The pages of the providers."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PersonRequest
from providers import generation
from providers.catalogue_views import seen_at, shown_catalogue
from providers.checking import REFUSALS, check_provider
from providers.discovery import list_models
from providers.forms import KeyForm, ProviderForm
from providers.keys import list_keys
from providers.local_servers import find_local_servers
from providers.lookup import find_provider
from providers.models import Provider
from providers.practice.faults import DESCRIPTIONS
from providers.sentences import in_readers_language
from providers.services import delete_provider
from providers.vendors import COMPATIBLE_VENDORS


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
        _tell(request, provider, form)
        return redirect("providers:edit", provider.pk)
    context = {
        "form": form,
        "vendors": COMPATIBLE_VENDORS,
        "is_welcome": "welcome" in request.GET,
        "has_practice": any(provider.is_practice for provider in Provider.objects.visible_to(request.user)),
    }
    return render(request, "providers/form.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def local(request: PersonRequest) -> HttpResponse:
    """The model servers that run on this machine, to be added with one press."""
    known = set(Provider.objects.visible_to(request.user).values_list("base_url", flat=True))
    servers = [server for server in find_local_servers() if server.base_url not in known]
    template = "providers/_local.html" if request.htmx else "providers/local.html"
    return render(request, template, {"servers": servers})


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
        _tell(request, saved, form)
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
        messages.error(request, in_readers_language(f"{result.message} {result.hint}"))
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


def _tell(request: PersonRequest, provider: Provider, form: ProviderForm) -> None:
    """That it is saved and, when that may have changed, whether it answers."""
    checked = check_provider(provider=provider) if form.changes_connection else None
    names = {"name": provider.name}
    if checked is None or not provider.is_active:
        messages.success(request, _("%(name)s is saved.") % names)
    elif checked.problem:
        messages.error(
            request,
            _("%(name)s is saved, but does not answer yet.") % names + f" {in_readers_language(checked.problem)}",
        )
    else:
        found = ngettext(
            "%(name)s answers and offers %(count)d model.",
            "%(name)s answers and offers %(count)d models.",
            checked.models,
        )
        messages.success(request, found % {**names, "count": checked.models})


def show_provider(
    request: PersonRequest,
    provider: Provider,
    form: ProviderForm,
    problem: str = "",
    key_form: KeyForm | None = None,
) -> HttpResponse:
    """The page of one provider, with whatever is wrong in one of its forms."""
    catalogue = shown_catalogue(request, provider)
    is_refused_key = provider.health_code in REFUSALS and not form.is_bound
    context = {
        "form": form,
        "provider": provider,
        "catalogue": catalogue,
        "is_fetching": catalogue.is_fetching,
        "seen": seen_at(provider),
        "delete_problem": problem,
        "keys": list_keys(provider),
        "key_form": key_form or KeyForm(),
        "vendors": COMPATIBLE_VENDORS,
        "key_problem": in_readers_language(provider.health_message) if is_refused_key else "",
        "choices": list_models(provider).offered(),
    }
    if provider.is_practice:
        # A shared agent answers whoever presses the button.
        guide = provider.agents.filter(owner=None, is_active=True).first()
        context |= {"faults": list(DESCRIPTIONS.items()), "guide": guide}
    is_refused = bool(form.errors or problem or (key_form and key_form.errors))
    return render(request, "providers/form.html", context, status=422 if is_refused else 200)
