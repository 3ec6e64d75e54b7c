"""What the rail and the transcript need beyond their own context."""

from datetime import datetime
from typing import Final, TypedDict

from django import template
from django.http import HttpRequest
from django.template import Context
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.models import User
from conversations.models import Conversation, Message
from conversations.models.conversation import TRASH_LIFETIME
from conversations.rail import Rail, read_rail
from conversations.rendering import render

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


class Remedy(TypedDict):
    """Where an error can be mended."""

    url: str
    label: str


@register.simple_tag(takes_context=True)
def rail(context: Context) -> Rail:
    """The person's conversations, or what a search finds among them."""
    request: HttpRequest = context["request"]
    assert isinstance(request.user, User)  # noqa: S101 - the shell is only shown to people who are logged in
    return read_rail(request.user, words=request.GET.get("q", ""), before=request.GET.get("older", ""))


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


@register.filter
def gone_on(conversation: Conversation) -> datetime | None:
    """When a conversation in the trash is deleted for good."""
    return conversation.trashed_at + TRASH_LIFETIME if conversation.trashed_at else None
