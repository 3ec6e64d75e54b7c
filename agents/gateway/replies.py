"""The HTTP of the gateway: a request in, a reply out, and an end to everything when the caller leaves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from django.conf import settings

from agents.gateway.failures import Refused

BODY_TIME: Final = 30.0  # seconds in which a body has to arrive
JSON: Final = b"application/json"
EVENTS: Final = b"text/event-stream; charset=utf-8"
NO_STORE: Final = (b"cache-control", b"no-store")

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Left(Exception):
    """The caller closed the connection before the request was there."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; ``path`` is what follows ``/v1/``, names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[bytes, bytes] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back: a whole body, or the events of a stream."""

    content: bytes | AsyncGenerator[bytes, None]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


async def read_request(scope: Scope, receive: Receive, path: str) -> Request:
    """The request with its whole body. Raises ``Refused`` (413, 408) and ``Left``."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIME):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Left
                body += message.get("body", b"")
                if len(body) > settings.IMAGE_BODY_LIMIT:
                    raise Refused(413, "The body is too large.", code="too_large")
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Refused(408, "The body did not arrive in time.", code="timeout") from None
    return Request(scope["method"], path, dict(scope["headers"]), bytes(body))


async def send_reply(reply: Reply, told: Iterable[tuple[bytes, bytes]], send: Send) -> None:
    """Send it with these further headers, each piece of a stream as it comes."""
    is_whole = isinstance(reply.content, bytes)
    headers = [
        (b"content-type", JSON if is_whole else EVENTS),
        NO_STORE,
        *told,
        *((name.encode(), value.encode("latin-1", "replace")) for name, value in reply.headers.items()),
    ]
    if isinstance(reply.content, bytes):
        headers.append((b"content-length", str(len(reply.content)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.content})
        return
    headers.append((b"x-accel-buffering", b"no"))
    async with aclosing(reply.content) as pieces:
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        async for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def while_connected(receive: Receive) -> AsyncIterator[None]:
    """Around the work on a request whose body was read: cancelled, and ended quietly, when the caller leaves."""
    work = asyncio.current_task()
    assert work is not None  # noqa: S101 - a coroutine that runs is run by a task
    watch = asyncio.create_task(_wait_for_end(receive))
    watch.add_done_callback(lambda done: None if done.cancelled() else work.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if not watch.done() or watch.cancelled():
            raise
        work.uncancel()
    finally:
        watch.cancel()


async def _wait_for_end(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
