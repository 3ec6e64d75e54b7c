"""What the rail lists: folders, pinned conversations, the others by date; or what a search found."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.models import User
from conversations.finding import Hit, find
from conversations.models import Conversation, Folder
from conversations.models.conversation import ConversationQuerySet

PAGE: Final = 40  # conversations that are loaded at once
MOST_PINNED: Final = 100


class Place(NamedTuple):
    """Where the next page goes on: after this conversation."""

    updated_at: datetime
    pk: UUID

    def __str__(self) -> str:
        return f"{self.updated_at.isoformat()}~{self.pk}"


@dataclass(slots=True)
class Shelf:
    """A titled part of the rail; without ``title`` it goes on with what is above."""

    title: str
    conversations: list[Conversation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rail:
    """What the rail shows. ``older`` is where the next page begins."""

    shelves: list[Shelf]
    folders: list[Folder] = field(default_factory=list)
    hits: list[Hit] = field(default_factory=list)
    words: str = ""
    tag: str = ""
    older: Place | None = None
    is_first: bool = True


def read_rail(user: User, *, words: str = "", before: str = "", tag: str = "") -> Rail:
    """The rail of a person: its first page, the page after ``before``, or what ``words`` find.

    With ``tag`` it is of what has this tag alone, archived or not.
    """
    listed = Conversation.objects.listed_for(user)
    words, tag = words.replace("\0", " ").strip(), tag.replace("\0", "").strip().casefold()
    if tag:
        listed = listed.tagged(tag)
    if words:
        return Rail([], hits=find(user, words, listed, count=PAGE).hits, words=words, tag=tag)
    rows, place = listed if tag else listed.filter(is_archived=False), read_place(before)
    rows = rows.prefetch_related("tags")
    if place is not None:
        return replace(_page(rows, place), tag=tag)
    pinned = list(rows.filter(is_pinned=True)[:MOST_PINNED])
    first = _page(rows, None)
    shelves = [Shelf(_("Pinned"), pinned), *first.shelves] if pinned else first.shelves
    folders = [] if tag else list(Folder.objects.visible_to(user))
    return replace(first, shelves=shelves, folders=folders, tag=tag)


def read_place(text: str) -> Place | None:
    """The place that an address names; ``None`` for what is none."""
    moment, _separator, pk = text.partition("~")
    try:
        updated_at = parse_datetime(moment)
        if updated_at is None or timezone.is_naive(updated_at):
            return None
        return Place(updated_at.astimezone(UTC), UUID(pk))
    except (ValueError, OverflowError):
        return None


def after(rows: ConversationQuerySet, place: Place | None) -> ConversationQuerySet:
    """Those that come after this place in the order of the list."""
    if place is None:
        return rows
    return rows.filter(Q(updated_at__lt=place.updated_at) | Q(updated_at=place.updated_at, pk__lt=place.pk))


def next_place(rows: list[Conversation], length: int = PAGE) -> Place | None:
    """Where the next page begins when one more than a page was read; takes that one away."""
    if len(rows) <= length:
        return None
    del rows[length:]
    return Place(rows[-1].updated_at, rows[-1].pk)


def _page(rows: ConversationQuerySet, place: Place | None) -> Rail:
    found = list(after(rows.filter(is_pinned=False), place)[: PAGE + 1])
    older = next_place(found)
    above = _day(place.updated_at) if place else None
    return Rail(_by_date(found, above), older=older, is_first=place is None)


def _by_date(rows: list[Conversation], above: date | None) -> list[Shelf]:
    """One shelf for each stretch of time; the first has no title when the page before ended in the same stretch."""
    today = timezone.localdate()
    last = _stretch(above, today) if above else ""
    shelves: list[Shelf] = []
    for row in rows:
        title = _stretch(_day(row.updated_at), today)
        if not shelves or title != last:
            shelves.append(Shelf("" if title == last else title))
        last = title
        shelves[-1].conversations.append(row)
    return shelves


def _day(moment: datetime) -> date:
    return timezone.localtime(moment).date()


def _stretch(day: date, today: date) -> str:
    """The name of the stretch of time in which a day lies."""
    if day >= today:
        return _("Today")
    if day == today - timedelta(days=1):
        return _("Yesterday")
    if day >= today - timedelta(days=7):
        return _("Previous 7 days")
    return date_format(day, "F" if day.year == today.year else "F Y")
