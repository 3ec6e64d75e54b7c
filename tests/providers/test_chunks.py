"""The content of chunks is read past the HTTP library, and is what the library would have read."""

import asyncio
import random

import h11
import pytest

from providers import sockets
from providers.chunks import Head

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"
WORDS = [b"data: one\n\n", "data: Grüße 👩‍🚀\r\n\r\n".encode(), b"5\r\nhello\r\n0\r\n\r\n", b"x" * 300]


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + end


def read(*parts: bytes) -> list[bytes]:
    """What the HTTP library makes of it: pieces of the body, or the exception's name last."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    pieces: list[bytes] = []
    for part in parts:
        connection.receive_data(part)
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError:
                return [*pieces, b"RemoteProtocolError"]
            if isinstance(event, h11.Data):
                pieces.append(bytes(event.data))
            elif event in (h11.NEED_DATA, h11.PAUSED):
                break
            elif isinstance(event, h11.EndOfMessage):
                return [*pieces, b"end"]
    return pieces


async def read_past(*parts: bytes) -> list[bytes]:
    """As ``read``, with the content of chunks read past the library."""
    received = sockets._Received(asyncio.get_running_loop())
    stream = sockets.SocketStream(received)
    stream._head = Head()

    async def arrive() -> None:
        for part in parts:
            received.data_received(part)
            await asyncio.sleep(0)
        received.connection_lost(None)

    arriving = asyncio.create_task(arrive())
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    connection.send(h11.EndOfMessage())
    pieces: list[bytes] = []
    try:
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                connection.receive_data(await stream.read(65_536))
            elif isinstance(event, h11.Response):
                while (content := await stream.read_body()) is not None:
                    pieces.append(content)
            elif isinstance(event, h11.Data):
                pieces.append(bytes(event.data))
        pieces.append(b"end")
    except h11.RemoteProtocolError:
        pieces.append(b"RemoteProtocolError")
    await arriving
    return pieces


async def test_chunks_that_came_together_are_told_together() -> None:
    assert await read_past(HEAD + chunked(*WORDS)) == [b"".join(WORDS), b"end"]
    assert await read_past(HEAD, chunked(*WORDS[:2], end=b""), chunked(*WORDS[2:])) == [
        b"".join(WORDS[:2]),
        b"".join(WORDS[2:]),
        b"end",
    ]


@pytest.mark.parametrize("seed", range(40))
async def test_the_content_is_the_same_wherever_it_is_cut(seed: int) -> None:
    rng = random.Random(seed)
    message = HEAD + chunked(*rng.choices(WORDS, k=20))
    cuts = sorted(rng.sample(range(len(message)), rng.randrange(1, 60)))
    parts = [message[start:end] for start, end in zip([0, *cuts], [*cuts, len(message)], strict=True)]
    assert b"".join(await read_past(*parts)) == b"".join(read(message))
    bytewise = [message[place : place + 1] for place in range(len(message))]
    assert b"".join(await read_past(*bytewise)) == b"".join(read(message))


async def test_words_do_not_wait_for_the_end_of_their_chunk() -> None:
    assert await read_past(HEAD, b"b\r\ndata: o") == [b"data: o", b"RemoteProtocolError"]


@pytest.mark.parametrize(
    "message",
    [
        PLAIN + b"5\r\nhello\r\n5\r\nworld\r\n",
        HEAD.replace(b"1.1", b"1.0") + chunked(*WORDS),
        HEAD + b"5;name=value\r\nhello\r\n" + chunked(*WORDS),
        HEAD + b"5\r\nhello\r\n5;name=value\r\nhello\r\n" + chunked(*WORDS),
        HEAD + chunked(*WORDS, end=b"0\r\nTrailer: 1\r\n\r\n"),
        HEAD + chunked(*WORDS, end=b"zz\r\n"),
        HEAD + chunked(*WORDS, end=b""),
        HEAD + chunked(),
        HEAD + b"0x5\r\nhello\r\n" + chunked(*WORDS),
        HEAD + b"5\r\nhelloXX5\r\nhello\r\n",
        HEAD + b"fffffffff\r\nhello",
        HEAD + b"-5\r\nhello\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + chunked(*WORDS),
        b"nonsense" * 20_000,
    ],
)
async def test_what_is_not_plain_is_left_to_the_library(message: bytes) -> None:
    expected = b"".join(read(message, b""))
    assert b"".join(await read_past(message)) == expected
    half = len(message) // 2
    assert b"".join(await read_past(message[:half], message[half:])) == expected
