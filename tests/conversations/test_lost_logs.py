"""Valkey loses everything between two attempts of a run: whoever reads then ends with the stored text all the same."""

import asyncio

import pytest

from accounts.models import User
from agents.models import Agent
from conversations.database import in_thread
from conversations.execution import execute_generation
from conversations.models import Generation
from conversations.services import continue_generation
from providers import engine, valkey
from tests.conversations.conftest import Reading, collect, read, run_to_end, stored
from tests.conversations.test_continue import KEPT, cut_off
from tests.conversations.test_engine import Say
from tests.conversations.test_fallbacks import fall_back
from tests.factories import make_provider


def follow_through_a_loss(generation: Generation) -> Reading:
    """One follower from the beginning: after the first attempt the log goes, then the run comes to its end."""

    async def scenario() -> Reading:
        reading = asyncio.create_task(collect(generation.pk))
        await in_thread(execute_generation, generation.pk)
        await valkey.async_client().flushdb()
        await in_thread(run_to_end, generation)
        return Reading(await asyncio.wait_for(reading, 60))

    return engine.run(scenario(), timeout=90)


@pytest.mark.parametrize("model", ["practice-500-then-ok", "practice-401"], ids=["retry", "hop"])
@pytest.mark.parametrize("continues", [False, True], ids=["answer", "continuation"])
def test_a_log_that_goes_between_two_attempts_is_missed_by_nobody(
    say: Say, person: User, agent: Agent, model: str, continues: bool
) -> None:
    """R6."""
    assert agent.provider is not None
    fall_back(agent, (make_provider(person, base_url=agent.provider.base_url), "practice-fast"))
    sent = say("lose it in between", model=model)
    if continues:
        cut_off(sent)
        sent = continue_generation(user=person, generation=Generation.objects.get(pk=sent.generation.pk))
    reading = follow_through_a_loss(sent.generation)
    assert reading.end["status"] == "completed"
    assert reading.text == stored(sent).content == read(sent.generation).text
    assert reading.text.startswith(KEPT) == continues
    valkey.client().flushdb()
    assert read(sent.generation).text == reading.text
    assert engine.run(collect(sent.generation.pk, reading.events[-1].id), timeout=30)[-1].type == "generation-end"
