"""The models' section of a provider's page: the rows, their shelves, and the agents that ending models concern."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.discovery import is_fetching, list_models
from providers.models import Provider, ProviderModel
from providers.standing import Standing, find_listed, standing_of, standings
from providers.types import Capability

if TYPE_CHECKING:
    from uuid import UUID

WORDS: Final = {
    Capability.VISION: _("images"),
    Capability.TOOLS: _("tools"),
    Capability.JSON_SCHEMA: _("JSON"),
    Capability.REASONING: _("reasoning"),
}
SHELVES: Final = {
    "offered": _("Offered"),
    "ending": _("Ending"),
    "hidden": _("Hidden"),
    "other": _("Not for chat"),
}
FIRST: Final = "offered"
MANY: Final = 8  # from here on a list wants a field to filter it


@dataclass(frozen=True, slots=True)
class AgentName:
    """An agent that the reader may see; ``is_editable`` when the reader may choose another model for it."""

    pk: "UUID"
    name: str
    is_editable: bool


@dataclass(slots=True)
class Users:
    """The agents that use a model: those that the reader may see, and the number of the others."""

    agents: list[AgentName] = field(default_factory=list)
    others: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One model."""

    row: ProviderModel
    standing: Standing
    words: Sequence[Promise | str]
    users: Users | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """One part of the list, and how many models it holds."""

    key: str
    label: Promise | str
    count: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The whole section. ``concerned`` are the agents of models that end, ``gone`` those of models that left it."""

    lines: list[Line]
    shelves: list[Shelf]
    concerned: Mapping[str, Users]
    gone: Mapping[str, Users]
    words: str
    show: str
    total: int
    is_fetching: bool

    @property
    def is_long(self) -> bool:
        """Whether a field to filter it is of use."""
        return self.total > MANY


def catalogue_of(provider: Provider, reader: User, *, words: str = "", show: str = FIRST) -> Catalogue:
    """The section as ``reader`` may see it: the models of one shelf whose names hold all the words."""
    show = show if show in SHELVES else FIRST
    rows = list(list_models(provider))
    shelved = {row.pk: shelf_of(row) for row in rows}
    concerned = _concerned(provider, reader, rows)
    known = {row.model_id for row in rows}
    lines = [
        line_of(row, concerned.get(row.model_id))
        for row in rows
        if show in shelved[row.pk] and _matches(row, words.casefold().split())
    ]
    counts = {key: sum(key in keys for keys in shelved.values()) for key in SHELVES}
    return Catalogue(
        lines=lines,
        shelves=[Shelf(key, label, counts[key], key == show) for key, label in SHELVES.items() if counts[key]],
        concerned=concerned,
        gone={name: users for name, users in concerned.items() if name not in known},
        words=words,
        show=show,
        total=len(rows),
        is_fetching=is_fetching(provider),
    )


def line_of(row: ProviderModel, users: Users | None = None) -> Line:
    """The model with its capabilities in words."""
    words = [word for capability, word in WORDS.items() if row.capabilities.get(str(capability))]
    return Line(row, standing_of(row), words, users)


def shelf_of(row: ProviderModel) -> set[str]:
    """Where the model lies: one that ends is offered too until it has ended."""
    if not row.is_chat:
        return {"other"}
    if row.is_hidden:
        return {"hidden"}
    if row.stage == ProviderModel.Lifecycle.RETIRED:
        return {"ending"}
    return {"offered", "ending"} if row.stage == ProviderModel.Lifecycle.DEPRECATED else {"offered"}


def _matches(row: ProviderModel, words: Iterable[str]) -> bool:
    name = f"{row.model_id} {row.display_name}".casefold()
    return all(word in name for word in words)


def _concerned(provider: Provider, reader: User, rows: Iterable[ProviderModel]) -> dict[str, Users]:
    """The agents whose model ends, has ended or is gone, by the name that is listed, else by the one they use."""
    used = list(_uses(provider, reader))
    found = standings((provider.pk, model) for model, _agent in used)
    listed = {row.model_id for row in rows}
    concerned: dict[str, Users] = {}
    for model, agent in used:
        if not found[provider.pk, model].needs_care:
            continue
        users = concerned.setdefault(find_listed(model, listed) or model, Users())
        if agent is None:
            users.others += 1
        elif agent not in users.agents:
            users.agents.append(agent)
    return concerned


def _uses(provider: Provider, reader: User) -> Iterator[tuple[str, AgentName | None]]:
    """Each model of the provider that an agent names, with the agent if the reader may see it."""
    # The agents lie a layer above: they are reached through the rows that point here, never by an import.
    agents = provider.agents.model.objects.that_use(provider)
    seen = set(agents.visible_to(reader).values_list("pk", flat=True))
    editable = set(agents.editable_by(reader).values_list("pk", flat=True))
    for agent in agents.only("name", "provider_id", "model", "fallbacks"):
        name = AgentName(agent.pk, agent.name, agent.pk in editable) if agent.pk in seen else None
        for model in {model for provider_id, model in agent.named_models() if provider_id == provider.pk and model}:
            yield model, name
