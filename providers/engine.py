"""The process's one background event loop: everything that waits for a provider waits here.

Sync callers use ``run``; async clients live as long as this loop, so that they can be cached per process.
"""

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Callable, Coroutine
from typing import TypeVar

Result = TypeVar("Result")
START_TIMEOUT = 10.0  # seconds


class EngineError(RuntimeError):
    """A blocking call was made from inside the engine's own loop, where it would wait for itself."""


class _Engine:
    """A loop in a daemon thread."""

    def __init__(self) -> None:
        self.loop = _new_loop()
        self.thread = threading.Thread(target=self._serve, name="provider-engine", daemon=True)
        self._started = threading.Event()
        self.thread.start()
        if not self._started.wait(START_TIMEOUT):
            raise RuntimeError("The provider engine did not start.")

    def _serve(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.call_soon(self._started.set)
        self.loop.run_forever()


class _Holder:
    """The engine of this process; a forked child starts its own, since threads do not survive a fork."""

    def __init__(self) -> None:
        self.reset()
        os.register_at_fork(after_in_child=self.reset)

    def reset(self) -> None:
        self._engine: _Engine | None = None
        self._lock = threading.Lock()

    def engine(self) -> _Engine:
        engine = self._engine
        if engine is None or not engine.thread.is_alive():
            with self._lock:
                engine = self._engine
                if engine is None or not engine.thread.is_alive():
                    engine = self._engine = _Engine()
        return engine


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory()


_holder = _Holder()


def loop() -> asyncio.AbstractEventLoop:
    """The running loop; started at the first call."""
    return _holder.engine().loop


def submit(coroutine: Coroutine[object, object, Result]) -> "concurrent.futures.Future[Result]":
    """Start the coroutine on the loop. Cancelling the future cancels the coroutine. Safe from every thread."""
    return asyncio.run_coroutine_threadsafe(coroutine, loop())


def run(coroutine: Coroutine[object, object, Result], timeout: float | None = None) -> Result:
    """The coroutine's result, for sync callers; ``timeout`` in seconds.

    Raises what the coroutine raises, ``TimeoutError`` (the coroutine is cancelled then), and ``EngineError`` when
    called from the engine's own thread.
    """
    if threading.current_thread() is _holder.engine().thread:
        coroutine.close()
        raise EngineError("engine.run() was called from inside the engine: await the coroutine instead.")
    future = submit(coroutine)
    try:
        return future.result(timeout)
    except BaseException:
        # Also when the waiting thread itself is interrupted: nothing may go on unseen.
        future.cancel()
        raise
