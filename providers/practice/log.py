"""What the practice provider was asked, for tests and rehearsals: bounded, in memory only."""

import time
from collections import deque
from collections.abc import Mapping
from typing import TypedDict

ENTRY_LIMIT = 1000
COMPLETED = "completed"
HUNG_UP = "client hung up"
BROKEN = "broken by the script"


class Entry(TypedDict):
    """One request. Times are seconds since the epoch; ``end`` and ``ended`` are filled when it is over."""

    method: str
    path: str
    headers: dict[str, str]
    body: object
    start: float
    end: float | None
    ended: str


class RequestLog:
    """The latest requests, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRY_LIMIT)

    def open(self, method: str, path: str, headers: Mapping[str, str], body: object) -> Entry:
        """Record the start of a request; pass the entry to ``close`` when it is over."""
        entry = Entry(
            method=method, path=path, headers=dict(headers), body=body, start=time.time(), end=None, ended="open"
        )
        self._entries.append(entry)
        return entry

    @staticmethod
    def close(entry: Entry, ended: str) -> None:
        """Record how the request ended."""
        entry["end"] = time.time()
        entry["ended"] = ended

    def entries(self) -> list[Entry]:
        """A copy of what is recorded."""
        return list(self._entries)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
