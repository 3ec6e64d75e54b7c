"""Which agents use models that end, have ended, or are not listed any more."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from agents.models import Agent
from providers.standing import UNKNOWN, Standing, standings


@dataclass(frozen=True, slots=True)
class AgentStanding:
    """How the agent's own model stands, and those of its fallbacks that need care, by their names."""

    model: Standing
    fallbacks: tuple[tuple[str, Standing], ...] = ()


def agent_standings(agents: Iterable[Agent]) -> dict[UUID, AgentStanding]:
    """How the models of these agents stand, in two queries at most however many there are."""
    named = {agent.pk: agent.named_models() for agent in agents}
    found = standings(model for models in named.values() for model in models)
    return {
        pk: AgentStanding(
            model=found.get(own, UNKNOWN),
            fallbacks=tuple((name[1], found[name]) for name in others if name in found and found[name].needs_care),
        )
        for pk, (own, *others) in named.items()
    }
