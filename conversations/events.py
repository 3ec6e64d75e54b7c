"""The events of a generation, their ids, and offsets in UTF-16 code units.

An id is ``<epoch>-<sequence>``: the epoch is the attempt's (milliseconds at its claim, rising within a
conversation), the sequence rises by ``STEP``. So the predecessor of every event is known without being told, ids of
a new attempt are always greater, a repeated write is refused by the stream itself, and between two ids there is room
for the events with which a lost log is rebuilt. However much text there is, an event has little of it, so that
neither a slow reader's waiting frames nor a batch of the log takes much memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import msgspec

STEP = 1024
REAPED = 2**40
"""Sequence of the event with which the reaper ends a run whose writer is gone: after all of the writer's."""
REBUILT = 2**41
"""First sequence of the events that are rebuilt from the database when a run is over and its log is gone."""
PIECE = 16_384  # characters of one delta
MAX_ID_LENGTH = 40
ID_PATTERN = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)


class EventType(StrEnum):
    """What can happen in a run; the names are the outer contract's."""

    GENERATION_START = "generation-start"
    ATTEMPT_START = "attempt-start"
    TEXT_DELTA = "text-delta"
    REASONING_DELTA = "reasoning-delta"
    NOTICE = "notice"
    GENERATION_END = "generation-end"


class EventId(NamedTuple):
    """A position in the log; compares as the stream orders its entries."""

    epoch: int
    sequence: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.sequence}"

    @classmethod
    def parse(cls, text: str) -> "EventId":
        """Read an id that a client gave back; raises ``ValueError`` for anything else."""
        match = ID_PATTERN.fullmatch(text) if len(text) <= MAX_ID_LENGTH else None
        if match is None:
            raise ValueError("An event id looks like 1700000000000-8.")
        return cls(int(match[1]), int(match[2]))


START = EventId(0, 0)


@dataclass(frozen=True, slots=True)
class Event:
    """One event; ``payload`` is its JSON text."""

    id: EventId
    type: EventType
    payload: bytes

    @property
    def offset(self) -> int:
        """Where a delta starts, in UTF-16 code units."""
        return int(msgspec.json.decode(self.payload)["offset"])

    def follows(self, last: EventId) -> bool:
        """Whether nothing can lie between ``last`` and this event."""
        return self.id.epoch == last.epoch and self.id.sequence - STEP <= last.sequence

    def sse(self) -> bytes:
        """The event on a text/event-stream."""
        return b"id: %s\nevent: %s\ndata: %s\n\n" % (str(self.id).encode(), self.type.encode(), self.payload)


def deltas(text: str, offset: int = 0, size: int = PIECE) -> Iterator[dict[str, int | str]]:
    """The data of the deltas that bring a text which starts at ``offset``, ``size`` characters each."""
    for start in range(0, len(text), size):
        piece = text[start : start + size]
        yield {"offset": offset, "text": piece}
        offset += utf16_length(piece)


def utf16_length(text: str) -> int:
    """Length in UTF-16 code units, the unit of JavaScript strings."""
    return len(text) if text.isascii() else len(text) + sum(char > "\uffff" for char in text)


def utf16_prefix(text: str, units: int) -> str:
    """The first ``units`` UTF-16 code units of a text."""
    return text[:units] if text.isascii() else text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")
