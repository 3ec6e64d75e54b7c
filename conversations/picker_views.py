"""Choosing who answers, and with which parameters."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts.requests import PersonRequest
from agents.models import Agent
from conversations.choosing import choose_answerer
from conversations.composing import make_composer
from conversations.forms import ChoiceForm
from conversations.gauge import read_gauge
from conversations.models import Conversation
from conversations.pages import find_conversation, refuse
from conversations.parameter_forms import ParametersForm
from conversations.picking import read_picker

LAST_START = 100_000


@login_required
@require_GET
def offer(request: PersonRequest) -> HttpResponse:
    """Who could answer in a conversation that is about to begin."""
    wanted, model = request.GET.get("agent", ""), request.GET.get("model", "")
    composer = make_composer(request.user, wanted=wanted, wanted_model=model)
    place = {name: request.GET[name] for name in ("folder", "temporary") if request.GET.get(name)}
    return _show(request, composer.agent, {"place_fields": place})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def picker(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Who could answer here; with POST who does from the next message on."""
    conversation = find_conversation(request, pk)
    if request.method != "POST":
        return _show(request, conversation.answerer, {"conversation": conversation})
    form = ChoiceForm(request.POST, user=request.user)
    if not form.is_valid():
        return refuse(request, conversation, ValidationError([text for one in form.errors.values() for text in one]))
    agent, row = form.cleaned_data["agent"], form.cleaned_data["model"]
    if agent is not None:
        choose_answerer(conversation=conversation, agent=agent)
    elif row is not None:
        choose_answerer(conversation=conversation, provider=row.provider, model=row.model_id)
    if not request.htmx:
        return redirect("conversations:detail", pk)
    return _show_choice(request, find_conversation(request, pk))


@login_required
@require_POST
def parameters(request: PersonRequest, pk: UUID) -> HttpResponse:
    """What this conversation has of its own from the next answer on."""
    conversation = find_conversation(request, pk)
    form = ParametersForm(request.POST, answerer=conversation.answerer, conversation=conversation)
    is_saved = form.save()
    if not request.htmx:
        if is_saved:
            messages.success(request, _("The parameters of this conversation were saved."))
        else:
            messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
        return redirect("conversations:detail", pk)
    composer = make_composer(request.user, conversation=conversation)
    context = {"conversation": conversation, "composer": composer, "form": form if not is_saved else composer.form}
    response = render(request, "conversations/_parameters_saved.html", context, status=200 if is_saved else 422)
    return trigger_client_event(response, "wiz:parameters", after="settle") if is_saved else response


@login_required
@require_GET
def gauge(request: PersonRequest, pk: UUID) -> HttpResponse:
    """How full the model's context is."""
    conversation = find_conversation(request, pk)
    context = {"conversation": conversation, "gauge": read_gauge(conversation)}
    return render(request, "conversations/_gauge.html", context)


def _show(request: PersonRequest, current: Agent | None, context: dict[str, object]) -> HttpResponse:
    """The list, or a further part of it; without htmx on a page of its own."""
    start = request.GET.get("start", "")
    first = min(int(start), LAST_START) if start.isascii() and start.isdigit() and len(start) < 9 else 0
    found = read_picker(request.user, current, words=request.GET.get("q", "")[:200], start=first)
    template = "conversations/_picker_list.html" if request.htmx else "conversations/picker.html"
    return render(request, template, {**context, "picker": found, "is_first": not first})


def _show_choice(request: PersonRequest, conversation: Conversation) -> HttpResponse:
    """The button with the new name, and whatever else on the page depends on it."""
    composer = make_composer(request.user, conversation=conversation)
    context = {"conversation": conversation, "composer": composer, "gauge": read_gauge(conversation)}
    return render(request, "conversations/_chosen.html", context)
