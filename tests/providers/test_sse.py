"""The event-stream decoder (P4, P7)."""

import time

import pytest

from providers.adapters.sse import BODY_LIMIT, COMMENT, LINE_LIMIT, Event, SSEDecoder
from providers.errors import BadResponse

BODIES: dict[str, tuple[bytes, list[Event]]] = {
    "LF": (b"data: a\n\ndata: b\n\n", [("", b"a"), ("", b"b")]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", b"a"), ("", b"b")]),
    "CR": (b"data: a\r\rdata: b\r\r", [("", b"a"), ("", b"b")]),
    "mixed ends": (b"data: a\r\n\ndata: b\n\r\n", [("", b"a"), ("", b"b")]),
    "byte-order mark": (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
    "comment": (b": ping\n\ndata: a\n\n", [(COMMENT, b""), ("", b"a")]),
    "several lines": (b"data: a\ndata: b\n\n", [("", b"a\nb")]),
    "no space": (b"data:a\n\n", [("", b"a")]),
    "two spaces": (b"data:  a\n\n", [("", b" a")]),
    "event name": (b"event: ping\ndata: {}\n\ndata: x\n\n", [("ping", b"{}"), ("", b"x")]),
    "name without data": (b"event: ping\n\ndata: x\n\n", [("", b"x")]),
    "other fields": (b"id: 7\nretry: 10\nnonsense\ndata: a\n\n", [("", b"a")]),
    "field without colon": (b"data\n\n", [("", b"")]),
    "utf-8": ("data: 🦉é\n\n".encode(), [("", "🦉é".encode())]),
    "no last blank line": (b"data: a\n\ndata: b", [("", b"a"), ("", b"b")]),
    "only the line end": (b"data: a\n", [("", b"a")]),
    "nothing": (b"", []),
    "blank lines": (b"\n\n\r\n\n", []),
}


def decoded(body: bytes, size: int) -> list[Event]:
    decoder = SSEDecoder()
    events = [event for start in range(0, len(body), size) for event in decoder.feed(body[start : start + size])]
    return events + decoder.close()


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000])
def test_a_body_gives_the_same_events_however_it_is_cut(name: str, size: int) -> None:
    body, expected = BODIES[name]
    assert decoded(body, size) == expected


def test_a_line_at_the_limit_passes_and_a_longer_one_is_refused() -> None:
    fits = b"data: " + b"x" * (LINE_LIMIT - 6)
    assert decoded(fits + b"\n\n", 65536) == [("", fits[6:])]
    for size in (65536, 10_000_000):
        with pytest.raises(BadResponse):
            decoded(fits + b"x\n\n", size)


def test_a_line_that_never_ends_is_refused() -> None:
    with pytest.raises(BadResponse):
        decoded(b"x" * (LINE_LIMIT + 1), 4096)


def test_a_body_beyond_the_limit_is_refused() -> None:
    decoder = SSEDecoder()
    chunk = (b"data: " + b"x" * 1000 + b"\n\n") * 900
    with pytest.raises(BadResponse):
        for _ in range(BODY_LIMIT // len(chunk) + 1):
            decoder.feed(chunk)


def cost(body: bytes, size: int) -> float:
    chunks = [body[start : start + size] for start in range(0, len(body), size)]
    best = float("inf")
    for _ in range(3):
        decoder = SSEDecoder()
        start = time.process_time()
        for chunk in chunks:
            decoder.feed(chunk)
        best = min(best, time.process_time() - start)
    return best


def test_the_work_grows_linearly_with_a_long_line_that_comes_byte_by_byte() -> None:
    assert cost(b"data: " + b"x" * 800_000, 1) < 8 * cost(b"data: " + b"x" * 200_000, 1)


def test_many_small_events_are_decoded_fast() -> None:
    events = 50_000
    assert events / cost(b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n' * events, 100) > 100_000
