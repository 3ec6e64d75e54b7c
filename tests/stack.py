"""The whole of Wiz as real processes, for tests that look at it from outside."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit, urlunsplit

import psutil
import pytest
import redis

from tests.manage import ROOT, beside, clean_environment, execute, migrated_database, migrated_file, run_manage

READY = re.compile(r"^Wiz is ready at (\S+)$", re.MULTILINE)
SETUP = re.compile(r"^Create the first administrator: (\S+)$", re.MULTILINE)
START_LIMIT = 240.0  # seconds; several may start at once on a busy machine
STOP_LIMIT = 45.0
ADMIN_EMAIL, ADMIN_PASSWORD = "admin@example.org", "correct-horse-battery"
Answer = TypeVar("Answer")


def wait_for(question: Callable[[], Answer], limit: float, what: str) -> Answer:
    """The first true answer; fails the test with ``what`` after ``limit`` seconds."""
    end = time.monotonic() + limit
    while not (answer := question()):
        if time.monotonic() > end:
            pytest.fail(f"{what} did not happen within {limit:g} s")
        time.sleep(0.05)
    return answer


def role_of(process: psutil.Process) -> str:
    """web, worker1, worker2, beat, practice or valkey, read from the command line."""
    command = process.cmdline()
    if "worker" in command:
        return command[command.index("-n") + 1].removesuffix("@%h")
    for word, role in {"uvicorn": "web", "beat": "beat", "practice": "practice"}.items():
        if word in command:
            return role
    return "valkey" if "valkey" in process.name() or "redis" in process.name() else process.name()


class Stack:
    """One running ``manage.py up``."""

    def __init__(self, data_dir: Path, environment: dict[str, str], arguments: list[str]) -> None:
        self.data_dir = data_dir
        self.environment = environment
        self.output_path = data_dir.with_suffix(".out")
        command = [sys.executable, "manage.py", "up", "--port", "0", *arguments]
        with self.output_path.open("w") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    @property
    def output(self) -> str:
        """What ``up`` has printed so far."""
        return self.output_path.read_text()

    @property
    def base_url(self) -> str:
        """The address of the ready line, without the last slash."""
        return self._found(READY).rstrip("/")

    @property
    def setup_url(self) -> str:
        """The link that creates the first administrator."""
        return self._found(SETUP)

    def _found(self, pattern: re.Pattern[str]) -> str:
        match = pattern.search(self.output)
        assert match, self.output
        return match[1]

    @property
    def pids(self) -> dict[str, int]:
        """The children's process ids by role."""
        return {role: process.pid for role, process in self.children().items()}

    def children(self) -> dict[str, psutil.Process]:
        """The living children by role; those that vanish meanwhile are left out."""
        found = {}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                if process.status() != psutil.STATUS_ZOMBIE:
                    found[role_of(process)] = process
            except psutil.NoSuchProcess:
                continue
        return found

    @property
    def logs(self) -> dict[str, str]:
        """The children's logs by role."""
        return {path.stem: path.read_text() for path in (self.data_dir / "logs").glob("*.log")}

    def last_lines(self, count: int = 8) -> str:
        """The end of every log."""
        tails = {role: "\n".join(text.splitlines()[-count:]) for role, text in self.logs.items()}
        return "\n".join(f"== {role}\n{tail}" for role, tail in tails.items())

    def wait_until_ready(self) -> None:
        """Return at the ready line; fails the test when ``up`` ends or takes too long."""
        wait_for(lambda: READY.search(self.output) or self.process.poll() is not None, START_LIMIT, "the ready line")
        assert self.process.poll() is None, f"{self.output}\n{self.last_lines()}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=STOP_LIMIT)

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another management command on the same data."""
        return run_manage(self.environment, *arguments)


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """An empty data folder with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="wiz-up-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def practice_process(api_key: str) -> Iterator[str]:
    """A provider in a process of its own that checks its key; yields its address without a path."""
    folder = Path(tempfile.mkdtemp(prefix="wiz-practice-", dir="/tmp"))
    command = [sys.executable, "manage.py", "practice", "--port", "0", "--api-key", api_key]
    environment = clean_environment(folder)
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()
            shutil.rmtree(folder, ignore_errors=True)


