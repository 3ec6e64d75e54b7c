"""Where Wiz may connect to, and the HTTP client that keeps to it.

An address is judged twice: when a base URL is saved and again on the resolved address of every connection, so that a
name that changes its mind in between gains nothing.
"""

from collections.abc import AsyncIterator, Iterable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpcore2
import httpx2

from providers import sockets
from providers.addresses import BaseURLError, check_base_url
from providers.connections import KEPT_CONNECTIONS, POOL_SIZE, Pool
from providers.types import Timeouts

__all__ = ["HOP_HEADER", "BaseURLError", "check_base_url", "create_http_client"]

HOP_HEADER = "X-Wiz-Hop"  # the gateway refuses requests that carry it: a provider must not be Wiz itself
HEADER_LIMIT = 65_536  # bytes of all response headers
ERROR_BODY_LIMIT = 65_536  # bytes of the body of an error
WRITE_TIMEOUT = 30.0  # seconds one write may be stuck
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


class GuardedTransport(httpx2.AsyncBaseTransport):
    """httpx2's transport over the guarded pool: header allow-list, header and error-body caps, no cookies."""

    def __init__(self, allowed: frozenset[bytes]) -> None:
        self._allowed = allowed
        self._pools: list[Pool] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises ``httpx2.TransportError`` and ``AddressRefused``."""
        pool = self._pool_with_room()
        try:
            response = await pool.send(self._outgoing(request))
        except tuple(TRANSPORT_ERRORS) as error:
            raise _translated(error) from error
        body = _Body(response, pool)
        if sum(len(name) + len(value) for name, value in response.headers) > HEADER_LIMIT:
            await body.aclose()
            raise httpx2.RemoteProtocolError("The response headers are too large.")
        return httpx2.Response(
            status_code=response.status,
            headers=_incoming(response),
            stream=body,
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        for pool in self._pools:
            await pool.aclose()

    def _pool_with_room(self) -> Pool:
        """The first one, so that few requests share few connections."""
        for pool in self._pools:
            if pool.busy < POOL_SIZE:
                return pool
        kept = max(0, min(POOL_SIZE, KEPT_CONNECTIONS - POOL_SIZE * len(self._pools)))
        self._pools.append(Pool(kept))
        return self._pools[-1]

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

    def __init__(self, response: httpcore2.Response, pool: Pool) -> None:
        self._response = response
        self._pool: Pool | None = pool
        self._limit = ERROR_BODY_LIMIT if response.status >= 300 else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = self._limit
        connection = self._response.extensions.get("network_stream")
        try:
            if self._response.status == 200 and isinstance(connection, sockets.SocketStream):
                while (content := await connection.read_body()) is not None:
                    yield content
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
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.take_back(self._response)


def _incoming(response: httpcore2.Response) -> RawHeaders:
    """The headers without cookies; those of an error also without its encoding, which could unfold without bound."""
    dropped = {b"set-cookie", b"set-cookie2"} | ({b"content-encoding"} if response.status >= 300 else set())
    return [(name, value) for name, value in response.headers if name.lower() not in dropped]


def _translated(error: Exception) -> httpx2.TransportError:
    kind = next(TRANSPORT_ERRORS[base] for base in type(error).__mro__ if base in TRANSPORT_ERRORS)
    return kind(str(error))
