"""Kills parts of a running Wiz while people talk, and checks that nobody loses, doubles or waits for anything.

Every talker sends a message, follows the answer over as many connections as it takes, compares what it has read with
what is stored, and begins again. The text of the practice provider is known beforehand, so a stored answer has to be
exactly its beginning.
"""

import random
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
import psutil
import pytest

from providers.practice.replies import Reply
from tests.stack import Stack, wait_for
from tests.talking import Caller

TOKENS = 700  # of one answer: about twelve seconds at the practice provider's pace
WINDOW = 2.0  # seconds: what a reader has seen for so long is kept, whatever dies
PATIENCE = 240.0  # seconds until an answer must have come to an end
RESTART = 90.0  # seconds until a killed part must live again
AWAY = (httpx2.TransportError, httpx2.StreamError, ConnectionError)
WHOLE = "".join(Reply("", limit=TOKENS).pieces())
Answer = TypeVar("Answer")


@dataclass
class Reading:
    """One answer as a reader has seen it."""

    text: str = ""
    attempt: int = 0
    last_id: str = ""
    seen: list[tuple[float, int]] = field(default_factory=list)
    """When the text of the present attempt had which length."""
    end: dict[str, Any] | None = None
    connections: int = 0

    def take(self, event_type: str, event_id: str, content: dict[str, Any]) -> None:
        """Add an event; a piece that does not follow the last one is a failure."""
        self.last_id = event_id or self.last_id
        if event_type == "attempt-start":
            is_new = content["attempt"] != self.attempt
            self.text, self.attempt = "", content["attempt"]
            self.seen = [] if is_new else self.seen
        elif event_type == "text-delta":
            units = len(self.text.encode("utf-16-le")) // 2
            assert content["offset"] == units, f"a piece at {content['offset']} came where {units} was expected"
            self.text += content["text"]
            self.seen.append((time.monotonic(), len(self.text)))
        elif event_type == "generation-end":
            self.end = content

    def surely_seen(self, before: float) -> int:
        """The length that had been reached ``WINDOW`` seconds before."""
        return max((length for at, length in self.seen if at < before - WINDOW), default=0)


class Talker:
    """One person in one conversation after another."""

    def __init__(self, base_url: str, token: str, agent: str) -> None:
        self.base_url, self.token, self.agent = base_url, token, agent
        self.statuses: Counter[str] = Counter()
        self.connections = 0
        self.present: Reading | None = None
        self.failure: BaseException | None = None
        self.killed_at = 0.0

    def talk(self, leave: threading.Event) -> None:
        """Send and read until told to leave, and then once more, when nothing dies any more."""
        try:
            with Caller(self.base_url, self.token).http as http:
                while not leave.is_set():
                    self._one_answer(http)
                completed = self.statuses["completed"]
                self._one_answer(http)
                assert self.statuses["completed"] > completed, "the last answer was not completed in peace"
        except BaseException as failure:
            self.failure = failure

    @property
    def is_reading(self) -> bool:
        """Whether an answer is on its way to this talker."""
        return self.present is not None and bool(self.present.text) and self.present.end is None

    def _one_answer(self, http: httpx2.Client) -> None:
        conversation = self._ask(lambda: http.post("/api/v1/conversations/", json={"agent": self.agent}))["id"]
        key = {"Idempotency-Key": uuid.uuid4().hex}
        path = f"/api/v1/conversations/{conversation}/messages/"
        sent = self._ask(lambda: http.post(path, json={"content": f"tokens={TOKENS}"}, headers=key))
        reading = self.present = self._follow(http, sent["generation"]["id"])
        messages = self._ask(lambda: http.get(path))["results"]
        assert len(messages) == 2, "a message was sent twice"
        self._compare(reading, messages[1])

    def _follow(self, http: httpx2.Client, generation: str) -> Reading:
        reading = self.present = Reading()
        end = time.monotonic() + PATIENCE
        while reading.end is None:
            assert time.monotonic() < end, f"no end within {PATIENCE:g} s; attempt {reading.attempt}"
            try:
                reading.connections += 1
                for event in Caller.events(http, generation, reading.last_id):
                    reading.take(event.type, event.id, event.data)
            except AWAY:
                time.sleep(0.3)
        self.connections += reading.connections
        return reading

    def _compare(self, reading: Reading, stored: dict[str, Any]) -> None:
        run, text = stored["generation"], stored["content"]
        self.statuses[run["status"]] += 1
        assert reading.end is not None
        assert run["status"] == reading.end["status"]
        assert text == reading.text, f"read {len(reading.text)} characters, stored are {len(text)}"
        assert WHOLE.startswith(text), "the stored text is not the beginning of the answer"
        if run["status"] == "completed":
            assert text == WHOLE
        else:
            assert run["status"] == "interrupted", run
            assert len(text) >= reading.surely_seen(self.killed_at), "text that had been read for long is gone"

    def _ask(self, request: Callable[[], httpx2.Response]) -> Any:
        """The JSON of an answer, asked for until the server is there."""
        end = time.monotonic() + RESTART
        while True:
            assert time.monotonic() < end, "the server did not come back"
            try:
                response = request()
            except AWAY:
                time.sleep(0.3)
                continue
            if response.status_code < 500:
                assert response.is_success, response.text
                return response.json()
            time.sleep(0.3)


def run_chaos(
    stack: Stack, token: str, agent: str, *, kills: Sequence[str], talkers: int, seed: int
) -> tuple[Counter[str], int]:
    """Kill these roles in turn, in the middle of answers; how the answers ended, and how many connections it took.

    Fails the test with the talker's own words when anything was lost, doubled or stuck.
    """
    chance = random.Random(seed)
    people = [Talker(stack.base_url, token, agent) for _ in range(talkers)]
    leave = threading.Event()
    threads = [threading.Thread(target=person.talk, args=[leave], daemon=True) for person in people]
    for thread in threads:
        thread.start()
        time.sleep(chance.uniform(0, 0.5))
    try:
        for role in kills:
            _kill(stack, role, people, chance)
    finally:
        leave.set()
        for thread in threads:
            thread.join(PATIENCE + RESTART)
    failures = [str(person.failure) or repr(person.failure) for person in people if person.failure]
    stuck = sum(thread.is_alive() for thread in threads)
    assert not failures and not stuck, f"seed {seed}: {failures}, {stuck} talkers are stuck\n{stack.last_lines()}"
    statuses: Counter[str] = sum((person.statuses for person in people), Counter())
    return statuses, sum(person.connections for person in people)


def _kill(stack: Stack, role: str, people: Sequence[Talker], chance: random.Random) -> None:
    """``kill -9`` in the middle of answers, and wait until the part lives again."""
    wait_for(lambda: any(map(_is_reading, people)), PATIENCE, f"an answer in whose middle {role} could be killed")
    time.sleep(chance.uniform(1, 4))
    process = wait_for(lambda: stack.children().get(role), RESTART, f"a living {role}")
    assert process is not None
    if failed := [person.failure for person in people if person.failure]:
        pytest.fail(f"before {role} was killed: {failed[0]}")
    now = time.monotonic()
    for person in people:
        person.killed_at = now
    process.send_signal(signal.SIGKILL)
    wait_for(lambda: _is_new(stack, role, process), RESTART, f"a new {role}")


def _is_reading(person: Talker) -> bool:
    return person.is_reading or person.failure is not None


def _is_new(stack: Stack, role: str, old: psutil.Process) -> bool:
    found = stack.children().get(role)
    return found is not None and found.pid != old.pid
