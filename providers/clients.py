"""Level one of the registry: ready clients, per event loop, because an async client dies with its loop."""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, nullcontext, suppress
from threading import Lock
from typing import NamedTuple, TypeVar, cast

from providers.adapters.base import ProviderClient
from providers.errors import ConnectionFailed, ProviderError, ProviderInactive
from providers.key_ring import KeyRing
from providers.slots import Slots
from providers.types import ChatRequest, ClientConfig, Completion, EmbeddingRequest, Embeddings, ModelInfo, StreamEvent
from providers.withdrawal import watched

Value = TypeVar("Value")
GRACE = 1.0  # seconds between a client's last use and its closing, for whoever just got hold of it


class ClientKey(NamedTuple):
    """A configuration never changes under its revision."""

    provider_id: str
    revision: int


class SharedClient:
    """A client that many callers use at once; once retired it closes when its running calls have finished.

    Keeps to the provider's limit of calls at the same time, and shares the calls out among its keys.
    """

    def __init__(self, client: ProviderClient, *further: ProviderClient, stored_url: str) -> None:
        self._ring = KeyRing((client, *further))
        self.stored_url = stored_url
        self._calls = 0
        self._retired = self._withdrawn = False
        self._closing: asyncio.Task[None] | None = None
        self.config: ClientConfig = client.config
        self._slots = slots_of(client.config)
        self.used_at = time.monotonic()

    async def stream(self, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """As ``ProviderClient.stream``; raises ``ProviderBusy`` too."""
        async with self._call():
            events = cast("AsyncGenerator[StreamEvent]", self._ring.stream(request))
            async with aclosing(events):
                async for event in events:
                    yield event

    async def complete(self, request: ChatRequest) -> Completion:
        """As ``ProviderClient.complete``; raises ``ProviderBusy`` too."""
        async with self._call():
            return await self._ring.call(lambda client: client.complete(request))

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """As ``ProviderClient.embed``; raises ``ProviderBusy`` too."""
        async with self._call():
            return await self._ring.call(lambda client: client.embed(request))

    async def list_models(self) -> list[ModelInfo]:
        """As ``ProviderClient.list_models``; needs no slot."""
        async with self._call(needs_slot=False):
            return await self._ring.call(lambda client: client.list_models())

    async def aclose(self) -> None:
        """Retire it: whoever shares it finishes first."""
        self.retire()

    def retire(self) -> None:
        """Close as soon as nobody uses it; runs on the client's own loop."""
        self._retired = True
        self._close_soon()

    @property
    def is_busy(self) -> bool:
        """Whether a call is running."""
        return self._calls > 0

    async def withdraw(self) -> None:
        """End every running call with ``ProviderInactive``: its provider was switched off or deleted."""
        self._withdrawn = self._retired = True
        if self._slots is not None:
            self._slots.close()
        await self._close()

    @asynccontextmanager
    async def _call(self, *, needs_slot: bool = True) -> AsyncIterator[None]:
        if self._withdrawn:
            raise ProviderInactive(provider=self.config.provider_name)
        if self._closing is not None:
            raise ConnectionFailed(provider=self.config.provider_name, detail="The provider was changed meanwhile.")
        self._calls += 1
        try:
            with watched(self):
                async with self._slots.take() if self._slots and needs_slot else nullcontext():
                    yield
        except ProviderError:
            if not self._withdrawn:
                raise
            raise ProviderInactive(provider=self.config.provider_name) from None
        finally:
            self._calls -= 1
            self.used_at = time.monotonic()
            if self._retired:
                self._close_soon()

    def _close_soon(self) -> None:
        if not self.is_busy:
            asyncio.get_running_loop().call_later(GRACE, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self.is_busy:
            self._close()

    def _close(self) -> asyncio.Task[None]:
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(self._ring.aclose())
        return self._closing


def slots_of(config: ClientConfig) -> Slots | None:
    """Where a call gets its slot; nothing where the provider has no limit."""
    if config.max_concurrency is None:
        return None
    patience = config.timeouts.first_event
    return Slots(config.provider_id, config.provider_name, config.max_concurrency, patience)


class LoopClients:
    """The clients of one event loop. Every method but ``snapshot`` runs on that loop, so nothing needs a lock."""

    def __init__(self) -> None:
        self._clients: OrderedDict[ClientKey, SharedClient] = OrderedDict()
        self.pending: dict[str, asyncio.Task[SharedClient]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def get(self, key: ClientKey) -> SharedClient | None:
        """The client, which counts as used now."""
        if (client := self._clients.get(key)) is not None:
            client.used_at = time.monotonic()
            self._clients.move_to_end(key)
        return client

    def put(self, key: ClientKey, client: SharedClient, *, limit: int) -> None:
        """Add a client; its older revisions go, and beyond ``limit`` those that were not used for longest."""
        self.drop(key.provider_id)
        self._clients[key] = client
        while len(self._clients) > limit:
            _, oldest = self._clients.popitem(last=False)
            oldest.retire()

    def drop(self, provider_id: str | None = None) -> None:
        """Retire the clients of one provider, or all."""
        for key in [key for key in self._clients if provider_id in (None, key.provider_id)]:
            self._clients.pop(key).retire()

    def sweep_from_now_on(self, seconds: float) -> None:
        """Retire idle clients again and again, as long as there are any: a process that sleeps keeps no key."""
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(seconds / 4, self._sweep_now, seconds)

    def _sweep_now(self, seconds: float) -> None:
        self._sweep = None
        self.drop_idle(seconds)
        if self._clients:
            self.sweep_from_now_on(seconds)

    def drop_idle(self, seconds: float) -> None:
        """Retire what nobody used for so long."""
        limit = time.monotonic() - seconds
        for key in [key for key, client in self._clients.items() if client.used_at < limit and not client.is_busy]:
            self._clients.pop(key).retire()

    def snapshot(self) -> dict[str, float]:
        """Provider id → seconds since its last use; safe from any thread."""
        now = time.monotonic()
        return {key.provider_id: now - client.used_at for key, client in list(self._clients.items())}


_loops: dict[asyncio.AbstractEventLoop, LoopClients] = {}
_lock = Lock()


def of_running_loop() -> LoopClients:
    """The clients of the loop that runs here."""
    loop = asyncio.get_running_loop()
    with _lock:
        if loop not in _loops:
            for dead in [other for other in _loops if other.is_closed()]:
                del _loops[dead]
            _loops[loop] = LoopClients()
        return _loops[loop]


def drop_everywhere(provider_id: str | None = None) -> None:
    """Retire the clients of one provider, or all, on every loop of this process; callable from any thread."""
    for loop, clients in _living():
        _call_on(loop, clients.drop, provider_id)


def drop_idle_everywhere(seconds: float) -> None:
    """Retire on every loop of this process what nobody used for so long; callable from any thread."""
    for loop, clients in _living():
        _call_on(loop, clients.drop_idle, seconds)


def used_here() -> dict[str, float]:
    """Provider id → seconds since its last use in this process."""
    ages: dict[str, float] = {}
    for _, clients in _living():
        for provider_id, age in clients.snapshot().items():
            ages[provider_id] = min(age, ages.get(provider_id, age))
    return ages


def _living() -> list[tuple[asyncio.AbstractEventLoop, LoopClients]]:
    with _lock:
        for dead in [loop for loop in _loops if loop.is_closed()]:
            del _loops[dead]
        return list(_loops.items())


def _call_on(loop: asyncio.AbstractEventLoop, action: Callable[[Value], None], value: Value) -> None:
    """At once when this is the loop's own thread, so that the caller's next look sees it; else soon."""
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    if loop is running:
        action(value)
        return
    with suppress(RuntimeError):  # the loop closed meanwhile
        loop.call_soon_threadsafe(action, value)


def _forget_parent() -> None:
    """A forked child has none of the parent's loops, and may have caught the lock while it was held."""
    global _lock  # noqa: PLW0603 - a lock cannot be reset
    _lock = Lock()
    _loops.clear()


os.register_at_fork(after_in_child=_forget_parent)
