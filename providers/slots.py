"""At most so many calls of a provider at the same time, over all processes.

A call holds a lease in Valkey that it renews; the lease of a process that died runs out. Without Valkey every process
keeps to the limit by itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from typing import Final, cast
from uuid import uuid4

import redis

from providers import valkey
from providers.errors import ProviderBusy
from providers.outage import outage

LEASE: Final = 30  # seconds
RENEW_EVERY: Final = 10.0  # seconds
FIRST_PAUSE: Final = 0.02  # seconds between two tries to get a slot, doubling up to LONGEST_PAUSE
LONGEST_PAUSE: Final = 0.25
TAKE: Final = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('EXPIRE', KEYS[1], 2 * tonumber(ARGV[3]))
return 1
"""
RENEW: Final = """
redis.call('ZADD', KEYS[1], redis.call('TIME')[1] + tonumber(ARGV[2]), ARGV[1])
redis.call('EXPIRE', KEYS[1], 2 * tonumber(ARGV[2]))
"""
_background: set[asyncio.Task[None]] = set()
_held: defaultdict[str, set[str]] = defaultdict(set)
"""Leases that this process holds, by key; a set, because the loops of several threads share it."""


class Slots:
    """The slots of one provider, for the callers of one event loop. First come, first served within the loop."""

    def __init__(self, provider_id: str, provider_name: str, limit: int, patience: float) -> None:
        self._provider_name = provider_name
        self._key = valkey.key("registry", "slots", provider_id)
        self._limit = limit
        self._patience = patience
        self._turn = asyncio.Lock()
        self._held = _held
        self._is_closed = False

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Hold a slot; ``ProviderBusy`` after ``close``, or when none became free in ``patience`` seconds."""
        lease = uuid4().hex
        try:
            async with asyncio.timeout(self._patience):
                await self._wait_for(lease)
        except TimeoutError:
            raise ProviderBusy(provider=self._provider_name) from None
        self._held[self._key].add(lease)
        renewal = asyncio.create_task(self._renew(lease))
        try:
            yield
        finally:
            self._held[self._key].discard(lease)
            renewal.cancel()
            self._release(lease)

    def close(self) -> None:
        """Whoever waits, or comes later, gets no slot; runs on the waiting callers' loop."""
        self._is_closed = True

    async def _wait_for(self, lease: str) -> None:
        async with self._turn:
            pause = FIRST_PAUSE
            while not self._is_closed:
                if await self._try(lease):
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        raise ProviderBusy(provider=self._provider_name)

    async def _try(self, lease: str) -> bool:
        if len(self._held[self._key]) >= self._limit:
            return False
        try:
            granted = await outage.aguard(
                lambda client: cast("Awaitable[int]", client.eval(TAKE, 1, self._key, lease, self._limit, LEASE)), 1
            )
        except asyncio.CancelledError:
            self._release(lease)  # it may have been granted
            raise
        return bool(granted)

    async def _renew(self, lease: str) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            with suppress(redis.RedisError, OSError):
                await valkey.async_client().eval(RENEW, 1, self._key, lease, LEASE)

    def _release(self, lease: str) -> None:
        """In the background: whoever was cancelled does not wait for Valkey."""
        task = asyncio.create_task(self._give_back(lease))
        _background.add(task)
        task.add_done_callback(_background.discard)

    async def _give_back(self, lease: str) -> None:
        await outage.aguard(lambda client: client.zrem(self._key, lease), 0)
