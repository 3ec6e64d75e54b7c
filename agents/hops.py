"""Whom an agent asks: its own provider and model first, then its fallbacks in their order."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from agents.models import Agent
from agents.validation import sees_provider
from providers.errors import ProviderInactive, ProviderNotFound, ProviderUnavailable
from providers.models import Provider


@dataclass(frozen=True, slots=True)
class Hop:
    """One of those an agent may ask; number 0 is its own provider and model."""

    number: int
    provider: Provider
    model: str


def read_hop(agent: Agent, number: int) -> Hop:
    """The provider and model as they are now; raises ``ProviderNotFound`` or ``ProviderInactive``.

    A fallback must still be visible to the agent's owner, and so must a model that answers alone: what was withdrawn
    is not asked.
    """
    if number == 0:
        if agent.provider is None or (agent.is_bare and not sees_provider(agent.owner, agent.provider)):
            raise ProviderNotFound(model=agent.model)
        return Hop(0, agent.provider, agent.model)
    if number > len(agent.fallbacks):
        raise ProviderNotFound
    fallback = agent.fallbacks[number - 1]
    provider = Provider.objects.filter(pk=fallback["provider"]).first()
    if provider is None or not sees_provider(agent.owner, provider):
        raise ProviderNotFound(model=fallback["model"])
    if not provider.is_active:
        raise ProviderInactive(provider=provider.name, model=fallback["model"])
    return Hop(number, provider, fallback["model"])


def check_switched_on(agent: Agent) -> None:
    """Raise ``ValidationError`` of an agent that is not to answer, whoever asks."""
    if not agent.is_active:
        raise ValidationError({"agent": _("%(agent)s is switched off. Choose another agent.") % {"agent": agent.name}})


def check_reachable(agent: Agent) -> None:
    """Raise ``ProviderNotFound`` or ``ProviderInactive`` of the agent's own provider, unless somebody can be asked."""
    if is_reachable(agent):
        return
    own = read_hop(agent, 0)
    raise ProviderInactive(provider=own.provider.name, model=own.model)


def is_reachable(agent: Agent) -> bool:
    """Whether the agent's own provider or one of its fallbacks can be asked."""
    return any(_can_be_asked(agent, number) for number in range(len(agent.fallbacks) + 1))


def _can_be_asked(agent: Agent, number: int) -> bool:
    try:
        return read_hop(agent, number).provider.is_active
    except ProviderUnavailable:
        return False


def read_hops(agent: Agent) -> Iterator[Hop]:
    """All that can be asked now, in order; what was withdrawn or switched off is left out."""
    for number in range(len(agent.fallbacks) + 1):
        with suppress(ProviderUnavailable):
            yield read_hop(agent, number)
