"""What is done to one message: edit, answer again, go on, choose a version, fork, delete, read the receipt."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.requests import PersonRequest
from conversations import branching, services
from conversations.attachment_forms import take_uploads
from conversations.branch import all_below
from conversations.composing import Refusal, sentences
from conversations.forms import EditForm, RegenerateForm, ready_agents
from conversations.models import Message
from conversations.pages import (
    Editing,
    asked_window,
    find_conversation,
    find_message,
    refuse,
    show_conversation,
    show_transcript,
    start_editing,
    status_of,
)
from conversations.window import is_among_the_latest
from providers.models import ProviderModel

MODELS_OFFERED = 8  # the rest is chosen in the agent


@login_required
@require_GET
def message(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """What the transcript shows around the text of an answer, for a page that has the text already."""
    conversation = find_conversation(request, pk)
    found = find_message(request, conversation, message_pk)
    context = {"conversation": conversation, "message": found, "without_text": True}
    return render(request, "conversations/_message.html", context)


@login_required
@require_GET
def source(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """The words of a message as they were written, Markdown and all, to be copied."""
    found = find_message(request, find_conversation(request, pk), message_pk)
    return HttpResponse(found.content, content_type="text/plain; charset=utf-8")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """The form in place of one's own words; with POST a new version of them and a new answer."""
    conversation = find_conversation(request, pk)
    shown = find_message(request, conversation, message_pk)
    if shown.role != Message.Role.USER:
        raise Http404
    if request.method != "POST":
        context = {"conversation": conversation, "message": shown, "editing": start_editing(shown)}
        return render(request, "conversations/_edit.html", context)
    form = EditForm(request.POST)
    form.is_valid()
    content, key = form.cleaned_data.get("content", ""), form.cleaned_data.get("key", "")
    attachments = form.cleaned_data["attachments"]
    try:
        attachments += take_uploads(request)
        services.edit_message(user=request.user, message=shown, content=content, key=key, attachments=attachments)
    except Refusal as refusal:
        editing = Editing(shown.pk, content, tuple(sentences(refusal)), key, tuple(attachments))
        if not request.htmx:
            return show_conversation(request, conversation, editing=editing, status=status_of(refusal))
        context = {"conversation": conversation, "message": shown, "editing": editing}
        response = render(request, "conversations/_edit.html", context, status=status_of(refusal))
        response["HX-Retarget"], response["HX-Reswap"] = f"#edit-{shown.pk}", "outerHTML"
        return response
    return _changed(request, pk)


@login_required
@require_GET
def again(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """The menu of those who could answer instead."""
    conversation = find_conversation(request, pk)
    answer = find_message(request, conversation, message_pk)
    agent = answer.agent or conversation.answerer
    agents, models = ready_agents(request.user), ProviderModel.objects.none()
    if agent is not None:
        offered = ProviderModel.objects.visible_to(request.user).offered().filter(provider=agent.provider)
        agents, models = agents.exclude(pk=agent.pk), offered.exclude(model_id=agent.model)[:MODELS_OFFERED]
    context = {"conversation": conversation, "message": answer, "agent": agent, "agents": agents, "models": models}
    return render(request, "conversations/_again.html", context)


@login_required
@require_POST
def regenerate(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """Another answer to the same words, by another agent or model if one was chosen."""
    conversation = find_conversation(request, pk)
    answer = find_message(request, conversation, message_pk)
    form = RegenerateForm(request.POST, user=request.user)
    if not form.is_valid():
        return refuse(
            request, conversation, ValidationError([text for texts in form.errors.values() for text in texts])
        )
    chosen = form.cleaned_data["model"]
    try:
        services.regenerate(
            user=request.user,
            message=answer,
            agent=form.cleaned_data["agent"],
            provider=chosen.provider if chosen else None,
            model=chosen.model_id if chosen else "",
        )
    except Refusal as refusal:
        return refuse(request, conversation, refusal)
    return _changed(request, pk)


@login_required
@require_POST
def go_on(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """Let an answer that was cut off go on from the text it has."""
    conversation = find_conversation(request, pk)
    answer = find_message(request, conversation, message_pk)
    if answer.run is None:
        raise Http404
    try:
        services.continue_generation(user=request.user, generation=answer.run)
    except Refusal as refusal:
        return refuse(request, conversation, refusal)
    return _changed(request, pk)


@login_required
@require_POST
def select(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """Show this version, and what came after it."""
    conversation = find_conversation(request, pk)
    branching.select_version(message=find_message(request, conversation, message_pk))
    return _changed(request, pk, near=message_pk)


@login_required
@require_POST
def fork(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """A new conversation from the messages up to this one."""
    conversation = find_conversation(request, pk)
    last = find_message(request, conversation, message_pk)
    copy = branching.fork_conversation(user=request.user, conversation=conversation, message=last)
    return redirect("conversations:detail", copy.pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """What would go along with a message; with POST delete it and all of that."""
    conversation = find_conversation(request, pk)
    doomed = find_message(request, conversation, message_pk)
    if request.method == "POST":
        branching.delete_message(message=doomed)
        return _changed(request, pk, near=doomed.parent_id)
    template = "conversations/_delete_message.html" if request.htmx else "conversations/delete_message.html"
    context = {"conversation": conversation, "message": doomed, "further": len(all_below(doomed)) - 1}
    return render(request, template, context)


@login_required
@require_GET
def receipt(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """What was asked of whom for an answer, how long it took and what it cost."""
    conversation = find_conversation(request, pk)
    answer = find_message(request, conversation, message_pk)
    if answer.run is None:
        raise Http404
    template = "conversations/_receipt.html" if request.htmx else "conversations/receipt.html"
    return render(request, template, {"conversation": conversation, "message": answer, "run": answer.run})


def _changed(request: PersonRequest, pk: UUID, near: UUID | None = None) -> HttpResponse:
    """The branch that is shown now: from the first message that the page showed, or around ``near``."""
    conversation = find_conversation(request, pk)
    if request.htmx:
        return show_transcript(request, conversation, asked_window(conversation, request.POST, near=near))
    response = redirect("conversations:detail", pk)
    if near and not is_among_the_latest(conversation, near):
        response["Location"] += f"?at={near}#message-{near}"
    return response
