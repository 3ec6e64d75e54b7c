"""Asking Valkey for what can be done without: quickly, and not again and again while it is away or hangs."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import redis
import redis.asyncio

from providers import valkey

PAUSE: Final = 5.0  # seconds without Valkey after a failure, so that an outage costs one time-out and not one per call
BRIEFLY: Final = 1.0  # seconds; the pause for hints, each of which is worth one more try

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


class Outage:
    """Whether Valkey was away when this process last asked. Its beginning is logged, once per outage."""

    def __init__(self) -> None:
        self._failed_at: float | None = None

    def guard(self, action: Callable[[redis.Redis], Result], default: Result, *, pause: float = PAUSE) -> Result:
        """``action``'s result, or ``default`` when Valkey is away, or was within the last ``pause`` seconds."""
        if self.is_on(pause):
            return default
        try:
            result = action(valkey.quick_client())
        except (redis.RedisError, OSError) as error:
            self._begin(error)
            return default
        self.forget()
        return result

    async def aguard(self, action: Callable[[redis.asyncio.Redis], Awaitable[Result]], default: Result) -> Result:
        """As ``guard``, on an event loop."""
        if self.is_on():
            return default
        try:
            async with asyncio.timeout(valkey.QUICK):
                result = await action(valkey.async_client())
        except (redis.RedisError, OSError) as error:
            self._begin(error)
            return default
        self.forget()
        return result

    def is_on(self, pause: float = PAUSE) -> bool:
        """Whether nobody should ask now."""
        return self._failed_at is not None and time.monotonic() < self._failed_at + pause

    def forget(self) -> None:
        """Valkey has answered."""
        self._failed_at = None

    def _begin(self, error: Exception) -> None:
        if self._failed_at is None:
            logger.warning("Valkey is away (%s); providers are read from the database.", type(error).__name__)
        self._failed_at = time.monotonic()


outage = Outage()
