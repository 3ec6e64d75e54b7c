"""A provider that does nothing but answer, in a process of its own: what the gateway is measured against.

Run as a program it prints its port and serves. Words of the question choose the answer: ``tokens=600 pace=50``. Every
piece of a paced answer says when it was due, so that whoever reads it knows how late it comes.
"""

import asyncio
import json
import time
from typing import Final

import uvloop

HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
START: Final = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"fast","choices":['
CHUNK: Final = START + b'{"index":0,"delta":{"content":" %b"},"logprobs":null,"finish_reason":null}]}\n\n'
LAST: Final = (
    START
    + b'{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n'
    + START
    + b'],"usage":{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}}\n\ndata: [DONE]\n\n'
)
TOGETHER: Final = 20  # tokens of an unpaced answer in one write


def framed(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Paced:
    """One answer at its pace; ``done`` is set when it is over."""

    def __init__(self, writer: asyncio.StreamWriter, tokens: int, pace: float) -> None:
        self.done = asyncio.Event()
        self._writer = writer
        self._tokens = tokens
        self._pace = pace
        self._started = time.monotonic()
        self._number = 0
        self._tick()

    def _tick(self) -> None:
        due = self._started + self._number / self._pace
        if self._number == self._tokens or self._writer.is_closing():
            self.done.set()
            return
        self._writer.write(framed(CHUNK % (b"%.4f" % due)))
        self._number += 1
        asyncio.get_running_loop().call_at(self._started + self._number / self._pace, self._tick)


async def answer(writer: asyncio.StreamWriter, question: str) -> None:
    """One whole answer."""
    words = dict(pair.split("=") for pair in question.split() if "=" in pair)
    tokens, pace = int(words.get("tokens", 1)), float(words.get("pace", 0))
    writer.write(HEAD)
    if pace:
        await Paced(writer, tokens, pace).done.wait()
    else:
        for start in range(0, tokens, TOGETHER):
            writer.write(framed(CHUNK % b"word" * min(TOGETHER, tokens - start)))
            await writer.drain()
    writer.write(framed(LAST) + b"0\r\n\r\n")
    await writer.drain()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer what comes over one connection."""
    try:
        while True:
            text = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            body = await reader.readexactly(int(text.partition("content-length:")[2].split("\r\n")[0]))
            await answer(writer, json.loads(body)["messages"][-1]["content"])
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    """Serve until somebody ends the process."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
