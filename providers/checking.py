"""What is done with a provider that was saved just now: its key is tried, and its models come at once."""

from dataclasses import dataclass
from typing import Final

from providers import discovery, generation
from providers.models import Provider

REFUSALS: Final = frozenset({"auth_failed", "permission_denied", "quota_exceeded"})
"""The codes that are about the key, and so belong beside its field."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How many models can be chosen now, and what is wrong in words, empty when nothing is."""

    models: int
    problem: str = ""


def check_provider(*, provider: Provider) -> Checked:
    """Fetch the list and, where a list proves nothing about the key, ask for one word; never raises.

    The provider's health and the reason of a failure are recorded. Waits for ``discovery.LIST_LIMIT`` and
    ``generation.TEST_LIMIT`` seconds at most. Not for callers on an event loop.
    """
    if not provider.is_active:
        return Checked(0)
    discovery.refresh_models(provider=provider)
    fresh = Provider.objects.get(pk=provider.pk)
    models = discovery.list_models(fresh).offered().count()
    if fresh.health == Provider.Health.FAILING:
        return Checked(models, fresh.models_error or fresh.health_message)
    # Anybody's own server may show its list to everyone.
    if models and fresh.kind == "openai-compatible" and fresh.has_api_key:
        result = generation.test_provider(provider=fresh)
        if not result.ok:
            return Checked(models, f"{result.message} {result.hint}")
    return Checked(models, "" if models else fresh.models_error)
