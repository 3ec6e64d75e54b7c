"""Several keys of one provider behind one client: shared out by weight, and one that was refused rests for a while."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Final, TypeVar, cast

from providers import resting
from providers.adapters.base import ProviderClient
from providers.errors import AuthFailed, PermissionRefused, ProviderError, QuotaExceeded, RateLimited
from providers.resting import ring_of
from providers.types import ChatRequest, Ping, StreamEvent

RESTS: Final[Mapping[type[ProviderError], float]] = {AuthFailed: 600.0, QuotaExceeded: 600.0, RateLimited: 30.0}
"""Seconds that a key rests after such an answer, unless the provider says how long."""
SWITCHING: Final[tuple[type[ProviderError], ...]] = (*RESTS, PermissionRefused)
"""Answers that another key might not get; a key that may not use one model does not rest for it."""

Result = TypeVar("Result")


class KeyRing:
    """The clients of one provider, one for each of its keys.

    A call that is refused because of its key is made again with the next key at once, before output only. Keys that
    rest come last: when all of them rest, the call tells whether that is still right.
    """

    def __init__(self, clients: tuple[ProviderClient, ...]) -> None:
        self._clients = {client.config.key_id: client for client in clients}
        self._only = clients[0] if len(clients) == 1 else None
        self._name = ring_of(clients[0].config.provider_id, clients[0].config.revision)

    def stream(self, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """As ``ProviderClient.stream``."""
        return self._only.stream(request) if self._only else self._stream(request)

    async def call(self, operation: Callable[[ProviderClient], Awaitable[Result]]) -> Result:
        """The result of an operation on one of the clients."""
        if self._only:
            return await operation(self._only)
        tried: set[str] = set()
        while True:
            client, was_resting = await self._choose(tried)
            try:
                result = await operation(client)
            except SWITCHING as error:
                if not await self._has_another(client, error, tried):
                    raise
                continue
            if was_resting:
                await resting.wake(self._name, client.config.key_id)
            return result

    async def aclose(self) -> None:
        """Close every client."""
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))

    async def _stream(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        tried: set[str] = set()
        while True:
            client, was_resting = await self._choose(tried)
            has_begun = False
            try:
                async with aclosing(cast("AsyncGenerator[StreamEvent]", client.stream(request))) as events:
                    async for event in events:
                        if not has_begun and not isinstance(event, Ping):
                            has_begun = True
                            if was_resting:
                                await resting.wake(self._name, client.config.key_id)
                        yield event
                return
            except SWITCHING as error:
                if not await self._has_another(client, error, tried) or has_begun:
                    raise

    async def _choose(self, tried: set[str]) -> tuple[ProviderClient, bool]:
        """One that was not tried yet, by weight, and whether it rests: only when there is no other."""
        rests = await resting.resting(self._name)
        left = [key_id for key_id in self._clients if key_id not in tried]
        awake = [key_id for key_id in left if key_id not in rests]
        if not awake:
            return self._clients[min(left, key=lambda key_id: rests[key_id].until)], True
        weights = [self._clients[key_id].config.key_weight for key_id in awake]
        return self._clients[random.choices(awake, weights)[0]], False

    async def _has_another(self, client: ProviderClient, error: ProviderError, tried: set[str]) -> bool:
        """Send the key to rest if it deserves it; whether a key is left that was not tried."""
        tried.add(client.config.key_id)
        seconds = RESTS.get(type(error))
        if seconds is not None:
            asked = error.retry_after if isinstance(error, RateLimited) else None
            rest = seconds if asked is None else asked
            await resting.put_to_rest(self._name, client.config.key_id, rest, error.code)
        return len(tried) < len(self._clients)
