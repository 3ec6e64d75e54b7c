"""From an agent and its messages to what a provider is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from agents.models import Agent
from providers import adapters, families
from providers.models import Provider, ProviderModel
from providers.types import Capability, ChatMessage, ChatRequest

# The parameters that depend on what the model can do.
NEEDS: Final = {
    "temperature": Capability.SAMPLING,
    "top_p": Capability.SAMPLING,
    "reasoning_effort": Capability.REASONING,
}


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
    return (request, ()) if agent.provider is None else drop_unsupported(agent.provider, request)


def drop_unsupported(provider: Provider, request: ChatRequest) -> tuple[ChatRequest, tuple[str, ...]]:
    """The request without the parameters that this provider's model does not take, and the names of these."""
    row = ProviderModel.objects.filter(provider=provider, model_id=request.model).first()
    told: Mapping[str, bool] = row.capabilities if row else _known(request.model)
    by_dialect = set(adapters.dropped_fields(provider.kind, request))
    dropped = tuple(
        name
        for name, capability in NEEDS.items()
        if getattr(request, name) is not None and (name in by_dialect or told.get(str(capability)) is False)
    )
    kept = replace(
        request,
        temperature=None if "temperature" in dropped else request.temperature,
        top_p=None if "top_p" in dropped else request.top_p,
        reasoning_effort=None if "reasoning_effort" in dropped else request.reasoning_effort,
    )
    return kept, dropped


def _known(model: str) -> Mapping[str, bool]:
    return {str(capability): told for capability, told in families.known_capabilities(model).items()}
