"""Copies of an agent: inside this Wiz, and as a file that another Wiz can read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NotRequired, TypedDict, cast

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Action, record_event
from accounts.models import User
from agents.models import Agent
from agents.services import create_agent
from agents.validation import LINES, Fallback, sees_provider
from agents.versions import PLAIN, NamedProvider, take_snapshot
from providers.models import Provider

FORMAT: Final = 1
NAMES_TRIED: Final = 100
COPIED: Final = tuple(name for name in PLAIN if name not in {"name", "model"})


class ModelReference(TypedDict):
    """A model at a provider of some name and kind; no id, for ids belong to one installation."""

    provider: str
    kind: str
    model: str


class AgentFile(TypedDict):
    """An agent that travels. ``wiz_agent`` is the version of this form."""

    wiz_agent: int
    name: str
    description: NotRequired[str]
    icon: NotRequired[str]
    colour: NotRequired[str]
    model: ModelReference | None
    fallbacks: NotRequired[list[ModelReference]]
    system_prompt: NotRequired[str]
    temperature: NotRequired[float | None]
    top_p: NotRequired[float | None]
    max_tokens: NotRequired[int | None]
    reasoning_effort: NotRequired[str]
    response_schema: NotRequired[dict[str, Any] | None]
    starters: NotRequired[list[str]]


class ProviderAsked(ValidationError):
    """No provider of the importer's fits the one that is named in the file: somebody has to choose."""


@dataclass(frozen=True, slots=True)
class Imported:
    """The new agent, and the fallbacks that nobody here can answer for."""

    agent: Agent
    left_out: list[str] = field(default_factory=list)


@transaction.atomic
def clone_agent(*, agent: Agent, owner: User) -> Agent:
    """A private copy of ``owner``'s own, its history beginning anew. Raises ``ValidationError``.

    For those who may read the agent's instructions only: the caller has looked.
    """
    values: dict[str, Any] = {name: getattr(agent, name) for name in COPIED}
    return create_agent(
        owner=owner,
        name=free_name(owner, _("%s copy") % agent.name),
        provider=agent.provider if agent.provider and sees_provider(owner, agent.provider) else None,
        model=agent.model,
        fallbacks=[row for row in agent.fallbacks if _may_fall_back(owner, row)],
        note=_("Copied from %s") % agent.name,
        **values,
    )


def export_agent(*, agent: Agent) -> AgentFile:
    """The agent without keys, ids and people, for those who may read its instructions."""
    snapshot = take_snapshot(agent)
    record_event(action=Action.EXPORTED, target=agent)
    fallbacks = [_reference(row["provider"], row["model"]) for row in snapshot["fallbacks"] if row["provider"]]
    values: dict[str, Any] = {name: value for name, value in snapshot.items() if name in COPIED}
    model = _reference(snapshot["provider"], snapshot["model"]) if snapshot["provider"] else None
    travelling = {"wiz_agent": FORMAT, "name": agent.name, "model": model, "fallbacks": fallbacks, **values}
    return cast("AgentFile", travelling)


@transaction.atomic
def import_agent(*, owner: User, file: AgentFile, provider: Provider | None = None) -> Imported:
    """A private agent of ``owner``'s, as the file describes it.

    Its provider is the given one, else that of the same kind and name, else the only one of that kind that ``owner``
    may use. Raises ``ProviderAsked`` when there is none or when there are several, else ``ValidationError``.
    """
    offered = list(Provider.objects.visible_to(owner).active())
    reference = file["model"]
    chosen = provider or (match_provider(reference, offered) if reference else None)
    if reference is not None and chosen is None:
        named = {"name": reference["provider"], "kind": reference["kind"]}
        raise ProviderAsked({"provider": [_("Choose who answers here: no provider fits %(name)s (%(kind)s).") % named]})
    fallbacks = [(row, match_provider(row, offered)) for row in file.get("fallbacks", [])]
    values: dict[str, Any] = {name: file[name] for name in COPIED if name in file}
    agent = create_agent(
        owner=owner,
        name=free_name(owner, file["name"]),
        provider=chosen,
        model=reference["model"] if reference else "",
        fallbacks=[Fallback(provider=str(found.pk), model=row["model"]) for row, found in fallbacks if found],
        note=_("Imported"),
        **values,
    )
    record_event(action=Action.IMPORTED, target=agent)
    return Imported(agent, [f"{row['provider']} · {row['model']}" for row, found in fallbacks if not found])


def match_provider(reference: ModelReference, offered: Sequence[Provider]) -> Provider | None:
    """The provider of this kind and name, else the only one of this kind."""
    same_kind = [provider for provider in offered if provider.kind == reference["kind"]]
    same_name = [provider for provider in same_kind if provider.name.casefold() == reference["provider"].casefold()]
    found = same_name or same_kind
    return found[0] if len(found) == 1 else None


def free_name(owner: User, name: str) -> str:
    """The name, with a number behind it when the owner has such an agent already."""
    longest = LINES["name"]
    taken = set(Agent.objects.filter(owner=owner).values_list("name", flat=True))
    numbered = (f"{name[: longest - 4].rstrip()} {number}" for number in range(2, NAMES_TRIED))
    plain = name.strip()[:longest].rstrip()
    return plain if plain not in taken else next((other for other in numbered if other not in taken), plain)


def _reference(provider: NamedProvider, model: str) -> ModelReference:
    return ModelReference(provider=provider["name"], kind=provider["kind"], model=model)


def _may_fall_back(owner: User, row: Mapping[str, str]) -> bool:
    provider = Provider.objects.filter(pk=row["provider"]).first()
    return provider is not None and sees_provider(owner, provider)
