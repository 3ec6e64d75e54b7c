"""``manage.py up`` when it is stopped, and when something dies."""

import os
import signal
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.stack import READY, Stack, StartStack, stacks, wait_for

EVERYBODY = {"web", "worker1", "beat", "valkey"}
LIMIT = 30.0

pytestmark = pytest.mark.own_stack


def gone(processes: list[psutil.Process]) -> bool:
    """Whether none of them runs any more; somebody else's zombie counts as gone."""
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything_cleanly(start_stack: StartStack, number: signal.Signals) -> None:
    stack = start_stack("--workers", "1")
    processes = list(stack.children().values())
    assert stack.stop(number) == 0
    assert gone(processes)
    assert "Traceback" not in stack.output
    assert not (stack.data_dir / "valkey" / "valkey.sock").exists()


def test_a_signal_while_preparing_leaves_nothing_running(start_stack: StartStack) -> None:
    stack = start_stack(wait=False)
    wait_for(stack.children, LIMIT, "the first child")
    processes = list(stack.children().values())
    assert stack.stop() in {0, 130}
    wait_for(
        lambda: gone(processes), LIMIT, "the end of every child"
    )  # the kernel ends one that was just being started
    assert not READY.search(stack.output)


def test_a_second_signal_kills(start_stack: StartStack) -> None:
    stack = start_stack("--workers", "1")
    processes = stack.children()
    processes["worker1"].suspend()
    stack.process.send_signal(signal.SIGTERM)
    wait_for(lambda: gone([processes["web"]]), LIMIT, "the end of web")
    begin = time.monotonic()
    assert stack.stop() == 0
    assert time.monotonic() - begin < 10
    assert gone(list(processes.values()))


@pytest.fixture(scope="module")
def watched() -> Iterator[Stack]:
    """A Wiz whose processes are killed one after the other."""
    with stacks() as start:
        yield start("--workers", "1")


@pytest.mark.parametrize("role", ["web", "worker1", "beat", "valkey"])
def test_a_killed_child_is_restarted_with_one_line(watched: Stack, role: str) -> None:
    stack = watched
    before = stack.pids[role]
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: stack.pids.get(role, before) != before, LIMIT, f"the restart of {role}")
    assert stack.output.count(f"{role} ended (SIGKILL) and is started again in 0.5 s.") == 1
    assert str(stack.data_dir / "logs" / f"{role}.log") in stack.output


def test_children_die_with_a_parent_that_was_killed(start_stack: StartStack) -> None:
    stack = start_stack("--workers", "1")
    processes = list(stack.children().values())
    stack.process.kill()
    stack.process.wait()
    wait_for(lambda: gone(processes), LIMIT, "the end of all children")
    again = start_stack("--workers", "1", data_dir=stack.data_dir)
    assert set(again.pids) >= EVERYBODY
