"""What the gateway adds to a call: beside calling the same fast provider directly.

Run with ``make bench``. Everything is real: a Valkey, a SQLite file, one web process, a provider in a process of its
own that does nothing but answer. The caller shares this process. Absolute figures depend on the machine; the ratios to
the direct call are what to watch:

- one caller: the median of a whole answer, and what the gateway adds to it;
- many callers: requests per CPU-second of the web process;
- streams: tokens per CPU-second of the web process, paced and as fast as they come;
- a crowd of streams: how late their tokens come.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gateway_provider
import psutil
import uvloop
from gateway_callers import (
    CALLERS,
    CROWD,
    PACE,
    SECONDS,
    STREAMS,
    UNPACED_TOKENS,
    Door,
    crowd,
    many_callers,
    one_caller,
    streams,
)

FOLDER = Path(tempfile.mkdtemp(prefix="wiz-bench-", dir="/tmp"))
os.environ.update(
    WIZ_DATA_DIR=str(FOLDER),
    DJANGO_SETTINGS_MODULE="wizsite.settings",
    WIZ_PRIVATE_PROVIDERS="true",
    WIZ_LOG_LEVEL="ERROR",
    WIZ_GATEWAY_RATE="1000000",
    WIZ_GATEWAY_TOKEN_RATE="1000000",  # noqa: S106 - no password; counted, but one token may ask them all
)

MODEL = "bench/fast"


def cpu_of(process: psutil.Process) -> float:
    """Seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


async def measure(web: psutil.Process, upstream: psutil.Process, direct: Door, gateway: Door) -> None:
    """Print the figures."""
    for door in (direct, gateway):
        await one_caller(door)  # warm
    plain, through = await one_caller(direct), await one_caller(gateway)
    print(f"one caller, p50: direct {plain:.2f} ms, gateway {through:.2f} ms, added {through - plain:.2f} ms")
    for name, work in (
        (f"{CALLERS} callers: requests", many_callers),
        (f"{STREAMS} streams at {PACE}/s: tokens", lambda door: streams(door, pace=PACE, tokens=PACE * SECONDS)),
        (f"{STREAMS} streams unpaced: tokens", lambda door: streams(door, pace=0, tokens=UNPACED_TOKENS)),
    ):
        rates = []
        for door, process in ((direct, upstream), (gateway, web)):
            before, started = cpu_of(process), time.perf_counter()
            count = await work(door)
            used, wall = cpu_of(process) - before, time.perf_counter() - started
            rates.append((count / used, count / wall))
        (fake_rate, fake_wall), (rate, wall_rate) = rates
        print(
            f"{name} per CPU-second: gateway {rate:,.0f}, the provider itself {fake_rate:,.0f}, ratio "
            f"{rate / fake_rate:.2f}; per second {wall_rate:,.0f} against {fake_wall:,.0f}"
        )
    for name, door in (("direct", direct), ("gateway", gateway)):
        before, started = cpu_of(web), time.perf_counter()
        lags = await crowd(door)
        used, wall = cpu_of(web) - before, time.perf_counter() - started
        print(
            f"{CROWD} streams at {PACE}/s, {name}: lag p50 {lags.p50:.0f} ms, p99 {lags.p99:.0f} ms, worst "
            f"{lags.worst:.0f} ms; {lags.tokens:,} tokens in {wall:.1f} s, the web process busy for {used:.1f} s"
        )


def prepare(port: int) -> str:
    """A migrated database with the provider; the token of somebody who may use it."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from accounts.models import User
    from accounts.services import create_token
    from providers.services import create_provider

    user = User.objects.create_user("bench@example.org")
    create_provider(owner=user, name="bench", kind="openai-compatible", base_url=f"http://127.0.0.1:{port}/v1")
    return create_token(user=user, name="bench")[1]


def start_web() -> "tuple[subprocess.Popen[bytes], int]":
    """One web process with the command line of production, on a free port."""
    import socket

    from wizsite.processes import Options, web

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    process = subprocess.Popen(web(Options(port=port)))
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process, port
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The web process did not start.")


def main() -> None:
    """Start what is needed, measure, stop it."""
    upstream = subprocess.Popen([sys.executable, gateway_provider.__file__], stdout=subprocess.PIPE, text=True)
    started: list[subprocess.Popen[bytes]] = []
    try:
        assert upstream.stdout is not None
        port = int(upstream.stdout.readline())
        token = prepare(port)
        from wizsite import embedded, env

        started.append(embedded.start(env.valkey_socket(FOLDER), FOLDER / "valkey"))
        web, web_port = start_web()
        started.append(web)
        direct = Door(port, "/v1/chat/completions", "fast", "none")
        gateway = Door(web_port, "/v1/chat/completions", MODEL, token)
        uvloop.run(measure(psutil.Process(web.pid), psutil.Process(upstream.pid), direct, gateway))
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)
        upstream.terminate()
        upstream.wait(30)
        shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    main()