class StartStack(Protocol):
    """Starts ``up`` with environment variables; ``wait=False`` returns before it is ready.

    One that ``is_new`` begins with an empty folder, as people's first one does; the others find their tables.
    """

    def __call__(
        self,
        *arguments: str,
        data_dir: Path | None = None,
        wait: bool = True,
        is_new: bool = False,
        services: dict[str, str] | None = None,
        **variables: str,
    ) -> Stack: ...


@contextmanager
def stacks() -> Iterator[StartStack]:
    """A factory; all stacks it made are stopped at the end."""
    started: list[Stack] = []
    folders: list[Path] = []

    def start(
        *arguments: str,
        data_dir: Path | None = None,
        wait: bool = True,
        is_new: bool = False,
        services: dict[str, str] | None = None,
        **variables: str,
    ) -> Stack:
        if data_dir is None:
            data_dir = Path(tempfile.mkdtemp(prefix="wiz-up-", dir="/tmp"))
            folders.append(data_dir)
            if not is_new and not services:
                shutil.copy(migrated_file(), data_dir)
        started.append(
            stack := Stack(data_dir, clean_environment(data_dir, **variables, **(services or {})), list(arguments))
        )
        if wait:
            stack.wait_until_ready()
        return stack

    try:
        yield start
    finally:
        for stack in reversed(started):
            stack.stop()
            stack.output_path.unlink(missing_ok=True)
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def chosen_services(*, lasts: bool = False) -> Iterator[dict[str, str]]:
    """The variables with which a stack uses the PostgreSQL and Redis of this test run, if it has been given any.

    One stack of a test process may last longer than the others, and keeps its Redis database to itself.
    """
    database, valkey = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if not database or not valkey:
        yield {}
        return
    name = f"wiz_stack_{uuid.uuid4().hex[:12]}"
    execute(database, f'CREATE DATABASE "{name}" TEMPLATE "{migrated_database(database)}"')
    try:
        yield {
            "DATABASE_URL": beside(database, name),
            "REDIS_URL": _empty_database(valkey, 2 if lasts else next(_STACK_NUMBERS) % 2),
            "WIZ_PRIVATE_PROVIDERS": "true",
            "WIZ_PRACTICE_PROVIDER": "true",
        }
    finally:
        execute(database, f'DROP DATABASE "{name}" WITH (FORCE)')


def _empty_database(url: str, number: int) -> str:
    """One of this process's three Redis databases for stacks: those behind the test processes' own."""
    parts = urlsplit(url)
    own = int(parts.path.lstrip("/") or 0)
    chosen = urlunsplit(parts._replace(path=f"/{5 + (own * 3 + number) % 11}"))
    with redis.Redis.from_url(chosen) as client:
        client.flushdb()
    return chosen


_STACK_NUMBERS = itertools.count()


@pytest.fixture
def start_stack() -> Iterator[StartStack]:
    """Stacks for one test."""
    with stacks() as start:
        yield start


@contextmanager
def furnished_stack(*, lasts: bool = False) -> Iterator[Stack]:
    """A running Wiz with an administrator (``ADMIN_EMAIL``, ``ADMIN_PASSWORD``) and the practice provider."""
    with chosen_services(lasts=lasts) as services, stacks() as start:
        yield start(WIZ_ADMIN_EMAIL=ADMIN_EMAIL, WIZ_ADMIN_PASSWORD=ADMIN_PASSWORD, services=services)


@pytest.fixture(scope="session")
def shared_stack() -> Iterator[Stack]:
    """A furnished Wiz for all modules of a test process: nobody is alone on it, and nobody hurts its processes."""
    with furnished_stack(lasts=True) as stack:
        yield stack


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The furnished Wiz of all modules; one of its own for a module with the mark ``own_stack``."""
    if request.node.get_closest_marker("own_stack") is None:
        yield request.getfixturevalue("shared_stack")
        return
    with furnished_stack() as stack:
        yield stack
