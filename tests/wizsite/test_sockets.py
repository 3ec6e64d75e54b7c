"""The WebSocket of a conversation, from outside: real server, real browser's headers."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from tests.sockets import logged_in, open_socket
from tests.stack import ADMIN_EMAIL, Stack
from tests.talking import Caller


@pytest.fixture(scope="module")
def caller(stack: Stack) -> Iterator[Caller]:
    with Caller.of(stack, ADMIN_EMAIL) as caller:
        yield caller


def frames_until_end(socket: ClientConnection) -> list[dict[str, Any]]:
    frames = []
    while True:
        frames.append(json.loads(socket.recv(timeout=60)))
        if frames[-1]["event"] == "block" and any(frame["event"] == "generation-end" for frame in frames):
            return frames


def text_of(frames: list[dict[str, Any]]) -> str:
    return "".join(frame["data"]["text"] for frame in frames if frame["event"] == "text-delta")


def test_a_socket_sends_the_events_and_their_blocks(stack: Stack, caller: Caller) -> None:
    sent = caller.say(caller.agent_id("Guide"), "Show me a short Python function with an explanation.")
    with logged_in(stack) as http, open_socket(stack, sent["conversation"], http) as socket:
        socket.send(json.dumps({"type": "follow", "after": None}))
        frames = frames_until_end(socket)
    stored = caller.stored(sent)["content"]
    assert text_of(frames) == stored
    blocks = [frame["data"] for frame in frames if frame["event"] == "block"]
    assert "<figure" in "".join(block["html"] for block in blocks)
    assert [block["end"] for block in blocks] == sorted(block["end"] for block in blocks)
    assert blocks[-1]["end"] == len(stored.encode("utf-16-le")) // 2


def test_coming_back_with_an_id_gets_the_rest_and_nothing_twice(stack: Stack, caller: Caller) -> None:
    """R18: over the socket, cut again and again."""
    sent = caller.say(caller.agent_id("Guide"), "Write a long story, please. tokens=300")
    seen: list[dict[str, Any]] = []
    after = None
    with logged_in(stack) as http:
        for _ in range(40):
            with open_socket(stack, sent["conversation"], http) as socket:
                socket.send(json.dumps({"type": "follow", "after": after}))
                for _ in range(12):
                    frame = json.loads(socket.recv(timeout=30))
                    if "id" in frame:
                        seen.append(frame)
                        after = frame["id"]
                    if frame["event"] == "generation-end":
                        break
            if seen and seen[-1]["event"] == "generation-end":
                break
    assert text_of(seen) == caller.stored(sent)["content"]
    assert len({frame["id"] for frame in seen}) == len(seen)


def test_what_comes_behind_the_number_of_a_follow_is_of_that_follow(stack: Stack, caller: Caller) -> None:
    sent = caller.say(caller.agent_id("Guide"), "Write a long story, please. tokens=200")
    with logged_in(stack) as http, open_socket(stack, sent["conversation"], http) as socket:
        socket.send(json.dumps({"type": "follow", "number": 7}))
        assert json.loads(socket.recv(timeout=30)) == {"event": "following", "number": 7}
        while json.loads(socket.recv(timeout=30)).get("data", {}).get("offset", 0) < 100:
            continue
        socket.send(json.dumps({"type": "follow", "after": None, "number": 8}))
        while json.loads(socket.recv(timeout=30)) != {"event": "following", "number": 8}:
            continue
        frames = frames_until_end(socket)
    assert frames[0]["event"] == "generation-start"
    assert "following" not in [frame["event"] for frame in frames]
    assert text_of(frames) == caller.stored(sent)["content"]


@pytest.mark.parametrize("number", [None, "7", 1.5, {}])
def test_who_does_not_number_a_follow_gets_the_events_alone(stack: Stack, caller: Caller, number: object) -> None:
    sent = caller.say(caller.agent_id("Guide"), "echo: as ever")
    with logged_in(stack) as http, open_socket(stack, sent["conversation"], http) as socket:
        socket.send(json.dumps({"type": "follow", "after": None, "number": number}))
        frames = frames_until_end(socket)
    assert "following" not in [frame["event"] for frame in frames]
    assert text_of(frames) == "as ever"


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", None, "http://sub.127.0.0.1", "https://127.0.0.1", "http://127.0.0.1:1"],
)
def test_a_foreign_origin_is_refused_at_the_handshake(stack: Stack, caller: Caller, origin: str | None) -> None:
    """S5."""
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide")})["id"]
    with logged_in(stack) as http, pytest.raises(InvalidStatus) as refusal:
        open_socket(stack, conversation, http, origin)
    assert refusal.value.response.status_code == 403


def test_nobody_else_gets_in(stack: Stack, caller: Caller) -> None:
    """S3: neither a stranger nor a conversation that is not one's own."""
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide")})["id"]
    with pytest.raises(InvalidStatus):
        open_socket(stack, conversation, None)
    with logged_in(stack) as http, pytest.raises(InvalidStatus):
        open_socket(stack, "00000000-0000-4000-8000-000000000000", http)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", 1007),
        ("[" * 3000, 1007),
        ('{"type": "follow", "after": "$"}', 1007),
        ('{"type": "generation.frame"}', 1008),
        ('"follow"', 1007),
        (b"\x00\x01", 1007),
    ],
)
def test_nonsense_closes_the_socket_and_nothing_else(
    stack: Stack, caller: Caller, message: str | bytes, code: int
) -> None:
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide")})["id"]
    with logged_in(stack) as http, open_socket(stack, conversation, http) as socket:
        socket.send(message)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)
        assert socket.close_code == code


def test_a_flood_is_shown_out(stack: Stack, caller: Caller) -> None:
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide")})["id"]
    with logged_in(stack) as http, open_socket(stack, conversation, http) as socket:
        with pytest.raises(ConnectionClosed):
            for _ in range(200):
                socket.send('{"type": "stop"}')
            socket.recv(timeout=10)
        assert socket.close_code == 1008


def test_logging_out_closes_the_socket_within_five_seconds(stack: Stack, caller: Caller) -> None:
    """S6."""
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide")})["id"]
    with logged_in(stack) as http, open_socket(stack, conversation, http) as socket:
        page = http.get("/accounts/logout/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        started = time.monotonic()
        http.post("/accounts/logout/", data={"csrfmiddlewaretoken": token[1]}, headers={"Referer": stack.base_url})
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)
        assert socket.close_code == 4001
        assert time.monotonic() - started < 5
