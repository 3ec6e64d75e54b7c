"""Writes on agents, and asking them. A wrong value surfaces as ``ValidationError`` with the field's name."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypedDict, Unpack, cast

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from agents.guide import ensure_practice_agent
from agents.hops import check_switched_on
from agents.models import Agent
from agents.requests import build_calls, build_request
from agents.validation import Fallback, check_groups, clean_agent, clean_note
from agents.versions import record_version
from providers import engine, generation
from providers.answering import Answering
from providers.errors import ProviderNotFound
from providers.generation import TestResult
from providers.models import Provider
from providers.slugs import free_slug
from providers.types import ChatMessage, Completion

__all__ = [
    "AgentChanges",
    "Fallback",
    "build_calls",
    "build_request",
    "create_agent",
    "delete_agent",
    "ensure_practice_agent",
    "generate_response",
    "test_agent",
    "update_agent",
]


class AgentFields(TypedDict, total=False):
    """What an agent has beyond its name and its model; an absent field of a new one is empty, private and active."""

    system_prompt: str
    temperature: float | None
    max_tokens: int | None
    top_p: float | None
    description: str
    visibility: str
    starters: Sequence[str]
    fallbacks: Sequence[Fallback]
    reasoning_effort: str
    response_schema: Mapping[str, object] | None
    icon: str
    colour: str
    groups: Collection[Group]
    is_active: bool


class AgentChanges(AgentFields, total=False):
    """What ``update_agent`` changes; an absent field stays as it is."""

    name: str
    provider: Provider | None
    model: str


def create_agent(
    *,
    owner: User | None,
    name: str,
    provider: Provider | None,
    model: str,
    author: User | None = None,
    note: str = "",
    **fields: Unpack[AgentFields],
) -> Agent:
    """A new agent, and its version 1, written by ``author``, else the owner.

    An empty ``model`` means that none has been chosen yet. Raises ``ValidationError``.
    """
    agent = Agent(owner=owner, name=name, provider=provider, model=model)
    groups = fields.pop("groups", ())
    apply_changes(agent, fields)
    with transaction.atomic():
        check_groups(agent, groups)
        _store(agent)
        agent.groups.set(groups)
        record_version(agent=agent, author=author or owner, note=clean_note(note))
    return agent


def update_agent(
    *,
    agent: Agent,
    author: User | None = None,
    note: str = "",
    restored_from: int | None = None,
    **changes: Unpack[AgentChanges],
) -> Agent:
    """Change the given fields and return the fresh row. Raises ``ValidationError``.

    What changes the agent's answers or looks becomes a new version of ``author``'s, with ``note``.
    """
    with transaction.atomic():
        row = Agent.objects.select_for_update().get(pk=agent.pk)
        kept_provider = row.provider_id if "provider" not in changes else None
        groups = changes.pop("groups", None)
        apply_changes(row, changes)
        if groups is not None or "visibility" in changes:
            kept = list(row.groups.all())
            check_groups(row, kept if groups is None else groups, kept=kept)
        _store(row, kept_provider_id=kept_provider)
        if groups is not None:
            row.groups.set(groups)
        record_version(agent=row, author=author, note=clean_note(note), restored_from=restored_from)
        return row


def apply_changes(agent: Agent, changes: AgentFields) -> None:
    """Set the fields, groups aside; saves and checks nothing."""
    for name, value in changes.items():
        setattr(agent, name, list(cast("Sequence[object]", value)) if name in {"starters", "fallbacks"} else value)


def delete_agent(*, agent: Agent) -> None:
    """Remove the agent; conversations with it stay readable."""
    Agent.objects.filter(pk=agent.pk).delete()


def generate_response(
    *, agent: Agent, message: str, history: Sequence[ChatMessage] = (), user: User | None = None
) -> Completion:
    """The agent's answer to ``message`` after ``history``, as ``POST /agents/{id}/generate/`` gives it.

    Its fallbacks are asked when its own model fails, and every call is booked on ``user``, else on the agent's owner.
    Raises ``ProviderError``, and ``ValidationError`` when the agent is switched off. Not for callers on an event loop.
    """
    check_switched_on(agent)
    calls = build_calls(agent, [*history, ChatMessage(role="user", content=message)])
    answering = Answering(calls, user=user or agent.owner)
    return replace(engine.run(answering.whole()), dropped=answering.call.dropped)


def test_agent(*, agent: Agent) -> TestResult:
    """As ``providers.generation.test_provider``, with the agent's provider and model."""
    if agent.provider is None:
        error = ProviderNotFound()
        return TestResult(False, error.code, error.message, error.hint, agent.model, 0, error.detail)
    return generation.test_provider(provider=agent.provider, model=agent.model or None)


test_agent.__test__ = False  # type: ignore[attr-defined]  # not a test, whatever its name tells a test runner


def _store(agent: Agent, *, kept_provider_id: object = None) -> Agent:
    clean_agent(agent, kept_provider_id=kept_provider_id)
    agent.slug = agent.slug or free_slug(Agent.objects.all(), agent.name, "agent")
    try:
        with transaction.atomic():
            agent.save()
    except IntegrityError:
        raise ValidationError({"name": _("There is an agent with this name already.")}) from None
    return agent
