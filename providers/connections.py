"""The connections to providers: only to judged addresses, and kept in pools for the next request."""

import asyncio
import functools
import socket
import ssl
from collections.abc import Iterable

import httpcore2

from providers import sockets
from providers.addresses import judge_host, refuse_address
from providers.errors import AddressRefused

POOL_SIZE = 50  # requests at once; the library looks at every connection of a pool whenever a request begins or ends
KEPT_CONNECTIONS = 100  # idle ones; with fewer, as many callers at once would connect anew again and again
KEEPALIVE = 15.0  # seconds an idle connection is kept
SocketOptions = Iterable[httpcore2.SOCKET_OPTION]


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


class Pool:
    """Connections for so many requests at once as the library handles with ease; ``busy`` counts those under way."""

    def __init__(self, kept: int) -> None:
        self.busy = 0
        self._connections = httpcore2.AsyncConnectionPool(
            ssl_context=_tls_context(),
            max_connections=None,
            max_keepalive_connections=kept,
            keepalive_expiry=KEEPALIVE,
            retries=0,
            network_backend=GuardBackend(),
        )

    async def send(self, request: httpcore2.Request) -> httpcore2.Response:
        """The response; it counts until it is given back."""
        self.busy += 1
        try:
            return await self._connections.handle_async_request(request)
        except BaseException:
            self.busy -= 1
            raise

    async def take_back(self, response: httpcore2.Response) -> None:
        """Close a response, so that its connection serves another request."""
        self.busy -= 1
        await response.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._connections.aclose()
