"""The rail, and the pages of what it does not list: the archive and the trash."""

from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.requests import PersonRequest
from conversations import branching, shelf
from conversations.branch import is_on_active_branch
from conversations.models import Conversation
from conversations.pages import find_conversation, find_message
from conversations.palette import read_palette
from conversations.rail import after, next_place, read_place, read_rail
from conversations.window import is_among_the_latest

SHELF_PAGE = 50  # rows of the archive and of the trash


@login_required
@require_GET
def rail(request: PersonRequest) -> HttpResponse:
    """The list of the rail: its first page, a later one, or what a search finds."""
    return show_rail(request, before=request.GET.get("older", ""), words=request.GET.get("q", ""))


@login_required
@require_GET
def palette(request: PersonRequest) -> HttpResponse:
    """What the command palette offers for some words, and for the conversation on the page."""
    pk = _current(request)
    shown = Conversation.objects.visible_to(request.user).filter(pk=pk).first() if pk else None
    found = read_palette(request.user, words=request.GET.get("q", ""), shown=shown)
    return render(request, "conversations/_palette_results.html", {"palette": found})


@login_required
@require_GET
def jump(request: PersonRequest, pk: UUID, message_pk: UUID) -> HttpResponse:
    """Go to a message, whichever version it belongs to."""
    conversation = find_conversation(request, pk)
    message = find_message(request, conversation, message_pk)
    if not is_on_active_branch(conversation, message.pk):
        branching.select_version(message=message)
    conversation.refresh_from_db(fields=["head"])
    response = redirect("conversations:detail", pk)
    place = "" if is_among_the_latest(conversation, message.pk) else f"?at={message.pk}"
    response["Location"] += f"{place}#message-{message.pk}"
    return response


@login_required
@require_GET
def archive(request: PersonRequest) -> HttpResponse:
    """What was put aside, the latest first."""
    place = read_place(request.GET.get("before", ""))
    rows = (
        Conversation.objects.listed_for(request.user)
        .filter(is_archived=True)
        .select_related("agent")
        .prefetch_related("tags")
    )
    found = list(after(rows, place)[: SHELF_PAGE + 1])
    older = next_place(found, SHELF_PAGE)
    return render(request, "conversations/archive.html", {"rows": found, "older": older})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def trash(request: PersonRequest) -> HttpResponse:
    """What was deleted in the last 30 days; with POST and the word, delete all of it for good."""
    word, problem = _("trash"), ""
    if request.method == "POST":
        if request.POST.get("confirm", "").strip().casefold() == word.casefold():
            count = shelf.empty_trash(user=request.user)
            text = ngettext("%(count)d conversation is gone.", "%(count)d conversations are gone.", count)
            messages.success(request, text % {"count": count})
            return redirect("conversations:trash")
        problem = _("Nothing was deleted: type “%(word)s”.") % {"word": word}
    rows = Conversation.objects.trashed_by(request.user)[:500]
    context = {"rows": rows, "word": word, "problem": problem}
    return render(request, "conversations/trash.html", context, status=422 if problem else 200)


def show_rail(request: PersonRequest, *, before: str = "", words: str = "") -> HttpResponse:
    """The list of the rail without the page around it, of the tag that it shows."""
    tag = request.POST.get("tag", "") or request.GET.get("tag", "")
    found = read_rail(request.user, words=words, before=before, tag=tag)
    template = "conversations/_rail_list.html" if found.is_first else "conversations/_rail_page.html"
    return render(request, template, {"rail": found, "current": _current(request)})


def is_shown(request: PersonRequest, pk: UUID) -> bool:
    """Whether the browser is on the page of this conversation."""
    return _current(request) == pk


def undo_notice(text: str, url: str) -> SafeString:
    """What was done, and the button that undoes it."""
    button = '{} <button class="link-button" type="submit" form="act" formaction="{}">{}</button>'
    return format_html(button, text, url, _("Undo"))


def _current(request: PersonRequest) -> UUID | None:
    """The conversation whose page the browser shows while htmx asks for something."""
    parts = urlsplit(request.htmx.current_url or "").path.split("/")
    try:
        return UUID(parts[2]) if parts[1:2] == ["c"] else None
    except (IndexError, ValueError):
        return None
