"""The pages on which conversations go out and come in."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods
from rest_framework.exceptions import APIException, ParseError

from accounts.audit import Action, record_event
from accounts.requests import PersonRequest
from conversations.branch import active_branch
from conversations.models import Conversation
from conversations.pages import find_conversation
from conversations.transfer.api import attachment, download, take_in
from conversations.transfer.export import as_json
from conversations.transfer.reading import LIMIT
from conversations.transfer.reporting import sentences
from conversations.transfer.tree import ImportProblem


@login_required
@require_GET
def export(request: PersonRequest, pk: UUID) -> HttpResponse:
    """One conversation as a file; ``as`` is markdown or json."""
    try:
        return download(_kept(request, pk), request.GET.get("as", "markdown"))
    except ParseError:
        raise Http404 from None


@login_required
@require_GET
def export_all(request: PersonRequest) -> HttpResponse:
    """Everything but the trash, to be imported elsewhere."""
    rows = Conversation.objects.listed_for(request.user).order_by("created_at", "id")
    record_event(action=Action.EXPORTED, detail="all conversations")
    return attachment(as_json(rows), "application/json", "wiz-conversations.json")


@login_required
@require_GET
def printed(request: PersonRequest, pk: UUID) -> HttpResponse:
    """The shown branch as it goes on paper."""
    conversation = _kept(request, pk)
    context = {"conversation": conversation, "branch": active_branch(conversation)}
    return render(request, "conversations/print.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def take(request: PersonRequest) -> HttpResponse:
    """Where a file is handed in; with POST what became of it."""
    if request.method != "POST":
        return render(request, "conversations/import.html")
    context, status = _take(request)
    return render(request, "conversations/import.html", context, status=status)


def _take(request: PersonRequest) -> tuple[dict[str, object], int]:
    given = request.FILES.get("file")
    if given is None or given.size is None:
        return {"problem": _("Choose a file first.")}, 422
    if given.size > LIMIT:
        return {
            "problem": _("The file is too large: at most %(limit)d MB are accepted.") % {"limit": LIMIT // 2**20}
        }, 413
    try:
        report = take_in(request.user, given.read())
    except ImportProblem as problem:
        return {"problem": str(problem)}, 422
    except APIException as refusal:
        return {"problem": str(refusal.detail)}, refusal.status_code
    return {"report": report, "left_out": sentences(report)}, 200


def _kept(request: PersonRequest, pk: UUID) -> Conversation:
    """One's own conversation, unless it is a temporary one; raises ``Http404``."""
    conversation = find_conversation(request, pk)
    if conversation.is_temporary:
        raise Http404
    return conversation
