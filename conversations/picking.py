"""Who could answer: the agents and models that a person may choose, the last ones first, with what keeps some away."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.models import User
from agents.hops import is_reachable
from agents.models import Agent
from agents.standing import agent_standings
from conversations.models import Conversation
from providers.catalogue_page import line_of
from providers.models import Provider, ProviderModel
from providers.models.catalogue import ProviderModelQuerySet
from providers.sentences import in_readers_language
from providers.standing import UNKNOWN, Standing

PAGE: Final = 60  # models that are drawn at once
RECENT: Final = 4
LOOK_BACK: Final = 60  # conversations in which recent choices are looked for


@dataclass(frozen=True, slots=True)
class AgentChoice:
    """An agent; ``problem`` says why it cannot answer now."""

    agent: Agent
    problem: str = ""
    is_current: bool = False
    standing: Standing = UNKNOWN

    @property
    def is_usable(self) -> bool:
        """Whether it can answer."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that answers alone; one that has ended is shown and cannot be chosen."""

    row: ProviderModel
    words: Sequence[Promise | str]
    standing: Standing
    is_current: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether it still answers."""
        return self.row.stage != ProviderModel.Lifecycle.RETIRED


@dataclass(frozen=True, slots=True)
class Group:
    """The models of a provider; ``problem`` says what is wrong with all of them."""

    provider: Provider
    problem: str = ""
    models: list[ModelChoice] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Picker:
    """What the list shows; ``following`` is where it goes on."""

    words: str
    agents: list[AgentChoice]
    groups: list[Group]
    recent: list[AgentChoice | ModelChoice]
    following: int | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.agents or self.groups)


def read_picker(user: User, current: Agent | None, *, words: str = "", start: int = 0) -> Picker:
    """The list from model ``start`` on, of what holds all the words; agents come before the first."""
    wanted = words.replace("\0", " ").casefold().split()
    rows = list(_models(user, wanted)[start : start + PAGE + 1])
    groups = _groups(rows[:PAGE], current)
    if start:
        agents, recent = [], []
    else:
        everyone = _agents(user, current)
        agents = [choice for choice in everyone if _matches(choice.agent, wanted)]
        recent = [] if wanted else _recent(user, everyone, current)
        groups = [*groups, *_switched_off(user, wanted)]
    return Picker(words, agents, groups, recent, start + PAGE if len(rows) > PAGE else None)


def find_row(answerer: Agent | None) -> ProviderModel | None:
    """What the catalogue says of whom is going to be asked, if anything."""
    if answerer is None or answerer.provider_id is None:
        return None
    return ProviderModel.objects.filter(provider=answerer.provider_id, model_id=answerer.model).first()


def _agents(user: User, current: Agent | None) -> list[AgentChoice]:
    agents = list(Agent.objects.visible_to(user).select_related("provider", "owner"))
    standings = agent_standings(agents)
    chosen = current.pk if current else None
    choices = [AgentChoice(one, _problem(one), one.pk == chosen, standings[one.pk].model) for one in agents]
    return sorted(choices, key=lambda choice: bool(choice.problem))


def _problem(agent: Agent) -> str:
    if not agent.is_active:
        return _("switched off")
    if agent.provider is None:
        return _("needs a provider")
    if not agent.model:
        return _("needs a model")
    if not agent.provider.is_active and not is_reachable(agent):
        return _("%(provider)s is switched off") % {"provider": agent.provider.name}
    return ""


def _matches(agent: Agent, words: Iterable[str]) -> bool:
    text = f"{agent.name} {agent.description} {agent.model}".casefold()
    return all(word in text for word in words)


def _models(user: User, words: Iterable[str]) -> ProviderModelQuerySet:
    rows = ProviderModel.objects.visible_to(user).filter(provider__is_active=True, is_hidden=False, is_chat=True)
    for word in words:
        rows = rows.filter(
            Q(model_id__icontains=word) | Q(display_name__icontains=word) | Q(provider__name__icontains=word)
        )
    order = ("provider__is_practice", "provider__name", "provider", "position", "model_id")
    return rows.select_related("provider").order_by(*order)


def _groups(rows: Iterable[ProviderModel], current: Agent | None) -> list[Group]:
    groups: dict[UUID, Group] = {}
    for row in rows:
        provider = row.provider
        is_failing = provider.health == Provider.Health.FAILING
        problem = in_readers_language(provider.health_message) if is_failing else ""
        group = groups.setdefault(provider.pk, Group(provider, problem))
        group.models.append(_model_choice(row, current))
    return list(groups.values())


def _model_choice(row: ProviderModel, current: Agent | None) -> ModelChoice:
    line = line_of(row)
    is_current = (
        current is not None
        and current.is_bare
        and (current.provider_id, current.model) == (row.provider_id, row.model_id)
    )
    return ModelChoice(row, line.words, line.standing, is_current)


def _switched_off(user: User, words: Sequence[str]) -> Iterator[Group]:
    for provider in Provider.objects.visible_to(user).filter(is_active=False):
        if all(word in provider.name.casefold() for word in words):
            yield Group(provider, _("switched off"))


def _recent(user: User, agents: Iterable[AgentChoice], current: Agent | None) -> list[AgentChoice | ModelChoice]:
    """The last few who answered and still can, but for the one who does."""
    rows = Conversation.objects.listed_for(user).order_by("-updated_at")[:LOOK_BACK]
    used: dict[tuple[UUID | None, UUID | None, str], None] = dict.fromkeys(
        rows.values_list("agent_id", "provider_id", "model")
    )
    able = {choice.agent.pk: choice for choice in agents if not choice.problem}
    models = {model for agent, _provider, model in used if agent is None and model}
    offered = ProviderModel.objects.visible_to(user).offered().filter(model_id__in=models).select_related("provider")
    by_name: dict[tuple[UUID | None, str], ModelChoice] = {
        (row.provider_id, row.model_id): _model_choice(row, current) for row in offered
    }
    found = (able.get(agent) if agent else by_name.get((provider, model)) for agent, provider, model in used)
    return [choice for choice in found if choice is not None and not choice.is_current][:RECENT]
