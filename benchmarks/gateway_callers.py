"""Callers of a chat completions server: one, many, and crowds that read streams."""

import asyncio
import json
import re
import statistics
import time
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, cast

ONE_CALLER: Final = 400  # requests
CALLERS: Final = 32
REQUESTS: Final = 3_000
STREAMS: Final = 50
PACE: Final = 50  # tokens a second
SECONDS: Final = 6
UNPACED_TOKENS: Final = 2_000
CROWD: Final = 600  # streams
ARRIVALS: Final = 200  # of them in a second
CROWD_SECONDS: Final = 8  # after the last of them has come
CROWD_LIMIT: Final = 60.0  # seconds for all of it
_DUE: Final = re.compile(rb" (\d+\.\d{4})(?=[ \"])")


@dataclass
class Door:
    """Where requests go: the provider itself, or the gateway in front of it."""

    port: int
    path: str
    model: str
    token: str

    def request(self, content: str, *, stream: bool) -> bytes:
        """The bytes of one request."""
        body = json.dumps(
            {"model": self.model, "stream": stream, "messages": [{"role": "user", "content": content}]}
        ).encode()
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection."""
        return await asyncio.open_connection("127.0.0.1", self.port)


class Lags(NamedTuple):
    """How late the pieces of a crowd's answers came, in milliseconds, once everybody was there."""

    p50: float
    p99: float
    worst: float
    tokens: int


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    """Send one request and read its whole answer; the end of a chunked one is its empty chunk."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    assert head.startswith("http/1.1 200"), head + (await reader.read(500)).decode()
    if "content-length:" in head:
        return await reader.readexactly(int(head.partition("content-length:")[2].split("\r\n")[0]))
    body = bytearray()
    while not body.endswith(b"\r\n0\r\n\r\n"):
        body += await reader.read(65_536)
    return bytes(body)


async def one_caller(door: Door) -> float:
    """The median in milliseconds."""
    reader, writer = await door.connect()
    request, times = door.request("hello", stream=False), []
    for _ in range(ONE_CALLER):
        started = time.perf_counter()
        await ask(reader, writer, request)
        times.append(time.perf_counter() - started)
    writer.close()
    return statistics.median(times) * 1000


async def many_callers(door: Door) -> int:
    """How many requests were answered."""
    request = door.request("hello", stream=False)

    async def call() -> None:
        reader, writer = await door.connect()
        for _ in range(REQUESTS // CALLERS):
            await ask(reader, writer, request)
        writer.close()

    await asyncio.gather(*(call() for _ in range(CALLERS)))
    return REQUESTS // CALLERS * CALLERS


async def streams(door: Door, *, pace: int, tokens: int) -> int:
    """How many tokens came."""
    request = door.request(f"tokens={tokens} pace={pace}", stream=True)

    async def call() -> None:
        reader, writer = await door.connect()
        assert b"[DONE]" in await ask(reader, writer, request)
        writer.close()

    await asyncio.gather(*(call() for _ in range(STREAMS)))
    return STREAMS * tokens


class Listener(asyncio.Protocol):
    """One stream of a crowd: what is due when, and when it came."""

    def __init__(self, request: bytes) -> None:
        self.came: list[tuple[float, list[bytes]]] = []
        self.ended = asyncio.Event()
        self.is_whole = False
        self._request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note it; reading the times waits until nobody is in a hurry."""
        self.came.append((time.monotonic(), _DUE.findall(data)))
        if b"[DONE]" in data:
            self.is_whole = True
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Over."""
        self.ended.set()


def _itself(listener: Listener) -> Listener:
    return listener


async def crowd(door: Door) -> Lags:
    """So many streams at once. Raises ``TimeoutError``."""
    loop = asyncio.get_running_loop()
    arriving = CROWD / ARRIVALS
    listeners = []
    started = time.monotonic()
    async with asyncio.timeout(CROWD_LIMIT):
        for number in range(CROWD):
            await asyncio.sleep(max(0.0, started + number / ARRIVALS - time.monotonic()))
            left = arriving - number / ARRIVALS + CROWD_SECONDS
            listener = Listener(door.request(f"tokens={round(left * PACE)} pace={PACE}", stream=True))
            await loop.create_connection(partial(_itself, listener), "127.0.0.1", door.port)
            listeners.append(listener)
        settled = time.monotonic() + 1
        await asyncio.gather(*(listener.ended.wait() for listener in listeners))
    assert all(listener.is_whole for listener in listeners)
    lags = sorted(
        (at - float(due)) * 1000 for listener in listeners for at, dues in listener.came if at > settled for due in dues
    )
    tokens = sum(len(dues) for listener in listeners for _, dues in listener.came)
    return Lags(lags[len(lags) // 2], lags[len(lags) * 99 // 100], lags[-1], tokens)
