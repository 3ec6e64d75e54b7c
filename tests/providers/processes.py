"""Processes that share the tests' database and a Valkey of their own, and what a provider saw of them."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx2

from tests.manage import ROOT
from wizsite import embedded

SCRIPT = "from tests.providers.caller_process import main; main()"
STOP_LIMIT = 20.0  # seconds


@dataclass(frozen=True)
class Report:
    """What a caller did: the number of its rounds, and (seconds since the epoch, code) of those that failed."""

    count: int
    failures: Sequence[tuple[float, str]]


class Caller:
    """One process that runs ``caller_process``."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = [sys.executable, "manage.py", "shell", "-v", "0", "--no-imports", "-c", SCRIPT]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=pipe, stdout=pipe, text=True)

    @property
    def pid(self) -> int:
        return self.process.pid

    def answer(self) -> str:
        """The next line that it prints."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def tell(self, *words: str) -> None:
        """Give it a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()

    def stop(self) -> Report:
        """End its loops."""
        self.tell("stop")
        return Report(**json.loads(self.answer()))

    def sleep(self) -> None:
        """Stop the whole process where it stands."""
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def leave(self) -> None:
        """End the process."""
        self.wake()
        self.process.terminate()
        self.process.communicate(timeout=STOP_LIMIT)


@contextmanager
def calling(*environments: dict[str, str]) -> Iterator[list[Caller]]:
    """Callers that are ready, one for each environment."""
    callers = [Caller(environment) for environment in environments]
    try:
        assert [caller.answer() for caller in callers] == ["ready"] * len(callers)
        yield callers
    finally:
        for caller in callers:
            caller.leave()


class OwnValkey:
    """A Valkey that may hang and close without disturbing other tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "valkey.sock"
        self.start()

    @property
    def url(self) -> str:
        return f"unix://{self.socket}?db=0"

    def start(self) -> None:
        self.process = embedded.start(self.socket, self.folder)

    def hang(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.go_on()
        self.process.terminate()
        self.process.wait(timeout=STOP_LIMIT)

    def restore(self) -> None:
        """As it was in the beginning."""
        self.go_on()
        if self.process.poll() is not None:
            self.start()


class Arrival(NamedTuple):
    """A call as the provider saw it; ``at`` in seconds since the epoch."""

    process: int
    key: str
    at: float
    is_open: bool


def arrivals(address: str) -> list[Arrival]:
    """Every call that reached the practice provider at ``address``."""
    found = []
    for entry in httpx2.get(f"{address}/log", trust_env=False).json():
        if entry["method"] == "POST":
            words = entry["body"]["messages"][-1]["content"].split()
            key = entry["headers"]["authorization"].removeprefix("Bearer ")
            found.append(Arrival(int(words[1]), key, entry["start"], entry["end"] is None))
    return found


def forget_arrivals(address: str) -> None:
    httpx2.delete(f"{address}/log", trust_env=False)
