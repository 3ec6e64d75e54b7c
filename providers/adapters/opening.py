"""Opening a streamed call through an SDK's own client, past its typed methods.

The SDK still builds the request, authenticates it and raises typed errors. Its typed methods would first walk through
every message and every parameter to bring them into the form that they have already, which costs as much as the call.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2

Post = Callable[..., Awaitable[Any]]
"""The ``post`` of either SDK's client."""
UNREPEATED: Final = {"idempotency_key": "none"}
"""Neither SDK sends the key, but both would make one up for each call out of the kernel's random numbers."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A response whose body is not read yet."""

    http_response: httpx2.Response


@asynccontextmanager
async def open_stream(post: Post, path: str, body: dict[str, object]) -> AsyncIterator[Opened]:
    """The answer to a POST; raises the SDK's exceptions."""
    response = await post(path, cast_to=httpx2.Response, body=body, stream=True, options=UNREPEATED)
    try:
        yield Opened(response)
    finally:
        await response.aclose()
