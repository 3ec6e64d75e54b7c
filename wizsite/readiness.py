"""Whether the processes that ``up`` has started are ready to serve."""

import http.client
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

import redis
from django.conf import settings

from wizsite import heartbeat

PROBE_LIMIT = 5.0  # seconds


def site_problem(url: str) -> str:
    """Why the web process at ``url`` is not ready, or nothing."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PROBE_LIMIT)
    try:
        connection.request("GET", "/healthz/ready", headers={"Host": _accepted_host(address.netloc)})
        response = connection.getresponse()
        body = response.read(2000).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return "web does not answer yet"
    finally:
        connection.close()
    return "" if response.status == http.client.OK else f"web answers {response.status}: {body}"


def _accepted_host(local: str) -> str:
    """A Host header that passes the allowed hosts, whichever they are."""
    name = next((host for host in settings.ALLOWED_HOSTS if host != "*"), local)
    return local if local.rsplit(":", 1)[0] in settings.ALLOWED_HOSTS else name.lstrip(".")


def worker_problem(pids: Iterable[int]) -> str:
    """Which of this machine's worker processes has not connected yet, or nothing."""
    try:
        signs = heartbeat.living_workers().values()
    except redis.RedisError:
        return "Valkey does not answer"
    here = {sign.pid for sign in signs if sign.host == socket.gethostname()}
    missing = set(pids) - here
    return f"{len(missing)} worker(s) have not connected yet" if missing else ""
