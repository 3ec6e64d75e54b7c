"""The chunks of an HTTP body, taken out of the bytes of a connection.

A model's words come in a chunk each, and the HTTP library takes far longer over a chunk than over its bytes. So whole
bodies are read past it, up to their last chunk: that one, and whatever is not plain, is left for the library to judge.
"""

import re
from typing import Final

HEAD_LIMIT: Final = 65_536  # bytes of a head that are looked at
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n", re.IGNORECASE)
_FIRST: Final = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_FIRST_PART: Final = re.compile(rb"[0-9A-Fa-f]{0,8}\r?")
_NEXT: Final = re.compile(rb"\r\n([0-9A-Fa-f]{1,8})\r\n")
_NEXT_PART: Final = re.compile(rb"\r?|\r\n[0-9A-Fa-f]{0,8}\r?")


class Head:
    """The head of a message while it arrives."""

    __slots__ = ("_seen", "is_chunked")

    def __init__(self) -> None:
        self._seen = bytearray()
        self.is_chunked = False
        """Once it is over: whether chunks follow that can be read past the library."""

    def length_in(self, data: bytes) -> int | None:
        """How many of these bytes still belong to the head; ``None`` if its end is not among them."""
        known = len(self._seen)
        self._seen += data
        end = self._seen.find(b"\r\n\r\n", max(0, known - 3)) + 4
        if end == 3:
            return 0 if len(self._seen) > HEAD_LIMIT else None
        self.is_chunked = self._seen.startswith(b"HTTP/1.1 ") and bool(_CHUNKED.search(self._seen, 0, end))
        return end - known


class ChunkedBody:
    """The content of a body in chunks, until ``is_over``."""

    __slots__ = ("__weakref__", "_has_begun", "_held", "_left", "is_over")

    def __init__(self) -> None:
        self.is_over = False
        self._held = b""
        self._left = 0
        self._has_begun = False

    def feed(self, data: bytes) -> bytes:
        """What these bytes say; nothing of it waits for the end of its chunk."""
        data = self._held + data
        pieces: list[bytes] = []
        position = 0
        while True:
            piece = data[position : position + self._left]
            pieces.append(piece)
            position += len(piece)
            self._left -= len(piece)
            if self._left:
                self._held = b""
                break
            found = (_NEXT if self._has_begun else _FIRST).match(data, position)
            self._left = int(found[1], 16) if found else 0
            if found is None or not self._left:
                self._stop(data[position:], is_end=found is not None)
                break
            position = found.end()
            self._has_begun = True
        return b"".join(pieces)

    def _stop(self, rest: bytes, *, is_end: bool) -> None:
        """At the last chunk, at a size of which more has to come, or at what is no chunk."""
        part = _NEXT_PART if self._has_begun else _FIRST_PART
        self.is_over = is_end or part.fullmatch(rest) is None
        self._held = rest

    @property
    def rest(self) -> bytes:
        """What the library has to see, which knows nothing of the chunks before it."""
        return self._held.removeprefix(b"\r\n") if self._has_begun else self._held
