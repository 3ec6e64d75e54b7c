"""A browser's session and its WebSockets, without the browser."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from websockets.sync.client import ClientConnection, connect

from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack


@contextmanager
def logged_in(stack: Stack) -> Iterator[httpx2.Client]:
    """A browser's session."""
    with httpx2.Client(base_url=stack.base_url, trust_env=False, follow_redirects=True) as http:
        page = http.get("/accounts/login/").text
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token
        form = {"login": ADMIN_EMAIL, "password": ADMIN_PASSWORD, "csrfmiddlewaretoken": token[1]}
        answer = http.post("/accounts/login/", data=form, headers={"Referer": stack.base_url})
        assert answer.url.path == "/c/", answer.text[:500]
        yield http


def open_socket(
    stack: Stack, conversation: str, http: httpx2.Client | None, origin: str | None = "", **options: Any
) -> ClientConnection:
    """A socket with this session's cookies; an empty ``origin`` is the page's own. ``options`` are the client's.

    Frames that nobody has read do not stop the client from reading: its goodbye would wait ten seconds behind them.
    """
    address = stack.base_url.replace("http://", "ws://") + f"/ws/conversations/{conversation}/"
    cookies = "; ".join(f"{name}={value}" for name, value in http.cookies.items()) if http else ""
    headers = {"Cookie": cookies} if cookies else {}
    chosen = stack.base_url if origin == "" else origin
    limits = {"max_size": None, "max_queue": None, **options}
    return connect(address, origin=chosen, additional_headers=headers, **limits)  # type: ignore[arg-type]
