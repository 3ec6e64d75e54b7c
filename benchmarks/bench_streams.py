"""What the engine costs: many streams in one process, and long answers beside short ones.

Run with ``make bench``. Everything is real: a Valkey, a SQLite file, and a practice server in a process of its own.
Absolute figures depend on the machine; the ratios are what to watch:

- pace: wall time of paced streams over the time that the pace allows (1.0 is perfect);
- law: CPU per token of one long answer over that of many short ones with as many tokens (1.0 is linear).
"""

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from accounts.models import User
    from agents.models import Agent

FOLDER = Path(tempfile.mkdtemp(prefix="wiz-bench-", dir="/tmp"))
os.environ.update(
    WIZ_DATA_DIR=str(FOLDER),
    DJANGO_SETTINGS_MODULE="wizsite.settings",
    WIZ_PRIVATE_PROVIDERS="true",
    WIZ_LOG_LEVEL="ERROR",
    WIZ_USER_RUNS="1000",
)

PACED_STREAMS = 100
PACED_TOKENS = 600
PACE = 60  # tokens a second of the model "practice"
LONG_TOKENS = 50_000
SHORT_TOKENS = 1_000


def prepare() -> None:
    """A migrated database."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def queue(agent: "Agent", user: "User", content: str) -> UUID:
    """A queued generation that no worker hears of."""
    from conversations.services import send_message, start_conversation

    conversation = start_conversation(user=user, agent=agent)
    return send_message(user=user, conversation=conversation, content=content).generation.pk


def execute_all(generations: list[UUID]) -> tuple[float, float]:
    """Run them all in threads, as a worker does; wall and CPU seconds."""
    from conversations.execution import execute_generation

    threads = [threading.Thread(target=execute_generation, args=[pk]) for pk in generations]
    wall, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - wall, time.process_time() - cpu


def check(generations: list[UUID]) -> None:
    """Every one of them completed."""
    from conversations.models import Generation

    assert not Generation.objects.filter(pk__in=generations).exclude(status="completed").exists()


def measure(base_url: str) -> None:
    """Print the figures."""
    from accounts.models import User
    from agents.services import create_agent
    from conversations import publication
    from providers.services import create_provider

    publication.publish_run = lambda generation_id: None  # noqa: ARG005 - the bench is the worker
    user = User.objects.create_user("bench@example.org")
    provider = create_provider(owner=user, name="Bench", kind="openai-compatible", base_url=base_url)
    paced = create_agent(owner=user, name="paced", provider=provider, model="practice")
    fast = create_agent(owner=user, name="fast", provider=provider, model="practice-fast")
    execute_all([queue(fast, user, "hello")])

    runs = [queue(paced, user, f"tokens={PACED_TOKENS}") for _ in range(PACED_STREAMS)]
    wall, cpu = execute_all(runs)
    check(runs)
    tokens = PACED_STREAMS * PACED_TOKENS
    print(f"{PACED_STREAMS} streams at {PACE} tokens/s: pace {wall / (PACED_TOKENS / PACE):.2f}, "
          f"{tokens / cpu:,.0f} tokens per CPU-second")  # fmt: skip

    short = [queue(fast, user, f"tokens={SHORT_TOKENS}") for _ in range(LONG_TOKENS // SHORT_TOKENS)]
    short_cpu = 0.0
    for pk in short:
        short_cpu += execute_all([pk])[1]
    long = [queue(fast, user, f"tokens={LONG_TOKENS}")]
    long_cpu = execute_all(long)[1]
    check([*short, *long])
    print(f"unpaced: {LONG_TOKENS / long_cpu:,.0f} tokens per CPU-second; law {long_cpu / short_cpu:.2f}")


def main() -> None:
    """Start what is needed, measure, stop it."""
    prepare()
    from wizsite import embedded, env

    valkey = embedded.start(env.valkey_socket(FOLDER), FOLDER / "valkey")
    command = [sys.executable, "manage.py", "practice", "--port", "0"]
    practice = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert practice.stdout is not None
        measure(practice.stdout.readline().split()[-1] + "/v1")
    finally:
        practice.terminate()
        practice.wait(10)
        valkey.terminate()
        valkey.wait(10)
        shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    main()
