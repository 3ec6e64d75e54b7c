"""Signs of life: every worker and beat keep a short-lived key in Valkey while they run.

Importing this module connects the Celery signals. ``up`` and ``doctor`` read the keys.
"""

import json
import logging
import os
import socket
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

import redis
from celery.signals import beat_init, worker_ready, worker_shutdown

from providers import valkey

WORKER_PREFIX = valkey.key("alive", "worker", "")
BEAT_KEY = valkey.key("alive", "beat")
TTL = 30  # seconds a sign of life is believed
INTERVAL = 5.0  # seconds between two signs

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SignOfLife:
    """Who wrote a key, and when."""

    host: str
    pid: int
    at: float  # seconds since the epoch, by the writer's clock


class Pulse(threading.Thread):
    """Writes one key until it is stopped; outlives times without Valkey."""

    def __init__(self, key: str) -> None:
        """Beat under ``key``."""
        super().__init__(name="heartbeat", daemon=True)
        self.key = key
        self._stopped = threading.Event()

    def run(self) -> None:
        """Write, wait, again."""
        while not self._stopped.is_set():
            self._write()
            self._stopped.wait(INTERVAL)

    def _write(self) -> None:
        sign = SignOfLife(socket.gethostname(), os.getpid(), time.time())
        try:
            valkey.client().set(self.key, json.dumps(asdict(sign)), ex=TTL)
        except redis.RedisError as error:
            log.warning("No sign of life could be left in Valkey: %s", type(error).__name__)

    def stop(self) -> None:
        """No further signs, and the last one is taken back."""
        self._stopped.set()
        with suppress(redis.RedisError):  # the key expires by itself
            valkey.client().delete(self.key)


_pulses: list[Pulse] = []


def _begin(key: str) -> None:
    pulse = Pulse(key)
    _pulses.append(pulse)
    pulse.start()


@worker_ready.connect(dispatch_uid="wiz-heartbeat-worker")
def begin_worker_pulse(sender: object, **_kwargs: object) -> None:
    """The worker consumes from the broker now."""
    _begin(WORKER_PREFIX + str(getattr(sender, "hostname", "worker")))


@beat_init.connect(dispatch_uid="wiz-heartbeat-beat")
def begin_beat_pulse(**_kwargs: object) -> None:
    """Beat is about to tick."""
    _begin(BEAT_KEY)


@worker_shutdown.connect(dispatch_uid="wiz-heartbeat-end")
def end_pulses(**_kwargs: object) -> None:
    """A worker that has left is not to look alive for another half minute."""
    while _pulses:
        _pulses.pop().stop()


def living_workers() -> dict[str, SignOfLife]:
    """The workers' names and signs of life; raises ``redis.RedisError`` when Valkey is away."""
    client = valkey.client()
    keys = [_text(key) for key in client.scan_iter(WORKER_PREFIX + "*", count=1000)]
    signs = {key.removeprefix(WORKER_PREFIX): _read(key) for key in keys}
    return {name: sign for name, sign in signs.items() if sign}


def living_beat() -> SignOfLife | None:
    """Beat's sign of life; raises ``redis.RedisError`` when Valkey is away."""
    return _read(BEAT_KEY)


def _read(key: str) -> SignOfLife | None:
    value = valkey.client().get(key)
    return SignOfLife(**json.loads(_text(value))) if value else None


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
