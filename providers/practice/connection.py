"""HTTP/1.1 over raw asyncio streams: enough of it to serve well, and to break off in every way a server can."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import cast

HEAD_LIMIT = 65_536  # bytes of a request's head
REQUEST_LIMIT = 33_554_432  # bytes of a request's body
REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Slow Down"}
Fields = Mapping[str, object]


class HungUp(Exception):
    """The client closed the connection while it was being answered."""


class Broken(Exception):
    """The script broke the connection off."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case, ``body`` is the decoded JSON or ``None``."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: object

    @property
    def fields(self) -> Fields:
        """The JSON object of the body, empty for any other body."""
        return cast("Fields", self.body) if isinstance(self.body, dict) else {}


class Connection:
    """One client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ahead = b""
        self.one_byte = False

    @property
    def is_local(self) -> bool:
        """Whether the client is on this machine."""
        host = str(self._writer.get_extra_info("peername", ("",))[0])
        return host in {"::1", "::ffff:127.0.0.1"} or host.startswith("127.")

    async def read_request(self) -> Request | None:
        """The next request, or ``None`` when the client is done or does not speak HTTP."""
        try:
            head = self._ahead + await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return None
        self._ahead = b""
        line, *rest = head.decode("latin-1").split("\r\n")
        method, _, target = line.partition(" ")
        pairs = (row.partition(":") for row in rest if row)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", "0") or 0)
        if length > REQUEST_LIMIT:
            return None
        body = await self._reader.readexactly(length)
        return Request(method=method, path=target.split(" ")[0], headers=headers, body=_json_or_none(body))

    async def respond(self, status: int, body: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        """A whole answer with its length."""
        extra = {**(headers or {}), "Content-Type": kind, "Content-Length": str(len(body))}
        await self.write(_head(status, extra) + body)

    async def respond_json(self, status: int, value: object, headers: Mapping[str, str] | None = None) -> None:
        """A whole JSON answer."""
        await self.respond(status, json.dumps(value).encode(), "application/json", headers)

    async def respond_half(self, body: bytes, kind: str) -> None:
        """The head of an answer and the first half of its body."""
        await self.write(_head(200, {"Content-Type": kind, "Content-Length": str(len(body))}) + body[: len(body) // 2])

    async def start_stream(self, kind: str = "text/event-stream; charset=utf-8") -> None:
        """The head of a chunked answer."""
        headers = {"Content-Type": kind, "Transfer-Encoding": "chunked", "Cache-Control": "no-cache"}
        await self.write(_head(200, headers))

    async def chunk(self, data: bytes) -> None:
        """One chunk of the answer; byte by byte when ``one_byte`` is set."""
        if not self.one_byte:
            await self.write(b"%x\r\n%b\r\n" % (len(data), data))
            return
        for position in range(len(data)):
            await self.write(b"1\r\n%b\r\n" % data[position : position + 1])
            await asyncio.sleep(0)

    async def end_stream(self) -> None:
        """The end of a chunked answer."""
        await self.write(b"0\r\n\r\n")

    async def write(self, data: bytes) -> None:
        """Raw bytes. Raises ``HungUp`` when nobody reads them."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            raise HungUp from None

    def reset(self) -> None:
        """Break off with a TCP RST. Raises ``Broken``."""
        raw: socket.socket | None = self._writer.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        raise Broken

    def cut(self) -> None:
        """Close in the middle of the answer. Raises ``Broken``."""
        self._writer.close()
        raise Broken

    async def while_connected(self, answering: Coroutine[object, object, None]) -> None:
        """Run ``answering``, but stop it as soon as the client closes the connection. Raises ``HungUp`` then."""
        work = asyncio.ensure_future(answering)
        watch = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait({work, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and watch.done() and watch.exception() is None and (ahead := watch.result()):
                self._ahead = ahead
                await work
            if not work.done():
                raise HungUp
            await work
        finally:
            for task in (work, watch):
                task.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)

    async def close(self) -> None:
        """Close; errors of a connection that is gone already do not matter."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = (f"{name}: {value}" for name, value in headers.items())
    return "\r\n".join([f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", *lines, "", ""]).encode("latin-1")


def _json_or_none(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
