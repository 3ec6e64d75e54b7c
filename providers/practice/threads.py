"""A practice server in a thread of its own, for tests and for trying things out in a shell."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from providers.practice.server import PracticeServer

START_TIMEOUT = 10.0  # seconds


@contextmanager
def running_practice(api_key: str = "") -> Iterator[str]:
    """Serve on a free port while the block runs; yields the base URL without ``/v1``."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="practice", daemon=True)
    thread.start()
    server = PracticeServer(api_key=api_key)
    try:
        port = asyncio.run_coroutine_threadsafe(server.start(), loop).result(START_TIMEOUT)
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(START_TIMEOUT)
        # One more turn: transports say goodbye in callbacks.
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(START_TIMEOUT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_TIMEOUT)
        loop.close()
