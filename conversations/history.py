"""What of a conversation is sent to the model, and what has to stay behind."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from django.conf import settings

from agents.hops import Hop
from agents.models import Agent
from conversations.models import Message
from conversations.sight import NO_PICTURES, PictureCount, load_messages
from providers.ledger import IMAGE_TOKENS, estimate_tokens
from providers.models import ProviderModel
from providers.types import ChatMessage, ImagePart, TextPart

MESSAGE_TOKENS = 4  # what a message costs beside its text
MARGIN = 20  # a twentieth of the window stays free: all figures are estimates


class LeftOut(TypedDict):
    """How many messages were not sent: those beyond the last few, and those that did not fit the model."""

    by_count: int
    by_context: int


@dataclass(frozen=True, slots=True)
class History:
    """What is sent, oldest first, what was left out, and whether more could be. ``pictures`` are of what is sent."""

    messages: tuple[ChatMessage, ...]
    left_out: LeftOut
    can_shrink: bool
    pictures: PictureCount = NO_PICTURES

    @property
    def missing(self) -> int:
        """How many messages were left out."""
        return self.left_out["by_count"] + self.left_out["by_context"]


def read_history(
    reply: Message,
    *,
    room: int | None = None,
    tail: Sequence[ChatMessage] = (),
    is_halved: bool = False,
    takes_pictures: bool = True,
) -> History:
    """The last messages of the branch that ends before ``reply``, as many as ``room`` tokens hold.

    ``tail`` and the newest message are sent whatever they cost. ``is_halved`` sends half of what would have been sent:
    the model said that it was too much. Pictures that are not sent, because the model takes none or there are too many,
    are told of in words.
    """
    path = _path(reply)
    loaded = load_messages(path[: settings.HISTORY_MESSAGES], takes_pictures=takes_pictures)
    recent = loaded.messages
    fixed = sum(_cost(message) for message in tail)
    chosen = _fitting(recent, None if room is None else room - fixed)
    if is_halved:
        chosen = _fitting(recent, (fixed + sum(map(_cost, chosen))) // 2 - fixed)
    fitting = len(chosen)
    chosen = _from_a_question(chosen, is_whole=fitting == len(path))
    by_context = len(recent) - len(chosen) if fitting < len(recent) else 0
    left_out = LeftOut(by_count=len(path) - len(chosen) - by_context, by_context=by_context)
    pictures = PictureCount(sent=sum(map(_images, chosen)), left_out=0)
    pictures = pictures._replace(left_out=sum(loaded.pictures[: len(chosen)]) - pictures.sent)
    return History((*reversed(chosen), *tail), left_out, can_shrink=len(chosen) > 1, pictures=pictures)


def room_for_messages(agent: Agent, hop: Hop) -> int | None:
    """Tokens that messages may take beside the system prompt and the answer; ``None`` when nobody knows the window."""
    rows = ProviderModel.objects.filter(provider=hop.provider, model_id=hop.model)
    window, longest = rows.values_list("context_length", "max_output_tokens").first() or (None, None)
    if not window:
        return None
    answer = agent.max_tokens or min(longest or window, window // 4)
    return max(0, window - answer - estimate_tokens(agent.system_prompt) - window // MARGIN)


def _fitting(newest_first: Sequence[ChatMessage], room: int | None) -> list[ChatMessage]:
    """The newest messages that fit; always the very newest."""
    if room is None:
        return list(newest_first)
    chosen = list(newest_first[:1])
    room -= sum(map(_cost, chosen))
    for message in newest_first[1:]:
        room -= _cost(message)
        if room < 0:
            break
        chosen.append(message)
    return chosen


def _from_a_question(newest_first: list[ChatMessage], *, is_whole: bool) -> list[ChatMessage]:
    """Without the answers whose question was left out."""
    while not is_whole and len(newest_first) > 1 and newest_first[-1].role == "assistant":
        newest_first = newest_first[:-1]
    return newest_first


def _cost(message: ChatMessage) -> int:
    if isinstance(message.content, str):
        return MESSAGE_TOKENS + estimate_tokens(message.content)
    texts = [part.text for part in message.content if isinstance(part, TextPart)]
    return MESSAGE_TOKENS + estimate_tokens(*texts) + _images(message) * IMAGE_TOKENS


def _images(message: ChatMessage) -> int:
    return 0 if isinstance(message.content, str) else sum(isinstance(part, ImagePart) for part in message.content)


def _path(message: Message) -> list[UUID]:
    """The messages above this one that say something, nearest first; reads the tree's links in one query."""
    rows = Message.objects.filter(conversation=message.conversation_id)
    links = dict(rows.values_list("pk", "parent_id"))
    silent = set(rows.filter(content="", attachments=None).values_list("pk", flat=True))
    return [pk for pk in _above(message.parent_id, links) if pk not in silent]


def _above(position: UUID | None, links: Mapping[UUID, UUID | None]) -> Iterator[UUID]:
    while position is not None:
        yield position
        position = links.get(position)
