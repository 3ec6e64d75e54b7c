"""``manage.py up`` with real processes."""

import re
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.manage import clean_environment, run_manage
from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, READY, SETUP, Stack, StartStack, stacks, wait_for

EVERYBODY = {"web", "worker1", "worker2", "beat", "valkey"}
LIMIT = 30.0

pytestmark = pytest.mark.own_stack


@pytest.fixture(scope="module")
def first() -> Iterator[Stack]:
    """A Wiz in an empty folder, as people start it the first time."""
    with stacks() as start:
        yield start(is_new=True)


def test_one_ready_line_and_the_site_answers(first: Stack) -> None:
    assert len(READY.findall(first.output)) == 1
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", first.base_url)
    assert str(first.data_dir / "logs") in first.output
    with urllib.request.urlopen(f"{first.base_url}/healthz/ready", timeout=5) as answer:
        assert answer.status == 200
    assert set(first.pids) >= EVERYBODY
    assert (first.data_dir / "valkey" / "valkey.sock").stat().st_mode & 0o077 == 0


def test_the_link_for_the_first_administrator_comes_before_the_ready_line(first: Stack) -> None:
    setup, ready = SETUP.search(first.output), READY.search(first.output)
    assert setup
    assert ready
    assert setup.start() < ready.start()
    assert setup[1].startswith(f"{first.base_url}/setup/")


def test_a_second_up_on_the_same_data_is_refused(first: Stack) -> None:
    result = first.manage("up", "--port", "0")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.strip() == f"Wiz is already running on the data folder {first.data_dir}."
    assert first.process.poll() is None


def test_doctor_says_what_works_and_what_does_not(first: Stack) -> None:
    wait_for(lambda: first.manage("doctor").returncode == 0, LIMIT, "a clean bill of health")
    first.stop()
    result = first.manage("doctor")
    assert result.returncode == 1
    assert "FAIL  valkey" in result.stdout
    assert "ok    database" in result.stdout


def test_an_administrator_from_the_environment_needs_no_link(start_stack: StartStack) -> None:
    stack = start_stack("--workers", "1", WIZ_ADMIN_EMAIL=ADMIN_EMAIL, WIZ_ADMIN_PASSWORD=ADMIN_PASSWORD)
    assert not SETUP.search(stack.output)
    stack.stop()
    again = start_stack("--workers", "1", data_dir=stack.data_dir)
    assert not SETUP.search(again.output)


def test_a_port_in_use_is_one_line_and_nothing_is_started(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        result = run_manage(clean_environment(data_dir), "up", "--port", port)
    assert (result.returncode, result.stdout) == (1, "")
    assert len(result.stderr.strip().splitlines()) == 1
    assert f"Port {port} on 127.0.0.1 is in use" in result.stderr
    assert not (data_dir / "logs").exists()
