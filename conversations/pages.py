"""Answers that several views give: the page of a conversation, its transcript, a refusal."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from accounts.requests import PersonRequest
from conversations.admission import RunActive, TooManyRuns
from conversations.branch import active_branch, dress
from conversations.composing import make_composer, sentences
from conversations.forms import new_key
from conversations.models import Conversation, Generation, Message


@dataclass(frozen=True, slots=True)
class Editing:
    """The state of the form in which one's own message is changed."""

    message: UUID
    text: str
    errors: tuple[str, ...] = ()
    key: str = ""


def find_conversation(request: PersonRequest, pk: UUID) -> Conversation:
    """One's own conversation with its agent; raises ``Http404``."""
    rows = Conversation.objects.visible_to(request.user).select_related("agent", "agent__provider")
    return get_object_or_404(rows, pk=pk)


def find_message(request: PersonRequest, conversation: Conversation, pk: UUID) -> Message:
    """A message of this conversation as a branch has it, with run and versions; raises ``Http404``."""
    get_object_or_404(Message.objects.visible_to(request.user), pk=pk, conversation=conversation)
    return dress([pk], conversation.pk)[0]


def start_editing(message: Message) -> Editing:
    """The form with the words as they are."""
    return Editing(message.pk, message.content, key=new_key())


def show_conversation(
    request: PersonRequest,
    conversation: Conversation,
    *,
    text: str = "",
    errors: list[str] | None = None,
    editing: Editing | None = None,
    status: int = 200,
) -> HttpResponse:
    """The whole page; ``text`` and ``errors`` are the composer's."""
    context = _transcript(conversation, editing)
    composer = make_composer(
        request.user, conversation=conversation, text=text, errors=errors, is_running=bool(context["running"])
    )
    return render(request, "conversations/detail.html", {**context, "composer": composer}, status=status)


def show_transcript(request: PersonRequest, conversation: Conversation) -> HttpResponse:
    """All messages of the shown branch, without the page around them."""
    return render(request, "conversations/_transcript.html", _transcript(conversation, None))


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
    return {RunActive: 409, TooManyRuns: 429}.get(type(refusal), 422)


def _transcript(conversation: Conversation, editing: Editing | None) -> dict[str, object]:
    """The shown branch; ``running`` is the message that is being written, ``elsewhere`` if it is on another branch."""
    branch = active_branch(conversation)
    active = Generation.objects.filter(conversation=conversation).active()
    running = active.values_list("message", flat=True).first()
    is_elsewhere = running is not None and running not in {message.pk for message in branch}
    return {
        "conversation": conversation,
        "branch": branch,
        "running": running,
        "elsewhere": running if is_elsewhere else None,
        "editing": editing,
    }
