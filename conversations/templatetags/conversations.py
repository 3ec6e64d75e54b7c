"""What the rail and the transcript need beyond their own context."""

from datetime import date, timedelta
from typing import Final, TypedDict

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from conversations.models import Conversation, Message
from conversations.rendering import render

register = template.Library()

RAIL_LENGTH: Final = 80  # conversations that the rail lists; older ones are found by search
MENDED_UNDER_PROVIDERS: Final = {
    "auth_failed",
    "key_missing",
    "key_unreadable",
    "provider_inactive",
    "connection_failed",
    "address_refused",
    "bad_response",
    "unsupported_kind",
}
MENDED_UNDER_AGENTS: Final = {"model_not_found", "provider_not_found", "invalid_request"}


STRETCHES: Final = (
    (0, gettext_lazy("Today")),
    (1, gettext_lazy("Yesterday")),
    (7, gettext_lazy("Last 7 days")),
    (30, gettext_lazy("Last 30 days")),
)


class Shelf(TypedDict):
    """A titled part of the rail."""

    title: str
    conversations: list[Conversation]


class Rail(TypedDict):
    """What the rail shows."""

    shelves: list[Shelf]
    words: str


class Remedy(TypedDict):
    """Where an error can be mended."""

    url: str
    label: str


@register.simple_tag(takes_context=True)
def rail(context: Context) -> Rail:
    """The person's conversations: pinned first, then by date; all that match while searching."""
    request: HttpRequest = context["request"]
    assert isinstance(request.user, User)  # noqa: S101 - the shell is only shown to people who are logged in
    words = request.GET.get("q", "").strip()
    found = Conversation.objects.visible_to(request.user)
    if words:
        rows = list(found.search(words)[:RAIL_LENGTH])
        return Rail(shelves=[Shelf(title=_("Found"), conversations=rows)] if rows else [], words=words)
    rows = list(found.filter(is_archived=False).order_by("-is_pinned", "-updated_at", "-id")[:RAIL_LENGTH])
    return Rail(shelves=_by_date(rows), words="")


@register.filter
def rendered(message: Message) -> SafeString:
    """The words of an answer as sanitised HTML."""
    return render(message.content)


@register.filter
def remedy(code: str) -> Remedy | None:
    """The page on which an error of this code can be mended, if there is one."""
    if code in MENDED_UNDER_PROVIDERS:
        return Remedy(url=reverse("providers:list"), label=_("Open providers"))
    if code in MENDED_UNDER_AGENTS:
        return Remedy(url=reverse("agents:list"), label=_("Open agents"))
    return None


def _by_date(rows: list[Conversation]) -> list[Shelf]:
    today = timezone.localdate()
    shelves: list[Shelf] = []
    for row in rows:
        title = _("Pinned") if row.is_pinned else _shelf_title(timezone.localtime(row.updated_at).date(), today)
        if not shelves or shelves[-1]["title"] != title:
            shelves.append(Shelf(title=title, conversations=[]))
        shelves[-1]["conversations"].append(row)
    return shelves


def _shelf_title(day: date, today: date) -> str:
    """The name of the stretch of time in which the day lies."""
    for days, title in STRETCHES:
        if day >= today - timedelta(days=days):
            return str(title)
    return _("Older")
