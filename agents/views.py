"""The pages of the agents."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import replace_url

from accounts.models import User
from accounts.requests import PersonRequest
from agents.forms import AgentForm, with_kept_values
from agents.gallery import FIRST, gallery_for
from agents.lookup import find_agent
from agents.models import Agent
from agents.services import delete_agent, test_agent
from agents.validation import FALLBACKS
from providers.discovery import list_user_models
from providers.models import ProviderModel
from providers.sentences import in_readers_language

FALLBACK_ROWS = {f"fallback-{number}" for number in range(1, FALLBACKS + 1)}


@login_required
@require_GET
def index(request: PersonRequest) -> HttpResponse:
    """The agents that the person may use: searched, and one shelf of them, under an address that can be kept."""
    words, show = request.GET.get("filter", "").strip()[:200], request.GET.get("show", "")
    gallery = gallery_for(request.user, words=words, show=show)
    if request.htmx:
        query = {"filter": words} if words else {}
        query |= {"show": gallery.show} if gallery.show != FIRST else {}
        address = f"{reverse('agents:list')}?{urlencode(query)}" if query else reverse("agents:list")
        return replace_url(render(request, "agents/_gallery.html", {"gallery": gallery}), address)
    return render(request, "agents/list.html", {"gallery": gallery})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """Add an agent."""
    form = AgentForm(request.POST if request.method == "POST" else None, user=request.user)
    if form.is_bound and form.is_valid() and (agent := form.store()):
        messages.success(request, _("%s is saved and ready to talk.") % agent.name)
        return redirect("agents:edit", agent.pk)
    return _show(request, form)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Change an agent."""
    agent = find_agent(request.user, pk)
    form = AgentForm(request.POST if request.method == "POST" else None, user=request.user, agent=agent)
    if form.is_bound and form.is_valid() and (saved := form.store()):
        messages.success(request, _("%s is saved.") % saved.name)
        return redirect("agents:edit", saved.pk)
    return _show(request, form, agent)


@login_required
@require_GET
def models(request: PersonRequest) -> HttpResponse:
    """The models of the provider that was chosen, for the list beside the field; ``list`` names a fallback's row."""
    row = request.GET.get("list", "")
    is_fallback = row in FALLBACK_ROWS
    provider = request.GET.get(f"{row}-provider" if is_fallback else "provider", "")
    context = {"models": _models(request.user, provider), "list": row if is_fallback else ""}
    return render(request, "agents/_models.html", context)


@login_required
@require_POST
def parameters(request: PersonRequest) -> HttpResponse:
    """The fields of the parameters for the model that was chosen, with what is in them."""
    form = AgentForm(with_kept_values(request.POST), user=request.user)
    return render(request, "agents/_parameters.html", {"form": form, "longest": _longest(form)})


@login_required
@require_POST
def test(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Ask for one word and show what came."""
    result = test_agent(agent=find_agent(request.user, pk))
    if request.htmx:
        return render(request, "_test_result.html", {"result": result})
    messages.add_message(
        request,
        messages.SUCCESS if result.ok else messages.ERROR,
        in_readers_language(f"{result.message} {result.hint}".strip()),
    )
    return redirect("agents:edit", pk)


@login_required
@require_POST
def delete(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Remove an agent, once its name was typed."""
    agent = find_agent(request.user, pk)
    if request.POST.get("confirm", "").strip() != agent.name:
        form = AgentForm(user=request.user, agent=agent)
        return _show(request, form, agent, _("Type exactly “%s” to delete it.") % agent.name)
    delete_agent(agent=agent)
    messages.success(request, _("%s was deleted.") % agent.name)
    return redirect("agents:list")


def _models(user: User, provider: str) -> list[ProviderModel]:
    try:
        pk = UUID(provider)
    except ValueError:
        return []
    return list(list_user_models(user).filter(provider=pk))


def _longest(form: AgentForm) -> int | None:
    """The longest answer of the chosen model, if it is one that the person may use."""
    chosen = _models(form.user, str(form["provider"].value() or ""))
    return next((row.max_output_tokens for row in chosen if row.model_id == form["model"].value()), None)


def _show(request: PersonRequest, form: AgentForm, agent: Agent | None = None, problem: str = "") -> HttpResponse:
    context = {
        "form": form,
        "agent": agent,
        "models": _models(request.user, str(form["provider"].value() or "")),
        "longest": _longest(form),
        "delete_problem": problem,
    }
    is_refused = bool(problem) or (form.is_bound and not form.is_valid())
    return render(request, "agents/form.html", context, status=422 if is_refused else 200)
