"""Answers that several views give: the page of a conversation, its transcript, a refusal."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render

from accounts.requests import PersonRequest
from conversations import window
from conversations.admission import RunActive, TooManyRuns
from conversations.branch import dress, is_on_active_branch
from conversations.composing import make_composer, sentences
from conversations.forms import new_key
from conversations.gauge import read_gauge
from conversations.models import Conversation, Generation, Message
from conversations.pictures import PictureTooLarge


@dataclass(frozen=True, slots=True)
class Editing:
    """The state of the form in which one's own message is changed."""

    message: UUID
    text: str
    errors: tuple[str, ...] = ()
    key: str = ""
    pictures: tuple[UUID, ...] = ()
    """Those of the message that are to stay."""


def find_conversation(request: PersonRequest, pk: UUID) -> Conversation:
    """One's own conversation with its agent; raises ``Http404``."""
    rows = Conversation.objects.visible_to(request.user).select_related("agent", "agent__provider", "provider", "owner")
    return get_object_or_404(rows, pk=pk)


def find_message(request: PersonRequest, conversation: Conversation, pk: UUID) -> Message:
    """A message of this conversation as a branch has it, with run and versions; raises ``Http404``."""
    get_object_or_404(Message.objects.visible_to(request.user), pk=pk, conversation=conversation)
    return dress([pk], conversation.pk)[0]


def start_editing(message: Message) -> Editing:
    """The form with the words as they are."""
    pictures = tuple(message.attachments.values_list("pk", flat=True))
    return Editing(message.pk, message.content, key=new_key(), pictures=pictures)


def show_conversation(
    request: PersonRequest,
    conversation: Conversation,
    *,
    text: str = "",
    errors: list[str] | None = None,
    editing: Editing | None = None,
    status: int = 200,
    shown: window.Window | None = None,
) -> HttpResponse:
    """The whole page, of the latest messages or those of ``shown``; ``text`` and ``errors`` are the composer's."""
    context = _transcript(conversation, editing, shown)
    composer = make_composer(
        request.user, conversation=conversation, text=text, errors=errors, is_running=bool(context["running"])
    )
    context |= {"composer": composer, "gauge": read_gauge(conversation)}
    return render(request, "conversations/detail.html", context, status=status)


def show_transcript(
    request: PersonRequest, conversation: Conversation, shown: window.Window | None = None
) -> HttpResponse:
    """Messages of the shown branch, the latest or those of ``shown``, without the page around them."""
    return render(request, "conversations/_transcript.html", _transcript(conversation, None, shown))


def asked_window(conversation: Conversation, asked: QueryDict, *, near: UUID | None = None) -> window.Window:
    """The messages that a request names: ``before``, ``after``, ``at``, ``from`` (``until``) one; else the latest.

    ``near`` is the message that something was done to; it is shown in any case when it is on the branch.
    """
    before, after, at, first = (_id(asked.get(name, "")) for name in ("before", "after", "at", "from"))
    if edge := before or after:
        get_object_or_404(Message, pk=edge, conversation=conversation)
        return window.older(conversation, edge) if before else window.newer(conversation, edge)
    if first and (found := window.between(conversation, first, _id(asked.get("until", "")))):
        return found
    if (place := at or near) and not window.is_among_the_latest(conversation, place):
        return window.around(conversation, place)
    return window.latest(conversation)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def refuse(request: PersonRequest, conversation: Conversation, refusal: BaseException) -> HttpResponse:
    """The reason beside the composer; what is being written there stays."""
    errors, status = sentences(refusal), status_of(refusal)
    if not request.htmx:
        return show_conversation(request, conversation, errors=errors, status=status)
    response = render(request, "conversations/_problems.html", {"errors": errors}, status=status)
    response["HX-Retarget"], response["HX-Reswap"] = "#composer-error", "innerHTML"
    return response


def status_of(refusal: BaseException) -> int:
    """409 and 429 when the time is wrong, 422 when the request is."""
    return {RunActive: 409, TooManyRuns: 429, PictureTooLarge: 413}.get(type(refusal), 422)


def _written(messages: Iterable[Message]) -> UUID | None:
    """The message among these that was being written when they were read."""
    return next((message.pk for message in messages if (run := message.run) and run.is_active), None)


def _transcript(conversation: Conversation, editing: Editing | None, shown: window.Window | None) -> dict[str, object]:
    """A stretch of the shown branch.

    ``running`` is the message that is being written: ``elsewhere`` if it is on another branch, ``below`` if it is
    further down on this one. A run that ends meanwhile runs if its message is shown as written: a page without scripts
    would never come again.
    """
    shown = shown or window.latest(conversation)
    active = Generation.objects.filter(conversation=conversation).active()
    running = active.values_list("message", flat=True).first() or _written(shown.messages)
    is_hidden = running is not None and running not in {message.pk for message in shown.messages}
    is_below = is_hidden and running is not None and is_on_active_branch(conversation, running)
    return {
        "conversation": conversation,
        "branch": shown.messages,
        "shown": shown,
        "running": running,
        "elsewhere": running if is_hidden and not is_below else None,
        "below": running if is_below else None,
        "editing": editing,
    }
