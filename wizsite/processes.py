"""The command lines of Wiz's processes.

They exist once: ``manage.py up`` starts them as children, ``manage.py run ROLE`` replaces itself by one of them
(compose, systemd), so both ways of running Wiz run the same thing.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings

from wizsite import env

ROLES = ("web", "worker", "beat", "practice")
DEFAULT_HOST = "127.0.0.1"
DEFAULT_CONCURRENCY = 32
PRACTICE_PORT_OFFSET = 1


@dataclass(frozen=True)
class Options:
    """What the command line of a role may depend on."""

    host: str = DEFAULT_HOST
    port: int = 8000
    name: str = "worker"
    concurrency: int = DEFAULT_CONCURRENCY


def web(options: Options) -> list[str]:
    """Uvicorn with bounded frames, queues and shutdown.

    The access log is off because paths carry set-up and invitation tokens; a proxy in front keeps its own.
    """
    return [
        *_module("uvicorn", "wizsite.asgi:application"),
        *("--host", options.host, "--port", str(options.port)),
        *("--ws", "websockets-sansio", "--ws-max-size", "65536", "--ws-max-queue", "16"),
        *("--ws-ping-interval", "20", "--ws-ping-timeout", "20", "--ws-per-message-deflate", "false"),
        *("--timeout-graceful-shutdown", "20", "--timeout-keep-alive", "5", "--limit-concurrency", "2000"),
        *_proxy_options(),
        *("--no-server-header", "--no-access-log"),
    ]


def worker(options: Options) -> list[str]:
    """One Celery worker; ``%h`` becomes the host's name."""
    return [
        *_module("celery", "-A", "wizsite", "worker"),
        *("--pool", "threads", "--concurrency", str(options.concurrency)),
        *("--queues", "wiz,wiz-background"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        *("-n", f"{options.name}@%h"),
    ]


def beat(_options: Options) -> list[str]:
    """Celery beat; run exactly one per installation."""
    return _module("celery", "-A", "wizsite", "beat", "--schedule", str(settings.DATA_DIR / "celerybeat-schedule"))


def practice(options: Options) -> list[str]:
    """The practice provider: scripted replies and faults, no vendor and no key needed."""
    manage = str(settings.BASE_DIR / "manage.py")
    return [sys.executable, manage, "practice", "--host", options.host, "--port", str(options.port)]


COMMANDS: dict[str, Callable[[Options], list[str]]] = {
    "web": web,
    "worker": worker,
    "beat": beat,
    "practice": practice,
}


def _module(name: str, *arguments: str) -> list[str]:
    """``python -m name``: needs no scripts folder on the PATH."""
    return [sys.executable, "-m", name, *arguments]


def _proxy_options() -> list[str]:
    """Forwarded addresses count only when the operator named a proxy; else any client could forge them."""
    if settings.SECURE_PROXY_SSL_HEADER is None:
        return ["--no-proxy-headers"]
    addresses = env.words("WIZ_PROXY_ADDRESSES", "127.0.0.1,::1")
    return ["--proxy-headers", "--forwarded-allow-ips", ",".join(addresses)]
