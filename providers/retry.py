"""The one retry policy: which errors, how often, how long.

Only before output: a caller whose reader has seen text must not ask for another attempt.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from providers.errors import ProviderError

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """All times in seconds. ``attempts`` counts the first try too; no attempt begins later than ``total``."""

    attempts: int = 3
    base: float = 0.5
    ceiling: float = 20.0
    longest_wait: float = 300.0
    """A provider that asks for a longer wait is not asked again."""
    total: float = 600.0


DEFAULT = RetryPolicy()
NO_RETRY = RetryPolicy(attempts=1)


def next_delay(error: ProviderError, attempt: int, policy: RetryPolicy = DEFAULT) -> float | None:
    """Seconds to wait after ``attempt`` (counted from 1) failed with ``error``; ``None`` means give up.

    What the provider asks for wins, within ``longest_wait``. Otherwise full jitter below an exponential bound, as in
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.
    """
    if not error.retryable or attempt >= policy.attempts:
        return None
    asked = error.retry_after
    if asked is not None and math.isfinite(asked) and asked >= 0:
        return asked if asked <= policy.longest_wait else None
    bound = min(policy.ceiling, policy.base * 2.0 ** min(attempt - 1, 30))
    return random.uniform(0, bound)


async def with_retry(operation: Callable[[], Awaitable[Result]], policy: RetryPolicy = DEFAULT) -> Result:
    """The result of ``operation``, tried again as ``policy`` allows; raises the last ``ProviderError``.

    Cancelling it ends a wait at once.
    """
    started = time.monotonic()
    attempt = 0
    while True:
        attempt += 1
        try:
            return await operation()
        except ProviderError as error:
            delay = next_delay(error, attempt, policy)
            if delay is None or time.monotonic() - started + delay > policy.total:
                raise
        await asyncio.sleep(delay)
