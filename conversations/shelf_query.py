"""What the addresses of the conversations' API choose: the shelf, the words that are searched, the page."""

from typing import Any, TypedDict
from uuid import UUID

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.utils.urls import remove_query_param, replace_query_param

from accounts.rest import CursorPagination, person
from conversations.finding import find
from conversations.models import Conversation
from conversations.models.conversation import ConversationQuerySet

PARAMETERS = [
    OpenApiParameter("q", str, description="Words, each the beginning of one; in quotation marks exactly as they are."),
    OpenApiParameter("archived", bool, description="The archive instead of the list."),
    OpenApiParameter("trashed", bool, description="The trash, the latest first."),
    OpenApiParameter("folder", UUID, description="Only those in this folder."),
    OpenApiParameter("tag", str, description="Only those with this tag."),
]
PERMANENT = OpenApiParameter("permanent", bool, description="Delete for good, even from the trash.")


class SearchPage(TypedDict):
    """A page of conversations that were found; each has ``hit``."""

    next: str | None
    previous: str | None
    results: list[Conversation]


def wanted_conversations(request: Request, action: str) -> ConversationQuerySet:
    """The caller's conversations that this request may be about. Only what restores reaches into the trash."""
    user = person(request)
    if action == "list":
        return _listed(request)
    restores = action == "partial_update" and isinstance(request.data, dict) and request.data.get("is_trashed") is False
    if restores or (action == "destroy" and is_permanent(request)):
        return Conversation.objects.filter(owner=user)
    return Conversation.objects.visible_to(user)


def search(request: Request, among: ConversationQuerySet) -> SearchPage:
    """The page of the results that the cursor names, the best first."""
    pages = CursorPagination()
    size = pages.get_page_size(request) or pages.page_size
    start = _start(request)
    found = find(person(request), request.query_params["q"].replace("\0", " "), among, start=start, count=size)
    for hit in found.hits:
        hit.conversation.hit = hit
    return SearchPage(
        next=_at(request, start + size) if found.has_more else None,
        previous=_at(request, max(0, start - size)) if start else None,
        results=[hit.conversation for hit in found.hits],
    )


def is_trash(request: Request) -> bool:
    """Whether the trash is asked for."""
    return _flag(request, "trashed")


def is_permanent(request: Request) -> bool:
    """Whether a deletion is for good."""
    return _flag(request, "permanent")


def _listed(request: Request) -> ConversationQuerySet:
    user, wanted = person(request), request.query_params
    if is_trash(request):
        return Conversation.objects.trashed_by(user)
    rows = Conversation.objects.listed_for(user).filter(is_archived=_flag(request, "archived"))
    if "folder" in wanted:
        rows = rows.filter(folder=_folder(wanted["folder"]))
    if "tag" in wanted:
        rows = rows.tagged(wanted["tag"])
    return rows


def _folder(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ParseError(_("folder is the id of a folder.")) from None


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "false").lower() in {"1", "true"}


def _start(request: Request) -> int:
    cursor = request.query_params.get("cursor", "0")
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 6:
        raise ParseError(_("The cursor is not one of ours. Follow next and previous as they were given."))
    return int(cursor)


def _at(request: Request, start: int) -> str:
    url: Any = request.build_absolute_uri()
    return replace_query_param(url, "cursor", start) if start else remove_query_param(url, "cursor")
