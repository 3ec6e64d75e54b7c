"""From an agent and its messages to what a provider is asked."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from agents.models import Agent
from providers.errors import ModelNotFound, ProviderNotFound
from providers.fitting import fit_request
from providers.metering import Call
from providers.models import Provider
from providers.types import ChatMessage, ChatRequest


def build_request(agent: Agent, messages: Sequence[ChatMessage]) -> tuple[ChatRequest, tuple[str, ...]]:
    """The request, and the names of the agent's parameters that its model does not take and that were left out."""
    request = _request(agent, messages)
    return (request, ()) if agent.provider is None else fit_request(agent.provider, request)


def build_calls(agent: Agent, messages: Sequence[ChatMessage]) -> list[Call]:
    """What is asked of whom, in order: the agent's own model, then its fallbacks.

    Raises ``ProviderNotFound`` or ``ModelNotFound`` when the agent has nobody to ask.
    """
    if agent.provider is None:
        raise ProviderNotFound
    if not agent.model:
        raise ModelNotFound(provider=agent.provider.name, detail="The agent has no model yet.")
    asked = _request(agent, messages)
    choices = [(agent.provider, agent.model), *_fallbacks(agent)]
    fitted = ((provider, *fit_request(provider, replace(asked, model=model))) for provider, model in choices)
    return [Call(provider, request, dropped, agent.name) for provider, request, dropped in fitted]


def _request(agent: Agent, messages: Sequence[ChatMessage]) -> ChatRequest:
    return ChatRequest(
        model=agent.model,
        messages=tuple(messages),
        system_prompt=agent.system_prompt,
        temperature=agent.temperature,
        top_p=agent.top_p,
        max_tokens=agent.max_tokens,
        reasoning_effort=agent.reasoning_effort or None,
    )


def _fallbacks(agent: Agent) -> Iterator[tuple[Provider, str]]:
    """Those whose providers still exist and that the agent's owner may still use."""
    owned = Provider.objects.visible_to(agent.owner) if agent.owner else Provider.objects.filter(is_shared=True)
    providers = {str(row.pk): row for row in owned.filter(pk__in=[given["provider"] for given in agent.fallbacks])}
    for given in agent.fallbacks:
        if given["provider"] in providers:
            yield providers[given["provider"]], given["model"]
