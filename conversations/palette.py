"""The command palette: conversations, places and deeds, by the beginnings of words."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from agents.models import Agent
from conversations.commands import appearances, deeds, places
from conversations.entries import Entry
from conversations.finding import Hit, find
from conversations.models import Conversation

RECENT: Final = 6  # conversations that are offered before a word is written
FOUND: Final = 10  # conversations that a search shows
MOST: Final = 6  # of each other kind, beside what a search finds
AGENTS: Final = 100  # that are looked at


@dataclass(frozen=True, slots=True)
class Group:
    """Entries under one title."""

    title: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Palette:
    """What the palette shows for ``words``."""

    groups: list[Group]
    words: str = ""

    @property
    def count(self) -> int:
        """How many entries there are."""
        return sum(len(group.entries) for group in self.groups)


def read_palette(user: User, *, words: str, shown: Conversation | None) -> Palette:
    """What somebody may want: without words the latest first, else whatever begins like them.

    ``shown`` is the conversation on the page.
    """
    words = words.replace("\0", " ").strip()
    here = deeds(shown) if shown is not None and not shown.is_temporary else []
    groups = _matching(user, words, here) if words else _all(user, here, shown)
    return Palette([group for group in groups if group.entries], words)


def _all(user: User, here: list[Entry], shown: Conversation | None) -> list[Group]:
    rows = Conversation.objects.listed_for(user).filter(is_archived=False)
    if shown is not None:
        rows = rows.exclude(pk=shown.pk)
    return [
        Group(_("Recent"), [_conversation(row) for row in rows[:RECENT]]),
        Group(_("This conversation"), here),
        Group(_("Go to"), places(user)),
        Group(_("Appearance"), appearances(user)),
        Group(_("Ask an agent"), _agents(user)[:MOST]),
    ]


def _matching(user: User, words: str, here: list[Entry]) -> list[Group]:
    """Commands come before conversations only if the words name one: nobody is to log out who looks for a letter."""
    hits = find(user, words, Conversation.objects.listed_for(user), count=FOUND).hits
    found = matching([*here, *places(user), *appearances(user)], words)[:MOST]
    commands = Group(_("Commands"), found)
    conversations = Group(_("Conversations"), [_found(hit) for hit in hits])
    first = [commands, conversations] if found and found[0].is_called(words) else [conversations, commands]
    return [*first, Group(_("Ask an agent"), matching(_agents(user), words)[:MOST])]


def matching(entries: Iterable[Entry], words: str) -> list[Entry]:
    """Those in which every word is the beginning of one; first those whose label itself begins like this."""
    wanted = words.casefold().split()
    found = [entry for entry in entries if all(any(w.startswith(want) for w in entry.words) for want in wanted)]
    return sorted(found, key=lambda entry: not entry.is_called(words))


def _agents(user: User) -> list[Entry]:
    """A new conversation with each agent that can answer."""
    agents = Agent.objects.visible_to(user).usable().order_by("name")[:AGENTS]
    new = reverse("conversations:new")
    return [Entry(agent.name, "agent", url=f"{new}?agent={agent.pk}", about=agent.model) for agent in agents]


def _found(hit: Hit) -> Entry:
    tags = " ".join(f"#{name}" for name in hit.tags)
    return replace(_conversation(hit.conversation), url=hit.url, snippet=hit.snippet, about=tags)


def _conversation(row: Conversation) -> Entry:
    icon = "pin" if row.is_pinned else "archive" if row.is_archived else "speech"
    return Entry(
        row.title or _("New conversation"),
        icon,
        url=reverse("conversations:detail", args=[row.pk]),
    )
