"""The pages on which people and agents talk."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PersonRequest
from accounts.setup import is_set_up
from agents.models import Agent
from conversations import services
from conversations.attachment_forms import take_uploads
from conversations.composing import Refusal, make_composer, sentences
from conversations.forms import ComposerForm
from conversations.idempotency import KeyReused
from conversations.models import Attachment, Conversation, Generation, Message, SendKey
from conversations.pages import (
    Editing,
    asked_window,
    find_conversation,
    show_conversation,
    show_transcript,
    start_editing,
    status_of,
)
from conversations.parameter_forms import ParametersForm
from conversations.picking import find_row
from conversations.queueing import Sent
from providers.models import Provider


def home(request: HttpRequest) -> HttpResponse:
    """Where everybody arrives: to write when logged in, else to the door."""
    if request.user.is_authenticated:
        return redirect("conversations:new")
    if not is_set_up():
        return render(request, "accounts/not_set_up.html")
    return redirect("account_login")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: PersonRequest) -> HttpResponse:
    """An empty conversation, or with POST its first message."""
    if request.method == "POST":
        return create(request)
    asked = ComposerForm(request.GET, user=request.user)
    asked.is_valid()
    return _show_new(request, asked, wanted=request.GET.get("agent", ""), model=request.GET.get("model", ""))


def create(request: PersonRequest) -> HttpResponse:
    """Start a conversation with its first message."""
    form = ComposerForm(request.POST, user=request.user)
    form.is_valid()
    agent, key = _answerer(request, form), form.cleaned_data.get("key", "")
    attachments = form.cleaned_data["attachments"]
    parameters = ParametersForm(request.POST, answerer=agent)
    try:
        attachments += take_uploads(request)
        own = parameters.own_parameters()
        with transaction.atomic():
            conversation = services.start_conversation(
                user=request.user,
                agent=None if agent is None or agent.is_bare else agent,
                provider=agent.provider if agent else None,
                model=agent.model if agent else "",
                parameters=own,
                folder=form.cleaned_data.get("folder"),
                is_temporary=form.cleaned_data["temporary"],
            )
            services.send_message(
                user=request.user, conversation=conversation, content=form.words, key=key, attachments=attachments
            )
    except KeyReused:
        earlier = get_object_or_404(SendKey, user=request.user, key=key, reply__isnull=False)
        return redirect("conversations:detail", earlier.reply.conversation_id)  # type: ignore[union-attr]
    except Refusal as refusal:
        row = find_row(agent) if agent is not None and agent.is_bare else None
        wanted, model = str(agent.pk) if agent and not row else "", str(row.pk) if row else ""
        pictures = list(Attachment.objects.visible_to(request.user).unsent().filter(pk__in=attachments))
        return _show_new(
            request,
            form,
            wanted=wanted,
            model=model,
            text=form.words,
            errors=sentences(refusal),
            pictures=pictures,
            parameters=parameters,
        )
    return redirect("conversations:detail", conversation.pk)


@login_required
@require_GET
def detail(request: PersonRequest, pk: UUID) -> HttpResponse:
    """One conversation; ``edit`` names a message to be changed, ``before``, ``after`` and ``at`` a place."""
    conversation = find_conversation(request, pk)
    editing = _editing(request, conversation)
    shown = asked_window(conversation, request.GET, near=editing.message if editing else None)
    return show_conversation(request, conversation, editing=editing, shown=shown)


@login_required
@require_GET
def transcript(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Messages of the shown branch, without the page around them; the query names them as in ``asked_window``."""
    conversation = find_conversation(request, pk)
    return show_transcript(request, conversation, asked_window(conversation, request.GET))


