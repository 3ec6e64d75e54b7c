"""Where Wiz may connect to, and the HTTP client that keeps to it.

An address is judged twice: when a base URL is saved and again on the resolved address of every connection, so that a
name that changes its mind in between gains nothing.
"""

import asyncio
import functools
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore2
import httpx2

from providers import sockets
from providers.addresses import BaseURLError, check_base_url, judge_host, refuse_address
from providers.errors import AddressRefused
from providers.types import Timeouts

__all__ = ["HOP_HEADER", "BaseURLError", "check_base_url", "create_http_client"]

HOP_HEADER = "X-Wiz-Hop"  # the gateway refuses requests that carry it: a provider must not be Wiz itself
HEADER_LIMIT = 65_536  # bytes of all response headers
ERROR_BODY_LIMIT = 65_536  # bytes of the body of an error
WRITE_TIMEOUT = 30.0  # seconds one write may be stuck
KEEPALIVE = 15.0  # seconds an idle connection is kept
KEPT_CONNECTIONS = 100  # idle ones; with fewer, as many callers at once would connect anew again and again
ALLOWED_HEADERS = frozenset(
    {
        b"host",
        b"authorization",
        b"x-api-key",
        b"anthropic-version",
        b"anthropic-beta",
        b"openai-organization",
        b"openai-project",
        b"content-type",
        b"content-length",
        b"transfer-encoding",
        b"accept",
        b"user-agent",
        b"connection",
    }
)
FIXED_HEADERS = ((b"Accept-Encoding", b"identity"), (HOP_HEADER.encode(), b"1"))
# The two libraries name the same failures alike.
TRANSPORT_ERRORS: dict[type[Exception], type[httpx2.TransportError]] = {
    getattr(httpcore2, name): getattr(httpx2, name)
    for name in (
        "TimeoutException",
        "ConnectTimeout",
        "ReadTimeout",
        "WriteTimeout",
        "PoolTimeout",
        "NetworkError",
        "ConnectError",
        "ReadError",
        "WriteError",
        "ProxyError",
        "UnsupportedProtocol",
        "ProtocolError",
        "LocalProtocolError",
        "RemoteProtocolError",
    )
}
SocketOptions = Iterable[httpcore2.SOCKET_OPTION]
RawHeaders = list[tuple[bytes, bytes]]


def create_http_client(timeouts: Timeouts, *, headers: Iterable[str] = ()) -> httpx2.AsyncClient:
    """A client bound to the running loop that connects only to judged addresses.

    ``headers`` names request headers that may be sent besides those the dialects need. The client has no read
    time-out: the adapters watch the clock themselves.
    """
    allowed = ALLOWED_HEADERS | {name.lower().encode() for name in headers}
    return httpx2.AsyncClient(
        transport=GuardedTransport(allowed),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx2.Timeout(connect=timeouts.connect, read=None, write=WRITE_TIMEOUT, pool=timeouts.connect),
        headers={"User-Agent": "Wiz"},
    )


@functools.cache
def _tls_context() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()


class GuardBackend(httpcore2.AsyncNetworkBackend):
    """Resolves a name once, judges every address and connects to a judged one. Raises ``AddressRefused``."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,  # noqa: ARG002 - the library's signature
        socket_options: SocketOptions | None = None,  # noqa: ARG002 - as above
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first judged address that answers within ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + (timeout or 60.0)
        addresses = await self._resolve(host, port, end)
        judge_host(host, port, addresses)
        failure: Exception = httpcore2.ConnectError(f"No address found for {host}.")
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            share = max((end - loop.time()) / left, 0.05)
            try:
                return await sockets.connect(address, port, share)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        socket_options: SocketOptions | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refused: no provider lives on a unix socket."""
        del timeout, socket_options
        raise AddressRefused(detail=refuse_address(path, "is a unix socket"))

    async def sleep(self, seconds: float) -> None:
        """Part of the library's interface."""
        await asyncio.sleep(seconds)

    @staticmethod
    async def _resolve(host: str, port: int, end: float) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(end):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise httpcore2.ConnectTimeout(f"The name {host} was not resolved in time.") from None
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"The name {host} cannot be resolved: {error}") from None
        return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


class GuardedTransport(httpx2.AsyncBaseTransport):
    """httpx2's transport over the guarded pool: header allow-list, header and error-body caps, no cookies."""

    def __init__(self, allowed: frozenset[bytes]) -> None:
        self._allowed = allowed
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_tls_context(),
            max_connections=None,
            max_keepalive_connections=KEPT_CONNECTIONS,
            keepalive_expiry=KEEPALIVE,
            retries=0,
            network_backend=GuardBackend(),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises ``httpx2.TransportError`` and ``AddressRefused``."""
        try:
            response = await self._pool.handle_async_request(self._outgoing(request))
        except tuple(TRANSPORT_ERRORS) as error:
            raise _translated(error) from error
        if sum(len(name) + len(value) for name, value in response.headers) > HEADER_LIMIT:
            await response.aclose()
            raise httpx2.RemoteProtocolError("The response headers are too large.")
        return httpx2.Response(
            status_code=response.status,
            headers=_incoming(response),
            stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    def _outgoing(self, request: httpx2.Request) -> httpcore2.Request:
        headers = [(name, value) for name, value in request.headers.raw if name.lower() in self._allowed]
        return httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=[*headers, *FIXED_HEADERS],
            content=request.stream,
            extensions=request.extensions,
        )


class _Body(httpx2.AsyncByteStream):
    """A response body with httpx2's exceptions; that of an error ends at ``ERROR_BODY_LIMIT`` bytes."""

    def __init__(self, response: httpcore2.Response) -> None:
        self._response = response
        self._limit = ERROR_BODY_LIMIT if response.status >= 300 else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limit
        try:
            async for chunk in self._response.aiter_stream():
                if left is None:
                    yield chunk
                    continue
                yield chunk[:left]
                left -= len(chunk)
                if left <= 0:
                    return
        except tuple(TRANSPORT_ERRORS) as error:
            raise _translated(error) from error

    async def aclose(self) -> None:
        await self._response.aclose()


def _incoming(response: httpcore2.Response) -> RawHeaders:
    """The headers without cookies; those of an error also without its encoding, which could unfold without bound."""
    dropped = {b"set-cookie", b"set-cookie2"} | ({b"content-encoding"} if response.status >= 300 else set())
    return [(name, value) for name, value in response.headers if name.lower() not in dropped]


def _translated(error: Exception) -> httpx2.TransportError:
    kind = next(TRANSPORT_ERRORS[base] for base in type(error).__mro__ if base in TRANSPORT_ERRORS)
    return kind(str(error))
