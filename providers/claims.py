"""Who fetches a provider's models at the moment: a claim in its row, so that no two processes do it at once.

The database holds the claim because it is what every process has; one that died leaves a claim that runs out.
"""

import time
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from providers.models import Provider

CLAIM: Final = timedelta(seconds=60)  # longer than any refresh takes
POLL: Final = 0.2  # seconds


def take(provider_id: UUID) -> datetime | None:
    """The claim, or ``None`` while somebody else has it or when the provider is gone."""
    now = timezone.now()
    free = Q(models_claimed_until=None) | Q(models_claimed_until__lt=now)
    claim = now + CLAIM
    taken = Provider.objects.filter(free, pk=provider_id).update(models_claimed_until=claim)
    return claim if taken else None


def give_back(provider_id: UUID, claim: datetime, *, revision: int | None = None) -> bool:
    """Let others have it; with a ``revision`` only if the provider is still at it, in one statement.

    False means that the provider was saved meanwhile: whoever wanted it fetched then found the claim taken.
    """
    mine = Provider.objects.filter(pk=provider_id, models_claimed_until=claim)
    if revision is not None:
        mine = mine.filter(revision=revision)
    return bool(mine.update(models_claimed_until=None))


def is_taken(provider: Provider) -> bool:
    """Whether somebody is fetching, as the row was read."""
    return provider.models_claimed_until is not None and provider.models_claimed_until > timezone.now()


def await_end(provider_id: UUID, limit: float) -> None:
    """Wait until whoever fetches has finished, ``limit`` seconds at most."""
    deadline = time.monotonic() + limit
    taken = Provider.objects.filter(pk=provider_id, models_claimed_until__gt=timezone.now())
    while taken.exists() and time.monotonic() < deadline:
        time.sleep(POLL)
