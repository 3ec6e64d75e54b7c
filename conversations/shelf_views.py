"""What is done to a conversation as a whole: rename, pin, archive, move, delete, restore.

With htmx the answer is the row of the rail, or the rail; without, the page that shows what was done.
"""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from accounts.requests import PersonRequest
from conversations import services, shelf
from conversations.folder_forms import OrganiseForm
from conversations.models import Conversation
from conversations.pages import find_conversation
from conversations.rail_views import is_shown, show_rail, undo_notice


@login_required
@require_GET
def menu(request: PersonRequest, pk: UUID) -> HttpResponse:
    """What can be done to a conversation of the rail."""
    return render(request, "conversations/_row_menu.html", {"row": find_conversation(request, pk)})


@login_required
@require_GET
def row(request: PersonRequest, pk: UUID) -> HttpResponse:
    """A conversation as the rail shows it."""
    return _show_row(request, find_conversation(request, pk))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The form for another title, in place; with POST the new title."""
    conversation = find_conversation(request, pk)
    place = "head" if request.GET.get("place") == "head" else "rail"
    if request.method != "POST":
        return _show_rename(request, conversation, place)
    try:
        services.rename_conversation(conversation=conversation, title=request.POST.get("title", ""))
    except ValidationError as error:
        return _show_rename(request, conversation, place, problem=" ".join(error.messages))
    if not request.htmx:
        return redirect("conversations:detail", pk)
    conversation.refresh_from_db()
    shown = _show_row(request, conversation) if place == "rail" else _show_title(request, conversation)
    return trigger_client_event(shown, "wiz:renamed", {"id": str(pk), "title": conversation.title})


@login_required
@require_GET
def title(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The title as the head of the page shows it."""
    return _show_title(request, find_conversation(request, pk))


@login_required
@require_POST
def pin(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Keep it at the top of the rail, or let it go again."""
    conversation = find_conversation(request, pk)
    Conversation.objects.filter(pk=pk).update(is_pinned=not conversation.is_pinned)
    return show_rail(request) if request.htmx else redirect("conversations:detail", pk)


@login_required
@require_POST
def archive(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Take it out of the rail, or put it back; search finds it either way."""
    conversation = find_conversation(request, pk)
    Conversation.objects.filter(pk=pk).update(is_archived=not conversation.is_archived)
    if conversation.is_archived:
        return show_rail(request) if request.htmx else redirect("conversations:detail", pk)
    return _taken_away(request, pk, _("Archived. Search still finds it."), reverse("conversations:archive", args=[pk]))


@login_required
@require_POST
def delete(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Into the trash, with a way back; a temporary one for good."""
    conversation = find_conversation(request, pk)
    shelf.trash_conversation(conversation=conversation)
    if conversation.is_temporary:
        messages.success(request, _("The temporary conversation is gone."))
        return redirect("conversations:new")
    named = _("“%(title)s” is in the trash for 30 days.") % {"title": conversation.title or _("New conversation")}
    return _taken_away(request, pk, named, reverse("conversations:restore", args=[pk]))


@login_required
@require_POST
def restore(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Back from the trash."""
    conversation = get_object_or_404(Conversation.objects.trashed_by(request.user), pk=pk)
    shelf.restore_conversation(conversation=conversation)
    return show_rail(request) if request.htmx else redirect("conversations:detail", pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def organise(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Its folder and its tags."""
    conversation = find_conversation(request, pk)
    form = OrganiseForm(request.POST or None, conversation=conversation)
    if request.method == "POST" and form.save():
        return _show_organised(request, conversation) if request.htmx else redirect("conversations:detail", pk)
    template = "conversations/_organise.html" if request.htmx else "conversations/organise.html"
    context = {"form": form, "conversation": conversation}
    response = render(request, template, context, status=422 if request.method == "POST" else 200)
    if request.method == "POST" and request.htmx:
        response["HX-Retarget"], response["HX-Reswap"] = "#organise", "innerHTML"
    return response


@login_required
@require_POST
def leave(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The page of a temporary conversation was left: it ends. Others do not hear of it."""
    conversation = find_conversation(request, pk)
    if conversation.is_temporary:
        services.delete_conversation(conversation=conversation)
    return HttpResponse(status=204)


@login_required
@require_POST
def draft(request: PersonRequest, pk: UUID) -> HttpResponse:
    """Remember what is in the composer."""
    conversation = find_conversation(request, pk)
    try:
        shelf.keep_draft(conversation=conversation, text=request.POST.get("content", ""))
    except ValidationError:
        return HttpResponse(status=422)
    return HttpResponse(status=204)


def _taken_away(request: PersonRequest, pk: UUID, text: str, undo: str) -> HttpResponse:
    """The row goes and a notice offers the way back; whoever looks at the conversation is led away from it."""
    if request.htmx and not is_shown(request, pk):
        return render(request, "conversations/_toast.html", {"text": text, "undo": undo})
    messages.success(request, undo_notice(text, undo))
    target = reverse("conversations:new")
    return HttpResponseClientRedirect(target) if request.htmx else redirect(target)


def _show_organised(request: PersonRequest, conversation: Conversation) -> HttpResponse:
    """The rail, and the head of the page if the conversation is on it."""
    response = show_rail(request)
    if is_shown(request, conversation.pk):
        context = {"conversation": conversation, "is_oob": True}
        response.write(render_to_string("conversations/_title.html", context, request))
    return response


def _show_row(request: PersonRequest, conversation: Conversation) -> HttpResponse:
    current = conversation.pk if is_shown(request, conversation.pk) else None
    return render(request, "conversations/_row.html", {"row": conversation, "current": current})


def _show_title(request: PersonRequest, conversation: Conversation) -> HttpResponse:
    return render(request, "conversations/_title.html", {"conversation": conversation})


def _show_rename(request: PersonRequest, conversation: Conversation, place: str, *, problem: str = "") -> HttpResponse:
    template = "conversations/_rename.html" if request.htmx else "conversations/rename.html"
    context = {"conversation": conversation, "place": place, "problem": problem}
    response = render(request, template, context, status=422 if problem else 200)
    if problem and request.htmx:
        response["HX-Reswap"] = "innerHTML"
    return response
