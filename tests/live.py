"""Wiz on a real socket in this process, for tests that are about connections but not about processes."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import uvicorn

from accounts.models import User
from accounts.services import create_token
from providers import engine
from tests.stack import wait_for

LIMIT = 60.0  # seconds; whoever waits longer has found a hang
Event = tuple[str, dict[str, Any]]


@contextmanager
def serving_site() -> Iterator[str]:
    """The site's address while the block runs. It lives on the engine's loop, whose clients outlive a test."""
    from wizsite.asgi import application

    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        config = uvicorn.Config(
            application,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=20,
        )
        server = uvicorn.Server(config)
        running = engine.submit(server.serve(sockets=[listener]))
        wait_for(lambda: server.started, LIMIT, "the start of the site")
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            running.result(LIMIT)


@contextmanager
def calling(site: str, user: User) -> Iterator[httpx2.Client]:
    """A caller with a token; paths are below /api/v1/."""
    _, token = create_token(user=user, name="test")
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=f"{site}/api/v1/", headers=headers, trust_env=False, timeout=LIMIT) as client:
        yield client


def events_in(lines: Iterator[str]) -> Iterator[Event]:
    """The events of a text/event-stream, comments left out."""
    name = ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def read_events(client: httpx2.Client, path: str, body: dict[str, Any]) -> list[Event]:
    """All events of a streamed answer."""
    with client.stream("POST", path, json={**body, "stream": True}) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        return list(events_in(response.iter_lines()))
