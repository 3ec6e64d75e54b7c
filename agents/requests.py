"""From an agent and its messages to what a provider is asked."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from agents.hops import Hop, read_hop
from agents.models import Agent
from providers.errors import ModelNotFound, ProviderUnavailable
from providers.fitting import fit_request, told_capabilities
from providers.metering import Call
from providers.types import Capability, ChatMessage, ChatRequest


def build_request(
    agent: Agent, messages: Sequence[ChatMessage], hop: Hop | None = None
) -> tuple[ChatRequest, tuple[str, ...]]:
    """The request, and the names of the agent's parameters that the model does not take and that were left out.

    Without ``hop`` the agent's own provider and model are meant.
    """
    provider, model = (hop.provider, hop.model) if hop else (agent.provider, agent.model)
    request = ChatRequest(
        model=model,
        messages=tuple(messages),
        system_prompt=agent.system_prompt,
        temperature=agent.temperature,
        top_p=agent.top_p,
        max_tokens=agent.max_tokens,
        reasoning_effort=agent.reasoning_effort or None,
    )
    if provider is None:
        return request, ()
    fitted, dropped = fit_request(provider, request)
    if not agent.response_schema:
        return fitted, dropped
    if told_capabilities(provider.pk, model).get(str(Capability.JSON_SCHEMA)) is False:
        return fitted, (*dropped, "response_schema")
    return replace(fitted, response_schema=agent.response_schema), dropped


def build_calls(agent: Agent, messages: Sequence[ChatMessage]) -> list[Call]:
    """What is asked of whom, in order: the agent's own model, then the fallbacks that can be asked now.

    Raises ``ProviderNotFound`` or ``ModelNotFound`` when the agent has nobody to ask.
    """
    own = read_hop(agent, 0)
    if not own.model:
        raise ModelNotFound(provider=own.provider.name, detail="The agent has no model yet.")
    hops = (own, *_fallbacks(agent))
    return [Call(hop.provider, *build_request(agent, messages, hop), agent.name) for hop in hops]


def _fallbacks(agent: Agent) -> Iterator[Hop]:
    for number in range(1, len(agent.fallbacks) + 1):
        with suppress(ProviderUnavailable):
            yield read_hop(agent, number)
