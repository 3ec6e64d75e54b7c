"""Readers that do not read, and many that only sit there: what they cost the web process, and how they come back."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
import redis
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.sync.client import ClientConnection

from providers.valkey import MAX_CONNECTIONS
from tests.sockets import logged_in, open_socket
from tests.stack import ADMIN_EMAIL, Stack, wait_for
from tests.talking import Caller

pytestmark = pytest.mark.own_stack

MEGABYTE = 1024 * 1024
LINE = "A line of a very long answer, which nobody is going to read to its end. 😀\n\n"
PIECE = LINE * 50
PIECES = 20 * MEGABYTE // len(PIECE.encode())
PACE = 0.004  # seconds between two pieces: five seconds and more for all of them
RETURNS = 5  # after a slow reader's socket was closed
IDLE = 200
POOLED = MAX_CONNECTIONS + 16  # files that may stay open: the connections to Valkey and the database wait in pools


class Torrent(BaseHTTPRequestHandler):
    """An OpenAI-dialect provider that says twenty megabytes."""

    def do_GET(self) -> None:
        self._answer(b'{"object": "list", "data": [{"id": "torrent", "object": "model"}]}', "application/json")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"", "text/event-stream")
        event = {"id": "1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": PIECE}}]}
        chunk = b"data: " + json.dumps(event).encode() + b"\n\n"
        for _ in range(PIECES):
            self.wfile.write(chunk)
            time.sleep(PACE)
        event["choices"] = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
        self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\ndata: [DONE]\n\n")

    def _answer(self, body: bytes, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def torrent() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Torrent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture(scope="module")
def caller(stack: Stack) -> Iterator[Caller]:
    with Caller.of(stack, ADMIN_EMAIL) as caller:
        yield caller


class Watch:
    """The largest memory of a process while the block runs, above what it was."""

    def __init__(self, process: psutil.Process) -> None:
        self.process, self.most = process, 0
        self.before = process.memory_info().rss
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join(5)

    def _look(self) -> None:
        while not self._is_over.wait(0.05):
            self.most = max(self.most, self.process.memory_info().rss - self.before)


def with_small_buffer(stack: Stack) -> socket.socket:
    """A connection to the site whose kernel takes little that nobody reads."""
    parts = urlsplit(stack.base_url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    connection.connect((parts.hostname, parts.port))
    return connection


def read_to_the_end(connection: ClientConnection, seen: dict[str, Any]) -> int:
    """Read until generation-end and the last block, or until the socket is closed; the close code, 0 for the end."""
    try:
        while not (seen["end"] and seen["blocks"] == seen["length"]):
            frame = json.loads(connection.recv(timeout=60))
            if frame["event"] == "text-delta":
                assert frame["data"]["offset"] == seen["length"], "nothing is missing and nothing comes twice"
                seen["length"] += len(frame["data"]["text"].encode("utf-16-le")) // 2
            elif frame["event"] == "block":
                seen["blocks"] = frame["data"]["end"]
            elif frame["event"] == "generation-end":
                seen["end"] = frame["data"]
            seen["last"] = frame.get("id", seen["last"])
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else 1006
    return 0


@pytest.mark.timeout(300)
def test_a_reader_that_never_reads_costs_little_and_catches_up(stack: Stack, caller: Caller) -> None:
    """R24."""
    with torrent() as address, logged_in(stack) as http:
        name = f"Torrent at {urlsplit(address).port}"
        provider = caller.add_provider(name=name, kind="openai-compatible", base_url=address, api_key="sk-x")
        agent = caller.add_agent(name=name, provider=provider, model="torrent")
        web = stack.children()["web"]
        caller.read(caller.say(caller.agent_id("Guide"), "Show me a Markdown tour"))  # what is loaded once, is loaded
        sent = caller.say(agent, "everything, please")
        seen: dict[str, Any] = {"length": 0, "blocks": 0, "end": None, "last": None}
        options: dict[str, Any] = {"max_queue": 1, "sock": with_small_buffer(stack)}
        with open_socket(stack, sent["conversation"], http, **options) as connection:
            connection.send(json.dumps({"type": "follow", "after": None}))
            with Watch(web) as watch:
                path = f"generations/{sent['generation']['id']}/"
                wait_for(
                    lambda: caller.get(path)["status"] != "running" and caller.get(path)["attempt"], 120, "the end"
                )
                time.sleep(2)
            # 1006: on a busy machine the goodbye waits behind what nobody reads until the ping's time is over.
            assert read_to_the_end(connection, seen) in {4008, 1006}
        print(f"a reader that never reads: {watch.most / MEGABYTE:.1f} MB above {watch.before / MEGABYTE:.1f} MB")  # noqa: T201 - a report
        assert watch.most < 32 * MEGABYTE
        assert not seen["end"]
        assert 0 < seen["length"] < PIECES * len(PIECE)
        with Watch(web) as watch:
            for _ in range(RETURNS):  # on a busy machine this reader too may be the slow one; pages come back as well
                with open_socket(stack, sent["conversation"], http) as connection:
                    connection.send(json.dumps({"type": "follow", "after": seen["last"]}))
                    if read_to_the_end(connection, seen) == 0:
                        break
        print(f"catching up: {watch.most / MEGABYTE:.1f} MB above {watch.before / MEGABYTE:.1f} MB")  # noqa: T201 - a report
        assert seen["end"]["status"] == "completed"
        assert seen["length"] == len((PIECE * PIECES).encode("utf-16-le")) // 2
        assert watch.most < 64 * MEGABYTE


@pytest.mark.timeout(180)
def test_two_hundred_sockets_that_only_sit_there_stay_open_and_leave_nothing_behind(
    stack: Stack, caller: Caller
) -> None:
    """R25, shortened: long enough for a ping, a look at every session, and the end of an answer."""
    web = stack.children()["web"]
    sent = caller.say(caller.agent_id("Guide"), "Show me a Markdown tour")
    caller.read(sent)
    url = stack.environment.get("REDIS_URL") or f"unix://{stack.data_dir}/valkey/valkey.sock?db=0"
    with logged_in(stack) as http, redis.Redis.from_url(url) as valkey:
        fds = web.num_fds()
        with ExitStack() as sockets, ThreadPoolExecutor(20) as pool:
            connect = partial(open_socket, stack, sent["conversation"], http, max_queue=None)
            opened = [sockets.enter_context(one) for one in pool.map(lambda _: connect(), range(IDLE))]
            with Watch(web) as watch:
                for connection in opened:
                    connection.send(json.dumps({"type": "follow", "after": None}))
                time.sleep(35)
            assert all(connection.state is State.OPEN for connection in opened)
            assert valkey.pubsub_numsub(*followed(valkey, "conversation"))[0][1] >= 1
        wait_for(lambda: not followed(valkey, "conversation", "generation"), 20, "the end of every subscription")
        wait_for(lambda: web.num_fds() <= fds + POOLED, 20, "the end of every connection")
    print(f"{IDLE} idle sockets: {watch.most / MEGABYTE:.1f} MB above {watch.before / MEGABYTE:.1f} MB")  # noqa: T201
    assert watch.most < 64 * MEGABYTE


def followed(valkey: redis.Redis, *kinds: str) -> list[Any]:
    """The channels of these groups that anybody listens to."""
    return [channel for kind in kinds for channel in valkey.pubsub_channels(f"*__group__{kind}.*")]
