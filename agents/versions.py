"""The history of an agent: what it did at every save."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypedDict, cast
from uuid import UUID

from django.db.models import Max
from django.shortcuts import get_object_or_404

from accounts.models import User
from agents.models import Agent, AgentVersion
from providers.models import Provider

KEPT: Final = 200
"""Versions of one agent; older ones go."""
PLAIN: Final = (
    "name", "description", "icon", "colour", "model", "system_prompt", "temperature", "top_p", "max_tokens",
    "reasoning_effort", "response_schema", "starters",
)  # fmt: skip


class NamedProvider(TypedDict):
    """A provider as it was called then; the id finds it however it is called now."""

    id: str
    name: str
    kind: str


class NamedModel(TypedDict):
    """A model at a provider, which may be gone since."""

    provider: NamedProvider | None
    model: str


class Snapshot(TypedDict):
    """Everything of an agent that shapes its answers or its looks; nothing about who may use it."""

    name: str
    description: str
    icon: str
    colour: str
    provider: NamedProvider | None
    model: str
    system_prompt: str
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    reasoning_effort: str
    response_schema: dict[str, Any] | None
    starters: list[str]
    fallbacks: list[NamedModel]


def take_snapshot(agent: Agent) -> Snapshot:
    """The agent as it is now."""
    own, *others = agent.named_models()
    named = _named_providers(pk for pk, _model in (own, *others))
    plain = {name: getattr(agent, name) for name in PLAIN}
    fallbacks = [NamedModel(provider=named.get(pk), model=model) for pk, model in others]
    return cast("Snapshot", {**plain, "provider": named.get(own[0]), "fallbacks": fallbacks})


def record_version(
    *, agent: Agent, author: User | None, note: str = "", restored_from: int | None = None
) -> AgentVersion | None:
    """The agent as a new version, or nothing when nothing has changed that shapes it.

    The caller holds the agent's row, so that numbers have no gaps and none comes twice.
    """
    snapshot = take_snapshot(agent)
    last = agent.versions.first()
    if last is not None and restored_from is None and essence(last.snapshot) == essence(snapshot):
        return None
    number = (agent.versions.aggregate(highest=Max("number"))["highest"] or 0) + 1
    agent.versions.filter(number__lte=number - KEPT).delete()
    return AgentVersion.objects.create(
        agent=agent, number=number, author=author, snapshot=snapshot, note=note, restored_from=restored_from
    )


def find_version(agent: Agent, number: int | str) -> AgentVersion:
    """The version of this number; raises ``Http404``."""
    return get_object_or_404(agent.versions.select_related("agent", "author"), number=number)


def essence(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """The snapshot without what makes no other agent: what a provider was called, and how lines end."""
    return {
        **snapshot,
        "system_prompt": snapshot.get("system_prompt", "").replace("\r\n", "\n"),
        "provider": _id(snapshot.get("provider")),
        "fallbacks": [(_id(row["provider"]), row["model"]) for row in snapshot.get("fallbacks", ())],
    }


def _id(provider: NamedProvider | None) -> str:
    return provider["id"] if provider else ""


def _named_providers(pks: Iterable[UUID | None]) -> dict[UUID | None, NamedProvider]:
    rows = Provider.objects.filter(pk__in={pk for pk in pks if pk}).values_list("pk", "name", "kind")
    return {pk: NamedProvider(id=str(pk), name=name, kind=kind) for pk, name, kind in rows}
