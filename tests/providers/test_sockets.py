"""Connections on the loop's transports: reading, writing, and ends of every kind."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpcore2
import pytest

from providers import sockets

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def connected(serve: Serve) -> AsyncIterator[sockets.SocketStream]:
    """A connection to a server that does this."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(asyncio.CancelledError):
                await serve(reader, writer)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    stream = await sockets.connect("127.0.0.1", server.sockets[0].getsockname()[1], 5.0)
    try:
        yield stream
    finally:
        await stream.aclose()
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_was_sent_is_read_whole_and_then_the_end() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 3_000_000)
        await writer.drain()
        writer.close()

    async with connected(serve) as stream:
        await asyncio.sleep(0.2)  # lets more arrive than may wait
        received = bytearray()
        while chunk := await stream.read(65_536):
            received += chunk
        assert len(received) == 3_000_000
        assert stream.get_extra_info("is_readable")


async def test_a_sender_waits_for_a_reader_who_does_not_read() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"x" * 65_536)
                await writer.drain()
                sent += 65_536

    async with connected(serve):
        before = -1
        for _ in range(100):
            if sent == before:
                break
            before = sent
            await asyncio.sleep(0.2)
        assert 0 < sent < 50_000_000


async def test_a_server_that_closes_an_idle_connection_is_noticed_without_reading() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with connected(serve) as stream:
        for _ in range(1_000):
            if stream.get_extra_info("is_readable"):
                break
            await asyncio.sleep(0.01)
        assert await stream.read(10) == b""


async def test_a_reset_is_an_error_after_what_came_before_it() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await reader.readexactly(2)
        writer.transport.abort()

    async with connected(serve) as stream:
        await stream.write(b"hi", 5.0)
        with pytest.raises(httpcore2.ReadError):
            await stream.read(10, 5.0)
        with pytest.raises(httpcore2.WriteError):
            await stream.write(b"hi", 5.0)


async def test_silence_and_a_full_pipe_run_into_their_limits() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async with connected(serve) as stream:
        with pytest.raises(httpcore2.ReadTimeout):
            await stream.read(10, 0.05)
        with pytest.raises(httpcore2.WriteTimeout):
            for _ in range(1_000):
                await stream.write(b"x" * 1_000_000, 0.2)


async def test_nobody_there_is_a_connect_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    with pytest.raises(httpcore2.ConnectError):
        await sockets.connect("127.0.0.1", port, 5.0)


async def test_the_more_bodies_are_read_the_rarer_is_a_look_at_each(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(40):
            writer.write(b"3\r\n%03d\r\n" % number)
            await writer.drain()
            await asyncio.sleep(0.005)
        writer.write(b"0\r\n\r\n")

    async def looks() -> int:
        async with connected(serve) as stream:
            await stream.write(b"GET / HTTP/1.1\r\n\r\n")
            while not (await stream.read(65_536)).endswith(b"\r\n\r\n"):
                pass
            pieces = []
            while (piece := await stream.read_body()) is not None:
                pieces.append(piece)
            assert b"".join(pieces) == b"".join(b"%03d" % number for number in range(40))
            assert await stream.read(65_536) == b"0\r\n\r\n"
            return len(pieces)

    alone = await looks()
    monkeypatch.setattr(sockets, "PAUSE_EACH", 0.05)
    assert await looks() < alone / 3


async def test_an_end_is_told_at_once_however_many_read(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(b"3\r\ndef\r\n")

    monkeypatch.setattr(sockets, "PAUSE_EACH", 3_600.0)
    monkeypatch.setattr(sockets, "PAUSE_MOST", 3_600.0)
    async with connected(serve) as stream, asyncio.timeout(30):
        await stream.write(b"GET / HTTP/1.1\r\n\r\n")
        while not (await stream.read(65_536)).endswith(b"\r\n\r\n"):
            pass
        assert [await stream.read_body(), await stream.read_body(), await stream.read_body()] == [b"abc", b"def", None]
