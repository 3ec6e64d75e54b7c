"""One attempt over HTTP, through the same guard as the calls to providers."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2
from django.utils.translation import gettext as _

from providers.errors import AddressRefused
from providers.network import create_http_client
from providers.types import Timeouts

HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")
PATIENCE: Final = 15.0  # seconds for the whole attempt; Standard Webhooks advises 15 to 30
CONNECT: Final = Timeouts(connect=5.0)
READ: Final = 2048  # bytes of the answer that are looked at
SHOWN: Final = 500  # characters of it that are kept


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said: a status, or without one the problem. ``retry_after`` is in seconds."""

    code: int | None = None
    text: str = ""
    problem: str = ""
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        """Whether the receiver has taken it."""
        return self.code is not None and 200 <= self.code < 300


async def post(url: str, body: str, headers: Mapping[str, str]) -> Answer:
    """Send once. Follows no redirect, keeps no cookie, never raises for what the receiver does."""
    try:
        async with asyncio.timeout(PATIENCE), create_http_client(CONNECT, headers=HEADERS) as client:
            return await _post(client, url, body, headers)
    except TimeoutError:
        return Answer(problem=_("No answer within %(limit)s seconds.") % {"limit": f"{PATIENCE:g}"})
    except AddressRefused as refusal:
        return Answer(problem=refusal.detail or refusal.message)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Answer(problem=_said(error))


async def _post(client: httpx2.AsyncClient, url: str, body: str, headers: Mapping[str, str]) -> Answer:
    sent = {"Content-Type": "application/json", **headers}
    async with client.stream("POST", url, content=body.encode(), headers=sent) as response:
        text = b""
        async for chunk in response.aiter_raw():
            text += chunk
            if len(text) >= READ:
                break
        shown = "".join(char for char in text[:READ].decode("utf-8", "replace") if char.isprintable() or char == "\n")
        problem = _("Redirects are not followed.") if 300 <= response.status_code < 400 else ""
        return Answer(response.status_code, shown[:SHOWN], problem, _wait(response.headers.get("Retry-After")))


def _said(error: Exception) -> str:
    """What went wrong, without the number that the operating system gives it."""
    what = _("It could not be reached") if isinstance(error, httpx2.ConnectError) else _("The connection broke")
    return f"{what}: {re.sub(r'^.Errno -?[0-9]+. ', '', str(error)) or type(error).__name__}"[:300]


def _wait(value: str | None) -> float | None:
    """Seconds from a ``Retry-After``, which is a number or a date."""
    if not value:
        return None
    if value.isdecimal():
        return float(value[:6])
    try:
        return max(0.0, parsedate_to_datetime(value).astimezone(UTC).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
