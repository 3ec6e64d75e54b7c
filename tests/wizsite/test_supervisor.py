"""Back-off, logs and command lines, without the whole of Wiz."""

import sys
from pathlib import Path

import pytest
from pytest_django import Settings

from wizsite import processes, supervisor
from wizsite.supervisor import Program, Supervisor


def program(code: str) -> Program:
    return Program("child", [sys.executable, "-c", code], stage=0, grace=5)


def test_the_delay_doubles_and_starts_again_after_a_steady_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    keeper = Supervisor(tmp_path, lines.append)
    child = keeper.start(program("pass"))
    child.process.wait()
    delays = []
    for _death in range(8):
        delays.append(child.delay)
        keeper._plan_restart(child, child.started)
    assert delays == [0.5, 1, 2, 4, 8, 16, 30, 30]
    keeper._plan_restart(child, child.started + supervisor.STEADY_AFTER)
    assert child.delay == 1.0
    keeper.stop()
    assert lines[0] == f"child ended (exit status 0) and is started again in 0.5 s. See {tmp_path / 'child.log'}"


def test_a_large_log_is_set_aside_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_LIMIT", 10)
    (tmp_path / "child.log").write_text("more than ten bytes")
    process = supervisor.spawn(program("print('fresh')"), tmp_path)
    process.wait(timeout=10)
    assert (tmp_path / "child.log").read_text() == "fresh\n"
    assert (tmp_path / "child.log.1").read_text() == "more than ten bytes"


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    keeper = Supervisor(tmp_path, lambda _line: None)
    child = keeper.start(Program("child", [sys.executable, "-c", code], stage=0, grace=0.3))
    while "deaf" not in child.log.read_text():
        assert child.is_running()
    keeper.stop()
    assert child.process.returncode == -9


def test_forwarded_addresses_count_only_behind_a_named_proxy(settings: Settings) -> None:
    """S39."""
    settings.SECURE_PROXY_SSL_HEADER = None
    assert "--no-proxy-headers" in processes.web(processes.Options())
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    command = processes.web(processes.Options())
    assert command[command.index("--forwarded-allow-ips") + 1] == "127.0.0.1,::1"
