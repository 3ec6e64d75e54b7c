"""What an answer costs: many streams in one process, long answers beside short ones, and a page that reads along.

Run with ``make bench``. Everything is real: a Valkey, a SQLite file, and a practice server in a process of its own.
Absolute figures depend on the machine; the ratios are what to watch:

- pace: wall time of paced streams over the time that the pace allows (1.0 is perfect);
- law: CPU per token of a long answer over that of answers of a thousand tokens (1.0 is linear). The whole path is
  measured, with a follower that renders blocks as a page's socket does; only the server of Valkey, the provider and
  the socket itself are elsewhere. Everything has run before it is measured. What a short answer costs beside its tokens
  (rows, claim, receipt) makes the law look better than it is, so the middle length is a second yardstick;
- checkpoint: CPU that saving the text once more costs, at both lengths. At a model's pace there is one a second.
"""

import asyncio
import json
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
LENGTHS = (1_000, 10_000, 50_000)
ROUNDS = 3


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

    costs = {tokens: [read_along(fast, user, tokens)] for tokens in LENGTHS}
    for tokens in LENGTHS * ROUNDS:
        repeats = LENGTHS[-1] // tokens // (10 if tokens == LENGTHS[0] else 1)
        costs[tokens].append(sum(read_along(fast, user, tokens) for _ in range(repeats)) / repeats)
    best = {tokens: min(found[1:]) for tokens, found in costs.items()}
    print("read along: " + ", ".join(f"{tokens:,} tokens {1e6 * cost:.1f} µs each" for tokens, cost in best.items()))
    short, middle, long = (best[tokens] for tokens in LENGTHS)
    print(f"law {long / short:.2f} against the shortest, {long / middle:.2f} against the middle one")
    small, large = (checkpoint_cost(fast, user, tokens) for tokens in (LENGTHS[0], LENGTHS[-1]))
    print(f"a checkpoint: {1e3 * small:.2f} ms at {LENGTHS[0]:,} tokens, {1e3 * large:.2f} ms at {LENGTHS[-1]:,}")


def read_along(agent: "Agent", user: "User", tokens: int) -> float:
    """CPU seconds per token of one answer from the provider's bytes to a reader's blocks."""
    from conversations.events import EventType
    from conversations.follow import follow
    from conversations.rendering import BlockRenderer
    from providers import engine

    generation = queue(agent, user, f"tokens={tokens}")

    async def follow_it() -> int:
        renderer, sent = BlockRenderer(), 0
        async for event in follow(generation):
            sent += len(event.sse())
            if event.type is EventType.TEXT_DELTA:
                text = json.loads(event.payload)["text"]
                sent += sum(len(block.html) for block in await asyncio.to_thread(renderer.feed, text))
        return sent + sum(len(block.html) for block in renderer.close())

    reading = engine.submit(follow_it())
    cpu = time.process_time()
    execute_all([generation])
    assert reading.result(60) > tokens
    check([generation])
    return (time.process_time() - cpu) / tokens


def checkpoint_cost(agent: "Agent", user: "User", tokens: int) -> float:
    """CPU seconds of one checkpoint of an answer that is so long already."""
    from conversations.checkpoint import save_checkpoints
    from conversations.models import Generation
    from conversations.run import Snapshot
    from providers.practice.replies import Reply

    row = Generation.objects.get(pk=queue(agent, user, "checkpoints"))
    Generation.objects.filter(pk=row.pk).update(status="running", attempt=1)
    pieces, times = Reply("", limit=tokens).pieces(), []
    for _ in range(20):
        cpu = time.process_time()
        snapshot = Snapshot(row.pk, row.message_id, 1, "".join(pieces), "")
        save_checkpoints({row.pk: 1}, [snapshot])
        times.append(time.process_time() - cpu)
        pieces.append(" more")
    return min(times)


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
