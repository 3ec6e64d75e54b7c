"""Connections to Valkey: one pool per process for sync callers, one per event loop for async callers.

Both clients answer in bytes. The time-outs are short on purpose: everything kept in Valkey can be done without.
"""

import asyncio
import os
from functools import lru_cache
from threading import Lock
from typing import TypedDict

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

MAX_CONNECTIONS = 64
POOL_TIMEOUT = 1.0  # seconds to wait for a free connection
PATIENCE = 2.0  # seconds to wait for an answer, twice
QUICK = 1.0  # seconds to wait, once, for what can be done without

_async_clients: dict[tuple[asyncio.AbstractEventLoop, str], redis.asyncio.Redis] = {}
_lock = Lock()


class _Options(TypedDict, total=False):
    max_connections: int
    timeout: float
    socket_timeout: float
    socket_connect_timeout: float
    health_check_interval: int
    socket_keepalive: bool


def key(*parts: object) -> str:
    """The full name of a key: the installation's prefix and the parts, joined by colons."""
    return str(settings.VALKEY_PREFIX) + ":".join(str(part) for part in parts)


def client() -> redis.Redis:
    """The process's client. A forked child gets a pool of its own. Commands raise ``redis.RedisError``."""
    return _sync_client(os.getpid(), settings.VALKEY_URL)


def quick_client() -> redis.Redis:
    """As ``client``, for what can be done without: one that hangs is waited for ``QUICK`` seconds, not twice two."""
    return _sync_client(os.getpid(), settings.VALKEY_URL, is_quick=True)


def async_client() -> redis.asyncio.Redis:
    """The client of the running event loop. Commands raise ``redis.RedisError``; needs a running loop."""
    slot = (asyncio.get_running_loop(), str(settings.VALKEY_URL))
    with _lock:
        if slot not in _async_clients:
            _forget_dead_loops()
            _async_clients[slot] = _new_async_client(settings.VALKEY_URL)
        return _async_clients[slot]


async def close_async_client() -> None:
    """Close the running loop's connections; call it before the loop ends."""
    slot = (asyncio.get_running_loop(), str(settings.VALKEY_URL))
    with _lock:
        mine = _async_clients.pop(slot, None)
    if mine is not None:
        await mine.aclose(close_connection_pool=True)


@lru_cache(maxsize=8)
def _sync_client(pid: int, url: str, *, is_quick: bool = False) -> redis.Redis:  # noqa: ARG001 - forked children apart
    options = _options(url)
    retry = Retry(NoBackoff(), 1)
    if is_quick:
        options["socket_timeout"] = QUICK
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))  # a stale one, not a hanging one
    pool = redis.BlockingConnectionPool.from_url(url, retry=retry, **options)
    return redis.Redis(connection_pool=pool)


def _new_async_client(url: str) -> redis.asyncio.Redis:
    pool = redis.asyncio.BlockingConnectionPool.from_url(url, retry=AsyncRetry(NoBackoff(), 1), **_options(url))
    return redis.asyncio.Redis(connection_pool=pool)


def _options(url: str) -> _Options:
    options = _Options(
        max_connections=MAX_CONNECTIONS,
        timeout=POOL_TIMEOUT,
        socket_timeout=PATIENCE,
        socket_connect_timeout=1,
        health_check_interval=25,
    )
    if not url.startswith("unix://"):
        options["socket_keepalive"] = True
    return options


def _forget_dead_loops() -> None:
    for slot in [slot for slot in _async_clients if slot[0].is_closed()]:
        del _async_clients[slot]
