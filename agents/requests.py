"""From an agent and its messages to what a provider is asked."""

from collections.abc import Sequence

from agents.models import Agent
from providers.fitting import fit_request
from providers.types import ChatMessage, ChatRequest


def build_request(agent: Agent, messages: Sequence[ChatMessage]) -> tuple[ChatRequest, tuple[str, ...]]:
    """The request, and the names of the agent's parameters that its model does not take and that were left out."""
    request = ChatRequest(
        model=agent.model,
        messages=tuple(messages),
        system_prompt=agent.system_prompt,
        temperature=agent.temperature,
        top_p=agent.top_p,
        max_tokens=agent.max_tokens,
        reasoning_effort=agent.reasoning_effort or None,
    )
    return (request, ()) if agent.provider is None else fit_request(agent.provider, request)
