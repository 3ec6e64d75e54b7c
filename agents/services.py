"""Writes on agents, and asking them. A wrong value surfaces as ``ValidationError`` with the field's name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypedDict, Unpack, cast

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from agents.guide import ensure_practice_agent
from agents.models import Agent
from agents.requests import build_calls, build_request
from agents.validation import Fallback, clean_agent
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


class AgentChanges(TypedDict, total=False):
    """What ``update_agent`` changes; an absent field stays as it is."""

    name: str
    provider: Provider | None
    model: str
    system_prompt: str
    temperature: float | None
    max_tokens: int | None
    top_p: float | None
    description: str
    visibility: str
    starters: Sequence[str]
    fallbacks: Sequence[Fallback]
    reasoning_effort: str
    is_active: bool


def create_agent(
    *,
    owner: User | None,
    name: str,
    provider: Provider | None,
    model: str,
    system_prompt: str = "",
    temperature: float | None = None,
    max_tokens: int | None = None,
    top_p: float | None = None,
    description: str = "",
    visibility: str = "private",
    starters: Sequence[str] = (),
    fallbacks: Sequence[Fallback] = (),
    reasoning_effort: str = "",
    is_active: bool = True,
) -> Agent:
    """A new agent. An empty ``model`` means that none has been chosen yet. Raises ``ValidationError``."""
    agent = Agent(
        owner=owner,
        name=name,
        provider=provider,
        model=model,
        system_prompt=system_prompt,
        temperature=temperature,
        max_tokens=max_tokens,
        top_p=top_p,
        description=description,
        visibility=visibility,
        starters=list(starters),
        fallbacks=list(fallbacks),
        reasoning_effort=reasoning_effort,
        is_active=is_active,
    )
    return _store(agent)


def update_agent(*, agent: Agent, **changes: Unpack[AgentChanges]) -> Agent:
    """Change the given fields and return the fresh row. Raises ``ValidationError``."""
    with transaction.atomic():
        row = Agent.objects.select_for_update().get(pk=agent.pk)
        kept_provider = row.provider_id if "provider" not in changes else None
        for name, value in changes.items():
            setattr(row, name, list(cast("Sequence[object]", value)) if name in {"starters", "fallbacks"} else value)
        return _store(row, kept_provider_id=kept_provider)


def delete_agent(*, agent: Agent) -> None:
    """Remove the agent; conversations with it stay readable."""
    Agent.objects.filter(pk=agent.pk).delete()


def generate_response(
    *, agent: Agent, message: str, history: Sequence[ChatMessage] = (), user: User | None = None
) -> Completion:
    """The agent's answer to ``message`` after ``history``, as ``POST /agents/{id}/generate/`` gives it.

    Its fallbacks are asked when its own model fails, and every call is booked on ``user``, else on the agent's owner.
    Raises ``ProviderError``. Not for callers on an event loop.
    """
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
