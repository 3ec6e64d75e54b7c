"""Bodies of any size and framing, against the real server."""

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.stack import ADMIN_EMAIL, Stack
from tests.talking import Caller


@pytest.fixture(scope="module")
def caller(stack: Stack) -> Iterator[Caller]:
    with Caller.of(stack, ADMIN_EMAIL) as caller:
        yield caller


def test_a_chunked_body_is_read_like_any_other(caller: Caller) -> None:
    pieces = (piece for piece in [b'{"title": ', b'"chunky"}'])
    headers = {"Content-Type": "application/json"}
    answer = caller.http.post("/api/v1/conversations/", content=pieces, headers=headers)
    assert (answer.status_code, answer.json()["title"]) == (201, "chunky")


def test_a_body_that_is_announced_too_large_is_413_in_json(caller: Caller) -> None:
    """S30."""
    answer = caller.http.post("/api/v1/conversations/", content=b"x" * 3_000_000)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_an_import_may_be_large_but_not_endless(stack: Stack, caller: Caller) -> None:
    """S32."""
    address, kind = "/api/v1/conversations/import/", {"Content-Type": "application/json"}
    large = b"[" + b" " * 20_000_000 + b"]"
    assert caller.http.post(address, content=large, headers=kind).status_code == 201
    parts = urlsplit(stack.base_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        head = f"POST {address} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: 106000000\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    pieces = (piece for piece in [b"[", *[b" " * 1_000_000] * 20, b"]"])
    assert caller.http.post(address, content=pieces, headers=kind).status_code == 413, "nobody fills the memory"


def test_an_endless_body_is_refused_long_before_it_fills_anything(stack: Stack) -> None:
    """S30: nobody has logged in here."""
    parts = urlsplit(stack.base_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        head = f"POST /api/v1/conversations/ HTTP/1.1\r\nHost: {parts.netloc}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode())
        piece = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
        sent = 0
        try:
            for _ in range(800):
                connection.sendall(piece)
                sent += 65_536
        except OSError:
            pass
        assert sent < 50_000_000


def test_an_unknown_address_is_json_404_for_every_verb(caller: Caller) -> None:
    for verb in ("GET", "POST", "DELETE"):
        answer = caller.http.request(verb, "/api/v1/nothing/")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_stream_ends_when_its_token_is_revoked(stack: Stack, caller: Caller) -> None:
    """S6."""
    sent = caller.say(caller.agent_id("Guide"), "Write a long story, please.")
    with Caller.of(stack, ADMIN_EMAIL) as other:
        events = other.follow(sent["generation"]["id"])
        next(events)
        newest = caller.get("tokens/")["results"][0]["id"]
        assert caller.http.delete(f"/api/v1/tokens/{newest}/").status_code == 204
        revoked = time.monotonic()
        assert "generation-end" not in {event.type for event in events}
        assert time.monotonic() - revoked < 5, "a second, and room for a busy machine"
    caller.post(f"generations/{sent['generation']['id']}/cancel/")
