"""What the rail and the transcript need beyond their own context."""

from datetime import datetime
from typing import Final, NamedTuple, TypedDict

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from conversations.models import Conversation, Message
from conversations.models.conversation import TRASH_LIFETIME
from conversations.rail import Rail, read_rail
from conversations.rendering import render
from conversations.sanitizing import reveal_bidi
from conversations.tool_calls import StoredCall, set_out

register = template.Library()

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


CARD_LIMIT: Final = 20_000
"""Characters of a tool's arguments or result on a page; exports have all of it."""


class Card(NamedTuple):
    """A call of a tool as a page shows it: plain texts, which the page escapes."""

    name: str
    arguments: str
    result: str | None


class Remedy(TypedDict):
    """Where an error can be mended."""

    url: str
    label: str


@register.simple_tag(takes_context=True)
def rail(context: Context) -> Rail:
    """The person's conversations, or what a search finds among them."""
    request: HttpRequest = context["request"]
    assert isinstance(request.user, User)  # noqa: S101 - the shell is only shown to people who are logged in
    asked = request.GET
    return read_rail(request.user, words=asked.get("q", ""), before=asked.get("older", ""), tag=asked.get("tag", ""))


@register.filter
def rendered(message: Message) -> SafeString:
    """The words of an answer as sanitised HTML."""
    return render(message.content, message.pk.hex)


@register.filter
def cards(calls: list[StoredCall]) -> list[Card]:
    """The calls of an answer as cards: JSON line by line, bidi controls visible, long texts shortened."""
    return [
        Card(
            name=reveal_bidi(call["name"]),
            arguments=_on_card(call["arguments"]),
            result=None if call["result"] is None else _on_card(call["result"]),
        )
        for call in calls
    ]


@register.filter
def remedy(code: str) -> Remedy | None:
    """The page on which an error of this code can be mended, if there is one."""
    if code in MENDED_UNDER_PROVIDERS:
        return Remedy(url=reverse("providers:list"), label=_("Open providers"))
    if code in MENDED_UNDER_AGENTS:
        return Remedy(url=reverse("agents:list"), label=_("Open agents"))
    return None


@register.filter
def gone_on(conversation: Conversation) -> datetime | None:
    """When a conversation in the trash is deleted for good."""
    return conversation.trashed_at + TRASH_LIFETIME if conversation.trashed_at else None


def _on_card(text: str) -> str:
    beyond = len(text) - CARD_LIMIT
    if beyond <= 0:
        return reveal_bidi(set_out(text))
    told = ngettext("… and %(count)d more character", "… and %(count)d more characters", beyond) % {"count": beyond}
    return f"{reveal_bidi(text[:CARD_LIMIT])}\n{told}"
