"""Connections as the HTTP library wants them, straight on the event loop's transports.

The library's own go through anyio, whose cancel scopes and whose question to the kernel whether each idle connection
can still be used cost more than everything else that is done for a piece of an answer. Here the protocol is told what
arrives, so an idle connection that the server has closed is known without asking.
"""

import asyncio
import ssl
from collections.abc import Awaitable
from typing import ClassVar, Final, TypeVar, cast
from weakref import WeakSet

import httpcore2

from providers.chunks import ChunkedBody, Head

HIGH_WATER: Final = 262_144  # bytes that wait for a reader before the sender has to wait, too
PAUSE_EACH: Final = 0.000_2  # seconds between two looks at one body, for every body that is being read
PAUSE_MOST: Final = 0.1  # seconds; nobody sees words come later by less
Result = TypeVar("Result")


async def connect(address: str, port: int, timeout: float) -> "SocketStream":  # noqa: ASYNC109 - as the library's
    """A connection to an address that has been judged. Raises the library's exceptions."""
    loop = asyncio.get_running_loop()
    received = _Received(loop)
    try:
        async with asyncio.timeout(timeout):
            await loop.create_connection(lambda: received, address, port)
    except TimeoutError:
        raise httpcore2.ConnectTimeout(f"{address}:{port} did not answer in time.") from None
    except OSError as error:
        raise httpcore2.ConnectError(str(error)) from None
    return SocketStream(received)


class _Received(asyncio.Protocol):
    """What has arrived and waits for its reader, of whom there is one at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.transport: asyncio.Transport | None = None
        self.waiting = bytearray()
        self.ended = False
        self.failure: Exception | None = None
        self._loop = loop
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._reading_paused = self._writing_paused = False
        self._alarm: asyncio.TimerHandle | None = None
        self._next_look = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        if len(self.waiting) > HIGH_WATER and not self._reading_paused and self.transport is not None:
            self._reading_paused = True
            self.transport.pause_reading()
        if self._next_look <= self._loop.time() or self._reading_paused:
            self._wake()
        elif self._alarm is None:
            self._alarm = self._loop.call_at(self._next_look, self._wake)

    def eof_received(self) -> bool:
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended, self.failure = True, exc
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    @property
    def is_full(self) -> bool:
        """Whether a writer has to wait."""
        return self._writing_paused and not self.ended

    def take(self, most: int) -> bytes:
        """What waits, up to so many bytes."""
        taken = bytes(self.waiting[:most])
        del self.waiting[:most]
        if self._reading_paused and len(self.waiting) < HIGH_WATER and self.transport is not None:
            self._reading_paused = False
            self.transport.resume_reading()
        return taken

    def give_back(self, taken: bytes) -> None:
        """Something that was taken too early."""
        self.waiting[:0] = taken

    def rest_before_next_look(self, seconds: float) -> None:
        """Let what arrives in that time wait, so that it is read together; an end is told at once."""
        self._next_look = self._loop.time() + seconds

    async def something(self) -> None:
        """Return when there is something to read, or nothing will come any more."""
        while not self.waiting and not self.ended:
            self._reader = self._loop.create_future()
            await self._reader

    async def room(self) -> None:
        """Return when more can be written."""
        while self.is_full:
            self._writer = self._loop.create_future()
            await self._writer

    def _wake(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class SocketStream(httpcore2.AsyncNetworkStream):
    """One connection; the exceptions are the library's.

    A look at a body costs far more than the words that it finds. So the more bodies are read at once, the longer is the
    pause between two looks at each: hundreds of streams stay smooth where they would fall behind word by word.
    """

    _bodies: ClassVar[WeakSet[ChunkedBody]] = WeakSet()

    def __init__(self, received: _Received) -> None:
        self._received = received
        self._unsent = bytearray()
        self._head: Head | None = None
        self._body: ChunkedBody | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """What has arrived, up to the end of a message's head; nothing at the end."""
        received = self._received
        if not received.waiting and not received.ended:
            await _within(timeout, received.something(), httpcore2.ReadTimeout)
        if received.waiting:
            taken = received.take(max_bytes)
            return taken if self._head is None else self._up_to_body(self._head, taken)
        if received.failure is not None:
            raise httpcore2.ReadError(str(received.failure))
        return b""

    async def read_body(self) -> bytes | None:
        """What has arrived of the content of a body in chunks; ``None`` when the rest is for ``read``.

        There is no such content unless ``read`` has just come to the end of a head.
        """
        received, body = self._received, self._body
        while body is not None:
            if not received.waiting and not received.ended:
                await received.something()
            content = body.feed(received.take(HIGH_WATER))
            received.rest_before_next_look(min(PAUSE_MOST, PAUSE_EACH * len(self._bodies)))
            if body.is_over or (received.ended and not received.waiting):
                received.give_back(body.rest)
                body = self._body = None
            if content:
                return content
        return None

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Send it, in one go with what follows at once, as the body of a request follows its head.

        Waits while the other side takes nothing.
        """
        received = self._received
        if received.failure is not None or self._transport.is_closing():
            raise httpcore2.WriteError(str(received.failure or "The connection is closed."))
        if not buffer:
            return
        self._head, self._body = Head(), None
        received.rest_before_next_look(0)
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent += buffer
        if len(self._unsent) > HIGH_WATER:
            self._flush()
        if received.is_full:
            await _within(timeout, received.room(), httpcore2.WriteTimeout)

    async def aclose(self) -> None:
        """Close at once: nobody waits for the goodbye of a server that may never say it."""
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> "SocketStream":
        """The same connection, encrypted and its certificate checked against the name."""
        received = self._received
        loop = asyncio.get_running_loop()
        try:
            securing = loop.start_tls(self._transport, received, ssl_context, server_hostname=server_hostname)
            secured = await _within(timeout, securing, httpcore2.ConnectTimeout)
        except (OSError, ssl.SSLError) as error:
            await self.aclose()
            raise httpcore2.ConnectError(str(error)) from None
        except BaseException:
            await self.aclose()
            raise
        if secured is None:
            raise httpcore2.ConnectError("The server closed the connection.")
        received.transport = secured
        return self

    def get_extra_info(self, info: str) -> object:
        """``is_readable`` and ``ssl_object``: all that the library asks for."""
        if info == "is_readable":
            return bool(self._received.waiting) or self._received.ended
        return self._transport.get_extra_info(info)

    def _up_to_body(self, head: Head, taken: bytes) -> bytes:
        length = head.length_in(taken)
        if length is None:
            return taken
        self._head = None
        if not head.is_chunked:
            return taken
        self._body = ChunkedBody()
        self._bodies.add(self._body)
        self._received.give_back(taken[length:])
        return taken[:length]

    def _flush(self) -> None:
        unsent, self._unsent = self._unsent, bytearray()
        if unsent and not self._transport.is_closing():
            self._transport.write(unsent)

    @property
    def _transport(self) -> asyncio.Transport:
        assert self._received.transport is not None  # noqa: S101 - set before anybody has the stream
        return self._received.transport


async def _within(seconds: float | None, work: Awaitable[Result], failure: type[Exception]) -> Result:
    if seconds is None:
        return await work
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise failure("It took too long.") from None
