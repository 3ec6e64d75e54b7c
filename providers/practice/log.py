"""What the practice provider was asked, for tests and rehearsals: bounded, in memory only."""

import time
from collections import deque
from collections.abc import Mapping
from typing import TypedDict

ENTRY_LIMIT = 1000
PICTURE_LIMIT = 20_000  # characters of an image that are kept; texts are kept whole
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
        kept = shortened(body)
        entry = Entry(
            method=method, path=path, headers=dict(headers), body=kept, start=time.time(), end=None, ended="open"
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


def shortened(value: object) -> object:
    """A body without the greater part of its images: a thousand of them would fill the memory."""
    if isinstance(value, dict):
        return {name: _short(item) if name in {"url", "data"} else shortened(item) for name, item in value.items()}
    return [shortened(item) for item in value] if isinstance(value, list) else value


def _short(value: object) -> object:
    return value[:PICTURE_LIMIT] if isinstance(value, str) else shortened(value)
