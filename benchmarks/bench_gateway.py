"""What the gateway adds to a call: beside calling the same fast provider directly.

Run with ``make bench``. Everything is real: a Valkey, a SQLite file, one web process, a provider in a process of its
own that does nothing but answer. The caller shares this process. Absolute figures depend on the machine; the ratios to
the direct call are what to watch:

- one caller: the median of a whole answer, and what the gateway adds to it;
- many callers: requests per CPU-second of the web process;
- streams: tokens per CPU-second of the web process, paced and as fast as they come.
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

FOLDER = Path(tempfile.mkdtemp(prefix="wiz-bench-", dir="/tmp"))
os.environ.update(
    WIZ_DATA_DIR=str(FOLDER),
    DJANGO_SETTINGS_MODULE="wizsite.settings",
    WIZ_PRIVATE_PROVIDERS="true",
    WIZ_LOG_LEVEL="ERROR",
)

ONE_CALLER = 400  # requests
CALLERS = 32
REQUESTS = 3_000
STREAMS = 50
PACE = 50  # tokens a second
SECONDS = 6
UNPACED_TOKENS = 2_000
MODEL = "bench/fast"


async def fake(port_to: asyncio.Future[int]) -> None:
    """A provider that answers at once: ``tokens=N`` and ``pace=N`` in the model's name choose a stream."""
    chunk = (
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"fast","choices":[{"index":0,'
        b'"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}\n\n'
    )
    last = (
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"fast","choices":[{"index":0,'
        b'"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n'
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"fast","choices":[],"usage":'
        b'{"prompt_tokens":9,"completion_tokens":9,"total_tokens":18}}\n\ndata: [DONE]\n\n'
    )
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    def framed(data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                body = await reader.readexactly(int(text.partition("content-length:")[2].split("\r\n")[0]))
                asked = json.loads(body)["messages"][-1]["content"]
                words = dict(pair.split("=") for pair in asked.split() if "=" in pair)
                tokens, pace = int(words.get("tokens", 1)), float(words.get("pace", 0))
                writer.write(head)
                if not pace:
                    for start in range(0, tokens, 20):
                        writer.write(framed(chunk * min(20, tokens - start)))
                        await writer.drain()
                started = time.monotonic()
                for number in range(tokens if pace else 0):
                    await asyncio.sleep(max(0, started + number / pace - time.monotonic()))
                    writer.write(framed(chunk))
                writer.write(framed(last) + b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
    port_to.set_result(server.sockets[0].getsockname()[1])
    await server.serve_forever()


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

    async def call() -> int:
        reader, writer = await door.connect()
        body = await ask(reader, writer, request)
        writer.close()
        return body.count(b" word")

    return sum(await asyncio.gather(*(call() for _ in range(STREAMS))))


def cpu_of(process: psutil.Process) -> float:
    """Seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def measure(web: psutil.Process, upstream: psutil.Process, direct: Door, gateway: Door) -> None:
    """Print the figures."""
    for door in (direct, gateway):
        await one_caller(door)  # warm
    plain, through = await one_caller(direct), await one_caller(gateway)
    print(f"one caller, p50: direct {plain:.2f} ms, gateway {through:.2f} ms, added {through - plain:.2f} ms")
    for name, work in (
        (f"{CALLERS} callers: requests", many_callers),
        (f"{STREAMS} streams at {PACE}/s: tokens", lambda door: streams(door, pace=PACE, tokens=PACE * SECONDS)),
        (f"{STREAMS} streams unpaced: tokens", lambda door: streams(door, pace=0, tokens=UNPACED_TOKENS)),
    ):
        rates = []
        for door, process in ((direct, upstream), (gateway, web)):
            before, started = cpu_of(process), time.perf_counter()
            count = await work(door)
            used, wall = cpu_of(process) - before, time.perf_counter() - started
            rates.append((count / used, count / wall))
        (fake_rate, fake_wall), (rate, wall_rate) = rates
        print(
            f"{name} per CPU-second: gateway {rate:,.0f}, the provider itself {fake_rate:,.0f}, ratio "
            f"{rate / fake_rate:.2f}; per second {wall_rate:,.0f} against {fake_wall:,.0f}"
        )


def prepare(port: int) -> str:
    """A migrated database with the provider; the token of somebody who may use it."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from accounts.models import User
    from accounts.services import create_token
    from providers.services import create_provider

    user = User.objects.create_user("bench@example.org")
    create_provider(owner=user, name="bench", kind="openai-compatible", base_url=f"http://127.0.0.1:{port}/v1")
    return create_token(user=user, name="bench")[1]


def serve_fake() -> None:
    """The provider's process: prints its port, then serves."""

    async def main() -> None:
        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        port.add_done_callback(lambda done: print(done.result(), flush=True))
        await fake(port)

    asyncio.run(main())


def start_web() -> "tuple[subprocess.Popen[bytes], int]":
    """One web process with the command line of production, on a free port."""
    import socket

    from wizsite.processes import Options, web

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    process = subprocess.Popen(web(Options(port=port)))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The web process did not start.")


def main() -> None:
    """Start what is needed, measure, stop it."""
    if sys.argv[1:] == ["fake"]:
        serve_fake()
        return
    upstream = subprocess.Popen([sys.executable, __file__, "fake"], stdout=subprocess.PIPE, text=True)
    started: list[subprocess.Popen[bytes]] = []
    try:
        assert upstream.stdout is not None
        port = int(upstream.stdout.readline())
        token = prepare(port)
        from wizsite import embedded, env

        started.append(embedded.start(env.valkey_socket(FOLDER), FOLDER / "valkey"))
        web, web_port = start_web()
        started.append(web)
        direct = Door(port, "/v1/chat/completions", "fast", "none")
        gateway = Door(web_port, "/v1/chat/completions", MODEL, token)
        asyncio.run(measure(psutil.Process(web.pid), psutil.Process(upstream.pid), direct, gateway))
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)
        upstream.terminate()
        upstream.wait(30)
        shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    main()
