"""Parts of Wiz die in the middle of answers. ``make chaos`` does it fifty times; here each part dies once."""

import os
import random

import pytest

from tests.chaos import run_chaos
from tests.stack import ADMIN_EMAIL, Stack
from tests.talking import Caller

KILLS = int(os.environ.get("CHAOS_KILLS", "0"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 1_000_000)
TALKERS = 8
pytestmark = [pytest.mark.slow, pytest.mark.own_stack]
ROLES = ("worker1", "worker2", "web", "valkey")


def planned(stack: Stack) -> list[str]:
    """Which roles die, in which order; those that are not ours to kill are left out."""
    own = [role for role in ROLES if role in stack.pids]
    chance = random.Random(SEED)
    if not KILLS:
        return chance.sample(own, len(own))
    return [chance.choice(own) for _ in range(KILLS)]


@pytest.mark.timeout(300 + 90 * KILLS)
def test_nobody_loses_a_word_when_parts_are_killed_in_the_middle_of_answers(stack: Stack) -> None:
    """R1, R14, R18."""
    with Caller.of(stack, ADMIN_EMAIL) as caller:
        token = caller.http.headers["Authorization"].removeprefix("Bearer ")
        agent = caller.agent_id("Guide")
    kills = planned(stack)
    statuses, connections = run_chaos(stack, token, agent, kills=kills, talkers=TALKERS, seed=SEED)
    print(f"seed {SEED}: {len(kills)} kills, {dict(statuses)}, {connections} connections")  # noqa: T201 - a report
    assert statuses["completed"] >= TALKERS
    assert connections > statuses.total()
