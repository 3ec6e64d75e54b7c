"""Entries for the ledger, written together: a transaction for each would cost half as much as the calls themselves."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from django.db import DatabaseError

from providers.database import in_thread
from providers.ledger import Entry, record_entries
from providers.models import UsageRecord

GATHER: Final = 0.1  # seconds between the beginnings of two writes

logger = logging.getLogger(__name__)


class _Book:
    """The entries of one event loop. A lone entry is written at once; what follows it closely waits for ``GATHER``."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Entry, asyncio.Future[UsageRecord | None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._urgent = asyncio.Event()

    def add(self, entry: Entry, *, is_urgent: bool) -> "asyncio.Future[UsageRecord | None]":
        loop = asyncio.get_running_loop()
        booking: asyncio.Future[UsageRecord | None] = loop.create_future()
        self._waiting.append((entry, booking))
        if is_urgent:
            self._urgent.set()
        if self._writing is None or self._writing.done():
            self._writing = loop.create_task(self._write())
        return booking

    async def drain(self) -> None:
        self._urgent.set()
        if self._writing is not None:
            await asyncio.shield(self._writing)

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            started = loop.time()
            self._urgent.clear()
            batch, self._waiting = self._waiting, []
            records = await in_thread(_record, [entry for entry, _ in batch])
            for (_, booking), record in zip(batch, records, strict=True):
                if not booking.done():
                    booking.set_result(record)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(started + GATHER):
                    await self._urgent.wait()


_books: dict[asyncio.AbstractEventLoop, _Book] = {}


def book(entry: Entry, *, is_urgent: bool = False) -> "asyncio.Future[UsageRecord | None]":
    """Write the entry soon, or now if somebody waits for it, whatever becomes of the caller.

    The result is ``None`` if that was not possible.
    """
    return _of_running_loop().add(entry, is_urgent=is_urgent)


async def drain() -> None:
    """Return when everything that was booked on this loop so far is written."""
    await _of_running_loop().drain()


def _of_running_loop() -> _Book:
    loop = asyncio.get_running_loop()
    if loop not in _books:
        for dead in [other for other in _books if other.is_closed()]:
            del _books[dead]
        _books[loop] = _Book()
    return _books[loop]


def _record(entries: Sequence[Entry]) -> Sequence[UsageRecord | None]:
    """All at once; if one of them cannot be written, each by itself."""
    try:
        return record_entries(entries)
    except DatabaseError:
        return [_record_one(entry) for entry in entries]
    except Exception:
        logger.exception("%d calls could not be booked.", len(entries))
        return [None] * len(entries)


def _record_one(entry: Entry) -> UsageRecord | None:
    try:
        return record_entries([entry])[0]
    except DatabaseError:
        logger.exception("A call to %s could not be booked.", entry.provider.pk if entry.provider else None)
        return None
