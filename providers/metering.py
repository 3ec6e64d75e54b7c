"""One call whose tokens are booked in the ledger however it ends."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from django.db import DatabaseError

from accounts.models import User
from providers import generation
from providers.database import in_thread
from providers.errors import Incomplete, ProviderError, ProviderTimeout
from providers.ledger import estimate_usage, record_usage
from providers.models import Provider, UsageRecord
from providers.types import ChatRequest, Finish, ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta, Usage

logger = logging.getLogger(__name__)
_bookings: set["asyncio.Task[UsageRecord]"] = set()


@dataclass(frozen=True, slots=True)
class Call:
    """One question to one model, ready to be sent; ``dropped`` names what was left out of it."""

    provider: Provider
    request: ChatRequest
    dropped: tuple[str, ...] = ()
    agent_name: str = ""


class MeteredCall:
    """A call on somebody's account, or on nobody's. ``record`` is its entry in the ledger, once there is one."""

    def __init__(self, call: Call, user: User | None) -> None:
        self.record: UsageRecord | None = None
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
            if self._written or _may_have_cost(error):
                await self._book(None)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            await self._book(None)
            raise

    def _note(self, event: StreamEvent) -> None:
        match event:
            case TextDelta(text) | ReasoningDelta(text):
                self._written.append(text)
            case ToolCallDelta():
                self._written += [event.name, event.arguments]

    async def _book(self, usage: Usage | None) -> None:
        """Write the entry once, even if the caller leaves meanwhile. An answer does not fail for want of its entry."""
        if self._is_booked:
            return
        self._is_booked = True
        entry = partial(
            record_usage,
            user=self._user,
            provider=self._call.provider,
            model=self._call.request.model,
            usage=usage or estimate_usage(self._call.request, "".join(self._written)),
            agent_name=self._call.agent_name,
        )
        booking = asyncio.ensure_future(in_thread(entry))
        _bookings.add(booking)
        booking.add_done_callback(_bookings.discard)
        try:
            self.record = await asyncio.shield(booking)
        except DatabaseError:
            logger.exception("A call to %s could not be booked.", self._call.provider.pk)


def _may_have_cost(error: ProviderError) -> bool:
    """Whether the provider may have worked on the question although nothing of the answer arrived."""
    return isinstance(error, Incomplete) or (isinstance(error, ProviderTimeout) and error.phase != "connect")
