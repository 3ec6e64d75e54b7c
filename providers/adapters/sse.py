"""Server-sent events, decoded incrementally from bytes.

The grammar is that of the HTML Standard, section 9.2.6: CRLF, LF and CR end a line, an optional byte-order mark opens
the stream, one space after the colon is dropped, several ``data`` lines are joined by LF.
"""

from providers.errors import BadResponse

LINE_LIMIT = 1_048_576  # bytes of one line
BODY_LIMIT = 33_554_432  # bytes of one response
COMMENT = ":"  # the name of the event that stands for a comment; no field can have it
BOM = b"\xef\xbb\xbf"
LF = 0x0A

Event = tuple[str, bytes]
"""The event's name (empty when the server gave none) and its data."""


class SSEDecoder:
    """Turns chunks of bytes, cut anywhere, into events; the work is linear in the number of bytes."""

    __slots__ = ("_after_cr", "_data", "_name", "_size", "_started", "_tail")

    def __init__(self) -> None:
        self._tail = bytearray()
        self._size = 0
        self._name = ""
        self._data: list[bytes] = []
        self._after_cr = False
        self._started = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that ``chunk`` completes, comments among them. Raises ``BadResponse`` beyond a limit."""
        self._size += len(chunk)
        if self._size > BODY_LIMIT:
            raise BadResponse(detail=f"The answer is longer than {BODY_LIMIT} bytes.")
        if self._after_cr and chunk:
            self._after_cr = False
            if chunk[0] == LF:
                chunk = chunk[1:]
        if b"\n" not in chunk and b"\r" not in chunk:
            self._tail += chunk
            self._check(self._tail)
            return []
        return self._take(self._cut(chunk))

    def close(self) -> list[Event]:
        """The events that the end of the stream completes: a last one may lack its blank line."""
        lines = [bytes(self._tail), b""] if self._tail else [b""]
        self._tail.clear()
        return self._take(lines)

    def _cut(self, chunk: bytes) -> list[bytes]:
        """The complete lines; the open one is kept for the next chunk."""
        self._after_cr = chunk.endswith(b"\r")
        if self._tail:
            chunk = bytes(self._tail) + chunk
            self._tail.clear()
        lines = chunk.splitlines()
        if not chunk.endswith((b"\n", b"\r")):
            self._tail += lines.pop()
        if len(chunk) > LINE_LIMIT:
            for line in lines:
                self._check(line)
            self._check(self._tail)
        return lines

    def _take(self, lines: list[bytes]) -> list[Event]:
        if not self._started and lines:
            self._started = True
            lines[0] = lines[0].removeprefix(BOM)
        events: list[Event] = []
        for line in lines:
            if line.startswith(b"data: "):
                self._data.append(line[6:])
            elif not line:
                if self._data:
                    events.append((self._name, self._data[0] if len(self._data) == 1 else b"\n".join(self._data)))
                    self._data = []
                self._name = ""
            elif line[0] == 0x3A:
                events.append((COMMENT, b""))
            else:
                self._field(line)
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")

    @staticmethod
    def _check(line: bytes | bytearray) -> None:
        if len(line) > LINE_LIMIT:
            raise BadResponse(detail=f"A line of the answer is longer than {LINE_LIMIT} bytes.")
