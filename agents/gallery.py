"""The page of all agents: which ones are shown, and what the reader can do with each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.models import Agent, AgentQuerySet
from agents.standing import AgentStanding, agent_standings
from providers.models import Provider

SHELVES: Final = {
    "all": _("All"),
    "mine": _("Mine"),
    "groups": _("Groups"),
    "shared": _("For everyone"),
}
FIRST: Final = "all"
MANY: Final = 6  # from here on a list wants a field to search it
UNANSWERED: Final = {
    "off": (_("Switched off"), _("Switch it on again.")),
    "provider": (_("Has no provider"), _("Choose a provider.")),
    "model": (_("Has no model"), _("Choose a model.")),
    "provider-off": (_("Its provider is switched off"), _("Switch it on under Providers, or choose another.")),
}


@dataclass(frozen=True, slots=True)
class Card:
    """One agent. ``problem`` says why it cannot answer now, ``remedy`` what its editor can do about it."""

    agent: Agent
    standing: AgentStanding
    is_editable: bool
    is_mine: bool
    problem: Promise | str = ""
    remedy: Promise | str = ""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A part of the list with its number of agents."""

    key: str
    label: Promise | str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class Gallery:
    """The whole page. ``total`` counts the agents that the reader may use, found or not."""

    cards: Sequence[Card]
    shelves: Sequence[Shelf]
    show: str
    words: str
    total: int

    @property
    def is_long(self) -> bool:
        """Whether a field to search is of use."""
        return self.total >= MANY


def gallery_for(reader: User, *, words: str = "", show: str = FIRST) -> Gallery:
    """The agents of one shelf whose name, description or model holds every word."""
    show = show if show in SHELVES else FIRST
    everything = list(
        Agent.objects.visible_to(reader).values_list("pk", "owner_id", "visibility").order_by("name", "id")
    )
    shelved = {pk: _shelves(owner, visibility, reader) for pk, owner, visibility in everything}
    counts = {key: sum(key in keys for keys in shelved.values()) for key in SHELVES}
    wanted = _matching(Agent.objects.filter(pk__in=[pk for pk, keys in shelved.items() if show in keys]), words)
    shelves = [Shelf(key, label, counts[key], key == show) for key, label in SHELVES.items() if counts[key]]
    return Gallery(
        cards=_cards(wanted.select_related("provider", "owner"), reader),
        shelves=shelves if len(shelves) > 2 or show != FIRST else [],
        show=show,
        words=words,
        total=len(everything),
    )


def _shelves(owner_id: object, visibility: str, reader: User) -> set[str]:
    keys = {"all"}
    if owner_id == reader.pk:
        keys.add("mine")
    if visibility == Agent.Visibility.GROUPS:
        keys.add("groups")
    if visibility == Agent.Visibility.EVERYONE:
        keys.add("shared")
    return keys


def _matching(agents: AgentQuerySet, words: str) -> AgentQuerySet:
    for word in words.replace("\0", " ").split():
        agents = agents.filter(Q(name__icontains=word) | Q(description__icontains=word) | Q(model__icontains=word))
    return agents


def _cards(rows: Iterable[Agent], reader: User) -> list[Card]:
    agents = list(rows)
    standings = agent_standings(agents)
    shown = Agent.objects.filter(pk__in=[agent.pk for agent in agents])
    editable = set(shown.editable_by(reader).values_list("pk", flat=True))
    running = _running_fallbacks(agents)
    return [
        _card(agent, standings[agent.pk], running, is_editable=agent.pk in editable, reader=reader) for agent in agents
    ]


def _card(
    agent: Agent, standing: AgentStanding, running: Mapping[UUID, bool], *, is_editable: bool, reader: User
) -> Card:
    why = _why_silent(agent, running)
    problem, remedy = UNANSWERED[why] if why else ("", "")
    return Card(agent, standing, is_editable, agent.owner_id == reader.pk, problem, remedy)


def _why_silent(agent: Agent, running: Mapping[UUID, bool]) -> str:
    """The key of the reason why the agent cannot answer, in the order in which they would be put right."""
    if not agent.is_active:
        return "off"
    if agent.provider is None:
        return "provider"
    if not agent.model:
        return "model"
    spare = any(pk is not None and running.get(pk) for pk, _model in agent.named_models()[1:])
    return "" if agent.provider.is_active or spare else "provider-off"


def _running_fallbacks(agents: Iterable[Agent]) -> dict[UUID, bool]:
    """Which providers of the agents' fallbacks are switched on; one query, none without fallbacks."""
    pks = {pk for agent in agents for pk, _model in agent.named_models()[1:] if pk}
    return dict(Provider.objects.filter(pk__in=pks).values_list("pk", "is_active")) if pks else {}
