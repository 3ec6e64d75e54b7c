"""One call whose tokens are booked in the ledger however it ends."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from accounts.models import User
from providers import generation
from providers.bookings import book
from providers.errors import Incomplete, ProviderError, ProviderTimeout
from providers.ledger import Entry, estimate_usage
from providers.models import Provider, UsageRecord
from providers.types import WORDS, ChatRequest, Finish, StreamEvent, ToolCallDelta, Usage


@dataclass(frozen=True, slots=True)
class Call:
    """One question to one model, ready to be sent; ``dropped`` names what was left out of it."""

    provider: Provider
    request: ChatRequest
    dropped: tuple[str, ...] = ()
    agent_name: str = ""


class MeteredCall:
    """A call on somebody's account, or on nobody's. ``record`` is its entry in the ledger, once there is one.

    Without ``waits`` the answer's end does not wait for the entry, and ``record`` stays ``None``.
    """

    def __init__(self, call: Call, user: User | None, *, waits: bool = True) -> None:
        self.record: UsageRecord | None = None
        self.usage: Usage | None = None
        """As told by the provider, else estimated; once the call is over."""
        self._waits = waits
        self._call = call
        self._user = user
        self._written: list[str] = []
        self._is_booked = False

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        """As ``generation.stream``. What was cut off, or failed after it had begun, is booked by estimate."""
        try:
            async with aclosing(generation.stream(self._call.provider, self._call.request)) as events:
                async for event in events:
                    self._note(event)
                    if isinstance(event, Finish):
                        await self._book(event.usage)
                    yield event
        except ProviderError as error:
            if self._written or may_have_cost(error):
                await self._book(None)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            await self._book(None)
            raise

    def _note(self, event: StreamEvent) -> None:
        if isinstance(event, WORDS):
            self._written.append(event.text)
        elif isinstance(event, ToolCallDelta):
            self._written += [event.name, event.arguments]

    async def _book(self, usage: Usage | None) -> None:
        """Write the entry once, even if the caller leaves meanwhile. An answer does not fail for want of its entry."""
        if self._is_booked:
            return
        self._is_booked = True
        self.usage = usage or estimate_usage(self._call.request, "".join(self._written))
        call = self._call
        entry = Entry(self._user, call.provider, call.request.model, self.usage, call.agent_name)
        booking = book(entry, is_urgent=self._waits)
        if self._waits:
            self.record = await asyncio.shield(booking)


def may_have_cost(error: ProviderError) -> bool:
    """Whether the provider may have worked on the question although nothing of the answer arrived."""
    return isinstance(error, Incomplete) or (isinstance(error, ProviderTimeout) and error.phase != "connect")
