"""What goes wrong around a running answer, with real processes: nothing of it is lost, and nobody has to help."""

import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx2
import psutil
import pytest
import redis
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from providers.practice.replies import Reply
from tests.chaos import Reading
from tests.sockets import logged_in, open_socket
from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack, chosen_services, stacks, wait_for
from tests.talking import Caller
from tests.tcpproxy import proxied

pytestmark = [pytest.mark.slow, pytest.mark.own_stack]
SQLITE_ONLY = pytest.mark.skipif("DATABASE_URL" in os.environ, reason="locks a SQLite file")
POSTGRES_ONLY = pytest.mark.skipif("DATABASE_URL" not in os.environ, reason="cuts the connections to PostgreSQL")
OWN_VALKEY_ONLY = pytest.mark.skipif("REDIS_URL" in os.environ, reason="stops the embedded Valkey")


@pytest.fixture(scope="module")
def caller(stack: Stack) -> Iterator[Caller]:
    with Caller.of(stack, ADMIN_EMAIL) as caller:
        yield caller


def whole(tokens: int) -> str:
    """The answer to ``tokens=…``."""
    return "".join(Reply("", limit=tokens).pieces())


def read_all(caller: Caller, sent: dict[str, Any]) -> Reading:
    """Follow one run over a single connection to its end."""
    reading = Reading()
    for event in caller.follow(sent["generation"]["id"]):
        reading.take(event.type, event.id, event.data)
    return reading


class Reader:
    """Follows a run in a thread."""

    def __init__(self, caller: Caller, sent: dict[str, Any]) -> None:
        self.reading = Reading()
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._read, args=[caller, sent], daemon=True)
        self._thread.start()

    def _read(self, caller: Caller, sent: dict[str, Any]) -> None:
        try:
            for event in caller.follow(sent["generation"]["id"]):
                self.reading.take(event.type, event.id, event.data)
        except BaseException as failure:
            self.failure = failure

    def wait_for_text(self, characters: int = 1) -> None:
        wait_for(lambda: len(self.reading.text) >= characters or self.failure, 60, "the first text")

    def finish(self) -> Reading:
        self._thread.join(120)
        assert self.failure is None, self.failure
        assert self.reading.end is not None, "the stream ended without generation-end"
        return self.reading


def expect_complete(caller: Caller, sent: dict[str, Any], reading: Reading, tokens: int) -> None:
    assert reading.end is not None
    assert reading.end["status"] == "completed", reading.end
    assert reading.text == whole(tokens)
    assert caller.stored(sent)["content"] == reading.text


@OWN_VALKEY_ONLY
def test_a_valkey_that_hangs_for_five_seconds_costs_no_character_and_no_connection(
    stack: Stack, caller: Caller
) -> None:
    """R8."""
    sent = caller.say(caller.agent_id("Guide"), "tokens=600")
    reader = Reader(caller, sent)
    reader.wait_for_text(200)
    valkey = psutil.Process(stack.pids["valkey"])
    valkey.suspend()
    try:
        began = time.monotonic()
        assert caller.http.get("/api/v1/conversations/").is_success
        assert time.monotonic() - began < 3
        time.sleep(5)
    finally:
        valkey.resume()
    expect_complete(caller, sent, reader.finish(), 600)


def test_an_emptied_valkey_is_noticed_by_nobody(stack: Stack, caller: Caller) -> None:
    """R6: the reader's connection goes on, and a replay from the start is whole."""
    sent = caller.say(caller.agent_id("Guide"), "tokens=500")
    reader = Reader(caller, sent)
    reader.wait_for_text(200)
    url = stack.environment.get("REDIS_URL") or f"unix://{stack.data_dir}/valkey/valkey.sock?db=0"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    expect_complete(caller, sent, reader.finish(), 500)
    assert read_all(caller, sent).text == whole(500)


def test_a_run_is_tried_again_once_when_its_worker_dies_before_the_first_word(stack: Stack, caller: Caller) -> None:
    """R2 and R28: the first run loses its worker twice and is given up with a sentence, the second once."""
    agent = _agent(caller, "practice-slow-first")
    first = caller.say(agent, "tokens=20")
    _wait_for_attempt(caller, first, 1)
    _kill_workers(stack)
    _wait_for_attempt(caller, first, 2)
    second = caller.say(agent, "tokens=20")
    _wait_for_attempt(caller, second, 1)
    _kill_workers(stack)
    reading = read_all(caller, second)
    expect_complete(caller, second, reading, 20)
    assert reading.attempt == 2
    assert len(caller.get(f"conversations/{second['conversation']}/messages/")["results"]) == 2
    wait_for(lambda: caller.stored(first)["generation"]["status"] != "running", 90, "the end of the first run")
    run = caller.stored(first)["generation"]
    assert (run["status"], run["attempt"]) == ("interrupted", 2)
    assert "interrupted" in run["error"]["message"]


