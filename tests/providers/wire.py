"""What the wire tests share: configurations, requests, a server that answers with given bytes."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType

from providers.adapters import create_client
from providers.adapters.base import ProviderClient
from providers.types import ChatMessage, ChatRequest, ClientConfig, StreamEvent, TextDelta, Timeouts

KEY = "sk-canary-1234567890"


def config(
    base: str, kind: str = "openai-compatible", *, key: str = KEY, limits: Mapping[str, float] = MappingProxyType({})
) -> ClientConfig:
    """A configuration for a server at ``base``, given without ``/v1``."""
    return ClientConfig(
        provider_id="1",
        provider_name="Practice",
        kind=kind,
        base_url=base if kind == "anthropic" else f"{base}/v1",
        api_key=key,
        timeouts=Timeouts(**limits),
    )


@asynccontextmanager
async def connected(settings: ClientConfig) -> AsyncIterator[ProviderClient]:
    """A client that is closed again."""
    client = create_client(settings)
    try:
        yield client
    finally:
        await client.aclose()


def ask(text: str, model: str = "practice-fast", **fields: object) -> ChatRequest:
    """A request with one message."""
    return ChatRequest(model=model, messages=(ChatMessage("user", text),), **fields)  # type: ignore[arg-type]


async def events_of(settings: ClientConfig, request: ChatRequest) -> list[StreamEvent]:
    """Everything that one stream yields."""
    async with connected(settings) as client:
        return [event async for event in client.stream(request)]


def text_in(events: Sequence[StreamEvent]) -> str:
    """The answer's text."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on the port that it yields; every connection is closed when its handler returns, and none is left."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.wait_for(asyncio.gather(*tasks), 5)


@asynccontextmanager
async def answering(answer: bytes, *, hold: bool = False) -> AsyncIterator[str]:
    """A server that answers every request with these bytes and closes, or holds the connection open."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(answer)
        await writer.drain()
        if hold:
            await reader.read()

    async with serving(serve) as port:
        yield f"http://127.0.0.1:{port}"


def http(body: bytes, status: str = "200 OK", kind: str = "text/event-stream", extra: str = "") -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nConnection: close\r\n{extra}\r\n"
    return head.encode() + body
