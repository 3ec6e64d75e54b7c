"""Child processes that are started together, watched, restarted when they die, and stopped in order.

Every child gets its own session, so that Ctrl-C in a terminal reaches only the supervisor, and asks the kernel for
SIGTERM when the supervisor dies, so that nothing is left behind even after ``kill -9``.
"""

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import BinaryIO

FIRST_DELAY = 0.5  # seconds before the first restart; doubles
LONGEST_DELAY = 30.0
STEADY_AFTER = 60.0  # seconds of life after which the delay starts again at the first
LOG_LIMIT = 10 * 2**20  # bytes; a larger log is set aside when its process starts
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1  # from linux/prctl.h
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Program:
    """A command that is to run all the time."""

    name: str
    command: list[str]
    stage: int  # lower stages are stopped first
    grace: float  # seconds from SIGTERM to SIGKILL
    handover: float | None = None  # seconds after which the next stage is stopped as well; default: the grace


@dataclass
class Child:
    """A program and its present process."""

    program: Program
    folder: Path
    process: "subprocess.Popen[bytes]"
    started: float
    deaths: int = 0
    delay: float = FIRST_DELAY
    restart_at: float | None = None
    kill_at: float = field(default=float("inf"))

    @property
    def pid(self) -> int:
        """The present process's id."""
        return self.process.pid

    @property
    def log(self) -> Path:
        """Where the output goes."""
        return log_path(self.folder, self.program.name)

    def is_running(self) -> bool:
        """Whether the present process lives."""
        return self.process.poll() is None

    def terminate(self) -> None:
        """Ask the process to stop; it is killed after its grace."""
        self.kill_at = time.monotonic() + self.program.grace
        if self.is_running():
            self.process.terminate()

    def kill(self) -> None:
        """End the process and whatever it started, at once."""
        if self.is_running():
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


class Supervisor:
    """Owns the children; use it from the main thread only (signals, and the kernel's parent-death signal)."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        """Logs go to ``folder``; ``say`` gets one line whenever the operator should know something."""
        self.folder = folder
        self.say = say
        self.children: dict[str, Child] = {}
        self.stop_requests = 0
        self._listening = False
        self._wake_reader, self._wake_writer = socket.socketpair()

    def install_signal_handlers(self) -> None:
        """From now on signals are counted instead of raising, and wake ``step``."""
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        self._listening = True
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        for number in STOP_SIGNALS:
            signal.signal(number, self._request_stop)

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        self.stop_requests += 1

    def start(self, program: Program) -> Child:
        """Start ``program`` and keep it running until ``stop``."""
        process = spawn(program, self.folder)
        child = Child(program, self.folder, process, started=time.monotonic())
        self.children[program.name] = child
        return child

    def step(self, limit: float) -> None:
        """Wait up to ``limit`` seconds for something to happen, and restart what has died."""
        due = [child.restart_at - time.monotonic() for child in self.children.values() if child.restart_at]
        self._sleep(max(0.0, min([limit, *due])))
        for child in self.children.values():
            self._tend(child)

    def _sleep(self, seconds: float) -> None:
        if select.select([self._wake_reader], [], [], seconds)[0]:
            self._wake_reader.recv(4096)

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if self.stop_requests or child.is_running():
            return
        if child.restart_at is None:
            self._plan_restart(child, now)
        elif now >= child.restart_at:
            child.process, child.started, child.restart_at = spawn(child.program, self.folder), now, None

    def _plan_restart(self, child: Child, now: float) -> None:
        if now - child.started >= STEADY_AFTER:
            child.delay = FIRST_DELAY
        child.deaths += 1
        child.restart_at = now + child.delay
        self.say(
            f"{child.program.name} ended ({describe(child.process.returncode)}) and is started again in "
            f"{child.delay:g} s. See {child.log}"
        )
        child.delay = min(child.delay * 2, LONGEST_DELAY)

    def watch(self) -> None:
        """Keep the children running until somebody asks to stop."""
        while not self.stop_requests:
            self.step(limit=60)

    def stop(self) -> None:
        """Stop all children stage by stage; a further signal kills them. Nothing is running afterwards."""
        requests = self.stop_requests
        told: list[Child] = []
        ordered = sorted(self.children.values(), key=lambda child: child.program.stage)
        for _stage, members in groupby(ordered, key=lambda child: child.program.stage):
            stage = list(members)
            for child in stage:
                child.terminate()
            told += stage
            self._wait_for(told, max(_handover(child.program) for child in stage), requests)
        for child in reversed(told):
            child.kill()
        self.children.clear()
        self._close()

    def _close(self) -> None:
        if self._listening:
            signal.set_wakeup_fd(-1)
        self._wake_reader.close()
        self._wake_writer.close()

    def _wait_for(self, told: Iterable[Child], limit: float, requests: int) -> None:
        end = time.monotonic() + limit
        while (alive := [child for child in told if child.is_running()]) and time.monotonic() < end:
            hurry = self.stop_requests > max(requests, 1)
            for child in alive:
                if hurry or time.monotonic() >= child.kill_at:
                    child.kill()
            self._sleep(0.1)


def _handover(program: Program) -> float:
    return program.grace if program.handover is None else program.handover


def spawn(program: Program, folder: Path) -> "subprocess.Popen[bytes]":
    """Start the command with its output appended to its log."""
    with open_log(folder, program.name) as log:
        return subprocess.Popen(
            program.command,
            cwd=Path(__file__).resolve().parent.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - no threads here, and nothing else reaches prctl
        )


def _die_with(parent: int) -> Callable[[], None] | None:
    """What a new child does first: ask for SIGTERM at its parent's death, or leave if that has happened already."""
    libc = LIBC
    if libc is None:
        return None

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def log_path(folder: Path, name: str) -> Path:
    """The log of the child ``name``."""
    return folder / f"{name}.log"


def open_log(folder: Path, name: str) -> BinaryIO:
    """The log opened for appending; a log over ``LOG_LIMIT`` becomes ``NAME.log.1``."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = log_path(folder, name)
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def describe(returncode: int | None) -> str:
    """An exit status in words."""
    if returncode is not None and returncode < 0:
        return signal.Signals(-returncode).name
    return f"exit status {returncode}"