def test_workers_that_are_told_to_stop_keep_what_was_written(stack: Stack, caller: Caller) -> None:
    """R13: long answers, longer than the drain."""
    sent = [caller.say(caller.agent_id("Guide"), "tokens=3000") for _ in range(7)]
    readers = [Reader(caller, one) for one in sent]
    for reader in readers:
        reader.wait_for_text(100)
    workers = [process for role, process in stack.children().items() if role.startswith("worker")]
    began = time.monotonic()
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    psutil.wait_procs(workers, timeout=40)
    assert not any(worker.is_running() for worker in workers)
    assert time.monotonic() - began < 32
    for one, reader in zip(sent, readers, strict=True):
        reading, message = reader.finish(), caller.stored(one)
        assert message["generation"]["status"] == "interrupted"
        assert len(message["content"]) > 1000
        assert whole(3000).startswith(message["content"])
        assert message["content"] == reading.text


def test_a_web_process_that_is_told_to_stop_sends_its_readers_elsewhere(stack: Stack, caller: Caller) -> None:
    """R14: sockets close with going away, and come back to the rest of the answer."""
    sent = caller.say(caller.agent_id("Guide"), "tokens=700")
    with logged_in(stack) as http, ExitStack() as sockets, ThreadPoolExecutor(20) as pool:
        opened = [sockets.enter_context(open_socket(stack, sent["conversation"], http)) for _ in range(20)]
        for socket in opened:
            socket.send(json.dumps({"type": "follow", "after": None}))
        readings = [pool.submit(read_socket, socket, Reading()) for socket in opened]
        time.sleep(2)
        web = stack.children()["web"]
        began = time.monotonic()
        web.send_signal(signal.SIGTERM)
        psutil.wait_procs([web], timeout=30)
        assert time.monotonic() - began < 20
        codes = {socket.close_code for socket in opened} if all(reading.result(30) for reading in readings) else set()
        assert codes <= {1001, 1012}, codes
        wait_for(lambda: _answers(stack), 60, "a new web process")
        for one in readings[:3]:
            seen = one.result()
            with open_socket(stack, sent["conversation"], http) as socket:
                socket.send(json.dumps({"type": "follow", "after": seen.last_id}))
                expect_complete(caller, sent, read_socket(socket, seen), 700)


@SQLITE_ONLY
def test_a_locked_database_delays_but_loses_nothing(stack: Stack, caller: Caller) -> None:
    """R11."""
    sent = caller.say(caller.agent_id("Guide"), "tokens=600")
    reader = Reader(caller, sent)
    reader.wait_for_text(100)
    with sqlite3.connect(stack.data_dir / "wiz.sqlite3", isolation_level=None, timeout=30) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        time.sleep(8)
        connection.execute("ROLLBACK")
    connection.close()
    expect_complete(caller, sent, reader.finish(), 600)


@POSTGRES_ONLY
def test_a_database_that_restarts_delays_but_loses_nothing() -> None:
    """R11."""
    with chosen_services() as services, ExitStack() as closing:
        parts = urlsplit(services["DATABASE_URL"])
        proxy = closing.enter_context(proxied(parts.hostname or "127.0.0.1", parts.port or 5432))
        netloc = parts.netloc.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{proxy.port}")
        services["DATABASE_URL"] = urlunsplit(parts._replace(netloc=netloc))
        start = closing.enter_context(stacks())
        stack = start(WIZ_ADMIN_EMAIL=ADMIN_EMAIL, WIZ_ADMIN_PASSWORD=ADMIN_PASSWORD, services=services)
        caller = closing.enter_context(Caller.of(stack, ADMIN_EMAIL))
        sent = caller.say(caller.agent_id("Guide"), "tokens=900")
        reader = Reader(caller, sent)
        reader.wait_for_text(100)
        proxy.break_all()
        time.sleep(10)
        proxy.mend()
        wait_for(lambda: reader.reading.end or reader.failure, 60, "the end of the answer")
        wait_for(lambda: _answers(stack), 30, "a web process that answers")
        expect_complete(caller, sent, read_all(caller, sent), 900)


def _agent(caller: Caller, model: str) -> str:
    """An agent on a model of the practice provider."""
    for row in caller.get("agents/")["results"]:
        if row["name"] == model:
            return str(row["id"])
    provider = next(row["id"] for row in caller.get("providers/")["results"] if row["name"] == "Practice")
    return caller.add_agent(name=model, provider=provider, model=model)


def _wait_for_attempt(caller: Caller, sent: dict[str, Any], attempt: int) -> None:
    path = f"generations/{sent['generation']['id']}/"

    def is_running() -> bool:
        run = caller.get(path)
        return bool(run["status"] == "running" and run["attempt"] == attempt)

    wait_for(is_running, 90, f"attempt {attempt}")


def _kill_workers(stack: Stack) -> None:
    for role, process in stack.children().items():
        if role.startswith("worker"):
            process.kill()


def _answers(stack: Stack) -> bool:
    try:
        return httpx2.get(f"{stack.base_url}/healthz/ready", trust_env=False, timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


def read_socket(socket: ClientConnection, reading: Reading) -> Reading:
    """Read until the answer ends or the socket is closed."""
    try:
        while reading.end is None:
            frame = json.loads(socket.recv(timeout=60))
            if "id" in frame:
                reading.take(frame["event"], frame["id"], frame["data"])
    except ConnectionClosed:
        pass
    return reading
