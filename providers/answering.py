"""An answer for somebody who waits for it: retried before output, then the next model is asked."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from accounts.models import User
from providers.adapters.completion import collect
from providers.budgets.gate import acheck_budget
from providers.errors import ErrorRecord, InvalidRequest, ProviderError, SchemaRefused
from providers.metering import Call, MeteredCall
from providers.models import UsageRecord
from providers.retry import DEFAULT, NO_RETRY, RetryPolicy, next_delay
from providers.types import Completion, Finish, Ping, StreamEvent, Usage

SILENT = (Ping, Finish)
OWN_FAULT = {InvalidRequest.code, SchemaRefused.code}


@dataclass(frozen=True, slots=True)
class Hop:
    """A model that failed before any output, so that the next one was asked."""

    provider: str
    model: str
    error: ErrorRecord


class Answering:
    """One answer out of one or more calls, tried in order; every call is booked.

    Only the last call is tried again as ``policy`` allows: with another model at hand nobody waits for the first.
    ``call`` is the one that is, or was, made last. Without ``waits_for_ledger`` there is no ``record``. What only
    ``goes_on`` with an answer that was allowed is not held up by budgets. Without ``tells_detail`` a failure comes
    without the provider's own words.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        *,
        user: User | None,
        policy: RetryPolicy = DEFAULT,
        waits_for_ledger: bool = True,
        goes_on: bool = False,
        tells_detail: bool = True,
    ) -> None:
        self.hops: list[Hop] = []
        self.call = calls[0]
        self._calls = calls
        self._user = user
        self._policy = policy
        self._waits = waits_for_ledger
        self._goes_on = goes_on
        self._tells_detail = tells_detail
        self._metered: MeteredCall | None = None
        self._has_output = False

    @property
    def record(self) -> UsageRecord | None:
        """The ledger's entry of the call that was made last, if it has one."""
        return self._metered.record if self._metered else None

    @property
    def usage(self) -> Usage:
        """What the call that was made last took: as told, else estimated."""
        return (self._metered and self._metered.usage) or Usage(certain=False)

    async def events(self) -> AsyncGenerator[StreamEvent, None]:
        """Events as they arrive, a ``Finish`` last. Raises ``ProviderError`` only; closing closes the connection."""
        *spare, last = self._calls
        for call in spare:
            try:
                async with aclosing(self._attempts(call, NO_RETRY)) as events:
                    async for event in events:
                        yield event
                return
            except ProviderError as error:
                if self._has_output or _is_own_fault(error):
                    raise
                self.hops.append(Hop(call.provider.name, call.request.model, error.record()))
        async with aclosing(self._attempts(last, self._policy)) as events:
            async for event in events:
                yield event

    async def whole(self) -> Completion:
        """The whole answer. Raises ``ProviderError`` only; cancelling closes the connection."""
        return await collect(self.events())

    async def _attempts(self, call: Call, policy: RetryPolicy) -> AsyncGenerator[StreamEvent, None]:
        started, attempt = time.monotonic(), 0
        self.call = call
        if not self._goes_on:
            await acheck_budget(self._user, call.provider)
        while True:
            attempt += 1
            self._metered = MeteredCall(call, self._user, waits=self._waits)
            try:
                async with aclosing(self._metered.events()) as events:
                    async for event in events:
                        self._has_output = self._has_output or not isinstance(event, SILENT)
                        yield event
                return
            except ProviderError as error:
                delay = None if self._has_output else next_delay(error, attempt, policy)
                if delay is None or time.monotonic() - started + delay > policy.total:
                    if self._tells_detail:
                        raise
                    raise error.without_detail() from None
            await asyncio.sleep(delay)


def _is_own_fault(error: ProviderError) -> bool:
    """What is wrong with the question stays wrong whoever is asked."""
    return isinstance(error, InvalidRequest) and error.code in OWN_FAULT and error.concerns_question
