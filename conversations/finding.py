"""Search: the conversations whose title or messages hold the words, and the place that shows it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from django.urls import reverse

from accounts.models import User
from conversations.models import Conversation, Message, Query, SearchEntry, Tag
from conversations.models.conversation import ConversationQuerySet
from conversations.models.search import Term
from conversations.words import placed_words, words_of

MOST_ENTRIES: Final = 1000  # that one search looks at, the best first
MOST_TAGS: Final = 5000  # different ones of a person's that one search looks at
BEFORE: Final = 50  # characters of a snippet before its first hit
LENGTH: Final = 200  # characters of a snippet
SEARCHED: Final = 200_000  # characters of a message in which a snippet is looked for
_SPACE = re.compile(r"\s+")


class Piece(NamedTuple):
    """A stretch of a snippet, and whether it is what was looked for."""

    text: str
    is_hit: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation that was found; without ``message`` by its title."""

    conversation: Conversation
    message: UUID | None
    snippet: tuple[Piece, ...]
    tags: tuple[str, ...] = ()
    """Those of its tags that hold a word."""

    @property
    def url(self) -> str:
        """The message that was found, or the conversation."""
        if self.message is None:
            return reverse("conversations:detail", args=[self.conversation.pk])
        return reverse("conversations:jump", args=[self.conversation.pk, self.message])


class Found(NamedTuple):
    """A stretch of the hits, the best first, and whether there are more."""

    hits: list[Hit]
    has_more: bool


def find(user: User, words: str, among: ConversationQuerySet, *, start: int = 0, count: int = 40) -> Found:
    """The conversations ``among`` these whose tags, or in which one message, or the title, hold all the words."""
    query = Query(words)
    if not query:
        return Found([], has_more=False)
    entries = SearchEntry.objects.matching(user, query).filter(conversation__in=among.order_by())
    messages: dict[UUID, UUID | None] = {}
    ranked = entries.values_list("conversation", "message", "score")  # type: ignore[misc] # from ``matching``
    for conversation, message, _score in ranked[:MOST_ENTRIES]:
        messages.setdefault(conversation, message)
    places = {pk: messages.get(pk) for pk in _tagged(among, query)} | messages
    chosen = dict(list(places.items())[start : start + count])
    conversations = among.prefetch_related("tags").in_bulk(list(chosen))
    texts = dict(Message.objects.filter(pk__in=filter(None, chosen.values())).values_list("pk", "content"))
    hits = [
        Hit(
            conversations[pk],
            message,
            excerpt(texts[message], query) if message in texts else (),
            tuple(tag.name for tag in conversations[pk].tags.all() if _holds_any(tag.name, query)),
        )
        for pk, message in chosen.items()
        if pk in conversations
    ]
    return Found(hits, has_more=len(places) > start + count)


def _tagged(among: ConversationQuerySet, query: Query) -> list[UUID]:
    """Those whose tags hold all the words, the latest first."""
    tags = Tag.objects.filter(conversation__in=among.order_by()).order_by("name")
    words = {name: words_of(name) for name in tags.values_list("name", flat=True).distinct()[:MOST_TAGS]}
    for term in query.terms:
        names = [name for name, own in words.items() if _stands_in(own, term)]
        if not names:
            return []
        among = among.filter(pk__in=Tag.objects.filter(name__in=names).values("conversation"))
    return list(among.values_list("pk", flat=True)[:MOST_ENTRIES])


def _holds_any(name: str, query: Query) -> bool:
    words = words_of(name)
    return any(_stands_in(words, term) for term in query.terms)


def _stands_in(words: Sequence[str], term: Term) -> bool:
    length = len(term.words)
    return any(_matches(words[at : at + length], term.words, term.is_prefix) for at in range(len(words)))


def excerpt(text: str, query: Query) -> tuple[Piece, ...]:
    """The stretch of the text around its first hit, in one line; its beginning if there is none."""
    text = text[:SEARCHED]
    marks = list(_marks(text, query))
    start = _word_start(text, max(0, marks[0][0] - BEFORE)) if marks else 0
    end = min(len(text), start + LENGTH)
    pieces: list[Piece] = [Piece("…", False)] if start else []
    position = start
    for first, last in marks:
        if first < position or last > end:
            continue
        pieces += [Piece(text[position:first], False), Piece(text[first:last], True)]
        position = last
    pieces.append(Piece(text[position:end] + ("…" if end < len(text) else ""), False))
    return tuple(Piece(_SPACE.sub(" ", piece.text), piece.is_hit) for piece in pieces if piece.text)


def _marks(text: str, query: Query) -> Iterator[tuple[int, int]]:
    """Where the terms stand, in order."""
    placed = list(placed_words(text))
    for position, first in enumerate(placed):
        for _text, words, is_prefix in query.terms:
            run = placed[position : position + len(words)]
            if _is_run(first.word, words, is_prefix) and _matches([word.word for word in run], words, is_prefix):
                yield run[0].start, run[-1].end
                break


def _is_run(word: str, words: Sequence[str], is_prefix: bool) -> bool:
    """The cheap look before the whole comparison."""
    return word == words[0] or (is_prefix and len(words) == 1 and word.startswith(words[0]))


def _matches(run: Sequence[str], words: Sequence[str], is_prefix: bool) -> bool:
    if len(run) < len(words) or list(run[:-1]) != list(words[:-1]):
        return False
    return run[-1].startswith(words[-1]) if is_prefix else run[-1] == words[-1]


def _word_start(text: str, position: int) -> int:
    """The beginning of the word after ``position``, or ``position`` where there is no space near."""
    if not position:
        return 0
    space = _SPACE.search(text, position, position + BEFORE // 2)
    return space.end() if space else position
