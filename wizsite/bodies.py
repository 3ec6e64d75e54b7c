"""A bound on request bodies, before anything is parsed, stored or authenticated."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from agents.gateway.application import PREFIX
from agents.gateway.door import security_headers
from agents.gateway.failures import Refused, error_form

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]


class BodyGuard:
    """ASGI middleware: 413 for more than ``DATA_UPLOAD_MAX_MEMORY_SIZE`` bytes, however they are announced.

    Where images may be sent the bound is ``IMAGE_BODY_LIMIT``, where conversations are imported ``IMPORT_BODY_LIMIT``,
    if the length is announced.

    A body without a length (chunked) is collected first and gets one: Django and REST framework take a missing length
    for an empty body.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        headers = dict(scope["headers"])
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if scope["path"].startswith(settings.IMPORT_PATHS):
            limit = settings.IMPORT_BODY_LIMIT
        elif scope["path"].startswith(settings.IMAGE_PATHS):
            limit = settings.IMAGE_BODY_LIMIT
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            await refuse(scope, send, limit)
        elif not length and b"transfer-encoding" in headers:
            await self._collect(scope, receive, send, min(limit, settings.IMAGE_BODY_LIMIT))  # it is held in memory
        else:
            await self.app(scope, receive, send)

    async def _collect(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        body, is_more = bytearray(), True
        while is_more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            is_more = message.get("more_body", False)
            if len(body) > limit:
                await refuse(scope, send, limit)
                return
        headers = [pair for pair in scope["headers"] if pair[0] != b"transfer-encoding"]
        scope = {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}
        await self.app(scope, replay(bytes(body), receive), send)


def replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the collected body first."""
    is_first = True

    async def next_message() -> MutableMapping[str, Any]:
        nonlocal is_first
        if not is_first:
            return await receive()
        is_first = False
        return {"type": "http.request", "body": body, "more_body": False}

    return next_message


async def refuse(scope: Scope, send: Send, limit: int) -> None:
    """413 in the shape of the door that was knocked at, and the connection ends."""
    message = f"The body is too large: at most {limit:,} bytes are accepted."
    is_api = scope["path"].startswith(("/api/", PREFIX))
    body = json.dumps(_error(scope["path"], message)).encode() if is_api else message.encode()
    kind = b"application/json" if is_api else b"text/plain; charset=utf-8"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    headers += security_headers(scope["scheme"], dict(scope["headers"]))
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _error(path: str, message: str) -> dict[str, object]:
    if path.startswith(PREFIX):
        return error_form(path.removeprefix(PREFIX), Refused(413, message, code="too_large"))
    return {"error": {"code": "too_large", "message": message, "detail": None}}