@login_required
@require_POST
def send(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Say something; the answer follows over the socket."""
    conversation = find_conversation(request, pk)
    form = ComposerForm(request.POST, user=request.user)
    form.is_valid()
    row = form.cleaned_data.get("model")
    try:
        sent = services.send_message(
            user=request.user,
            conversation=conversation,
            content=form.words,
            agent=form.cleaned_data.get("agent"),
            provider=row.provider if row else None,
            model=row.model_id if row else "",
            key=form.cleaned_data.get("key", ""),
            attachments=[*form.cleaned_data["attachments"], *take_uploads(request, conversation)],
        )
    except Refusal as refusal:
        return _refuse(request, conversation, form.words, refusal)
    if not request.htmx:
        return redirect("conversations:detail", pk)
    _attach(sent)
    composer = make_composer(request.user, conversation=conversation, is_running=True)
    context = {"conversation": conversation, "branch": [sent.message, sent.reply], "composer": composer}
    return render(request, "conversations/_sent.html", context)


@login_required
@require_POST
def stop(request: PersonRequest, pk: UUID) -> HttpResponse:
    """End the answer that is being written; its text stays."""
    conversation = find_conversation(request, pk)
    for generation in Generation.objects.filter(conversation=conversation).active():
        services.request_stop(generation=generation)
    return HttpResponse(status=204) if request.htmx else redirect("conversations:detail", pk)


def _editing(request: PersonRequest, conversation: Conversation) -> Editing | None:
    """The form for the message that the address names, if it is one's own of this conversation."""
    try:
        pk = UUID(request.GET.get("edit", ""))
    except ValueError:
        return None
    message = Message.objects.filter(pk=pk, conversation=conversation, role=Message.Role.USER).first()
    return start_editing(message) if message else None


def _answerer(request: PersonRequest, form: ComposerForm) -> Agent | None:
    """The agent that was picked, or the model that answers alone, else the first that can."""
    row = form.cleaned_data.get("model")
    chosen = Agent.bare(request.user, row.provider, row.model_id) if row else None
    return form.cleaned_data.get("agent") or chosen or make_composer(request.user).agent


def _show_new(
    request: PersonRequest,
    asked: ComposerForm,
    *,
    wanted: str,
    model: str = "",
    text: str = "",
    errors: list[str] | None = None,
    pictures: list[Attachment] | None = None,
    parameters: ParametersForm | None = None,
) -> HttpResponse:
    """The page of a conversation that is about to begin, in the folder and of the kind that was asked for."""
    folder, is_temporary = asked.cleaned_data.get("folder"), asked.cleaned_data["temporary"]
    if request.method != "POST" and "temporary" not in asked.data and folder is None:
        is_temporary = request.user.temporary_by_default
    composer = make_composer(
        request.user,
        wanted=wanted,
        wanted_model=model,
        text=text,
        errors=errors,
        folder=folder,
        is_temporary=is_temporary,
        pictures=pictures,
        parameters=parameters,
    )
    context = {
        "composer": composer,
        "has_provider": composer.agent is not None or Provider.objects.visible_to(request.user).active().exists(),
    }
    return render(request, "conversations/new.html", context, status=422 if errors else 200)


def _refuse(request: PersonRequest, conversation: Conversation, text: str, refusal: BaseException) -> HttpResponse:
    """The words stay in the composer, with the reason beside them."""
    errors, status = sentences(refusal), status_of(refusal)
    if not request.htmx:
        return show_conversation(request, conversation, text=text, errors=errors, status=status)
    is_running = Generation.objects.filter(conversation=conversation).active().exists()
    composer = make_composer(request.user, conversation=conversation, text=text, errors=errors, is_running=is_running)
    context = {"conversation": conversation, "composer": composer}
    response = render(request, "conversations/_composer.html", context, status=status)
    response["HX-Retarget"], response["HX-Reswap"] = "#composer", "outerHTML"
    return response


def _attach(sent: Sent) -> None:
    """Give fresh messages what those of a loaded branch have."""
    sent.message.run, sent.message.sibling_ids = None, [sent.message.pk]
    sent.reply.run, sent.reply.sibling_ids = sent.generation, [sent.reply.pk]
