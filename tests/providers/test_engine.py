"""The process's background loop."""

import asyncio
import os
import threading
import time

import pytest

from providers import engine


async def current_thread() -> int:
    return threading.get_ident()


def test_run_gives_the_result_of_a_coroutine_on_another_thread() -> None:
    assert engine.run(current_thread()) != threading.get_ident()


def test_every_call_uses_the_same_loop() -> None:
    async def running() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert engine.run(running()) is engine.run(running()) is engine.loop()


def test_an_exception_reaches_the_caller() -> None:
    async def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        engine.run(fail())


def test_a_coroutine_that_takes_too_long_is_cancelled() -> None:
    cancelled = threading.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        engine.run(wait(), timeout=0.05)
    assert cancelled.wait(2)


def test_cancelling_the_future_cancels_the_coroutine() -> None:
    started, cancelled = threading.Event(), threading.Event()

    async def wait() -> None:
        started.set()
        try:
            await asyncio.sleep(30)
        finally:
            cancelled.set()

    future = engine.submit(wait())
    assert started.wait(2)
    future.cancel()
    assert cancelled.wait(2)


def test_run_refuses_to_wait_for_its_own_loop() -> None:
    async def nested() -> None:
        engine.run(current_thread())

    with pytest.raises(engine.EngineError, match="await the coroutine"):
        engine.run(nested(), timeout=5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_gets_an_engine_of_its_own() -> None:
    engine.run(current_thread())
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if engine.run(asyncio.sleep(0, "alive"), timeout=5) == "alive" else 1)
        finally:
            os._exit(2)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the child did not finish")
