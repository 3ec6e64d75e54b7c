"""A worker that is told to stop begins nothing more and hands back what it cannot finish."""

import threading

import pytest

from conversations import drain, runner
from conversations.execution import execute_generation
from conversations.models import Generation
from conversations.runner import get_runner
from conversations.tasks import run_generation
from providers import engine
from tests.conversations.conftest import Calls, read, run_to_end, stored
from tests.conversations.test_engine import Say
from tests.stack import wait_for


@pytest.fixture(autouse=True)
def own_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A runner that may be closed without closing that of the other tests."""
    monkeypatch.setattr(runner, "_runner", None)


def close(seconds: float) -> None:
    async def close() -> None:
        await (await get_runner()).hand_back_all(seconds)

    engine.run(close(), timeout=30)


def test_a_run_that_is_claimed_during_the_drain_is_handed_back_at_once(
    say: Say, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R13."""
    sent = say("claimed too late")
    close(0)
    settlement = execute_generation(sent.generation.pk)
    assert settlement is not None
    assert settlement.retry_in == 0
    assert Generation.objects.get(pk=sent.generation.pk).status == "queued"
    assert calls.models == []
    monkeypatch.setattr(runner, "_runner", None)  # another worker
    assert run_to_end(sent.generation).status == "completed"
    assert read(sent.generation).text == stored(sent).content


def test_streams_get_their_time_and_are_cut_off_with_their_text(say: Say) -> None:
    sent = say("write a long story", model="practice-slow")
    thread = threading.Thread(target=execute_generation, args=[sent.generation.pk])
    thread.start()
    wait_for(lambda: stored(sent).content, 15, "a checkpoint with text")
    close(0.5)
    thread.join(10)
    reading = read(sent.generation)
    assert reading.end["status"] == "interrupted"
    assert reading.text == stored(sent).content


def test_a_draining_worker_takes_no_task_and_keeps_no_second_attempt(
    say: Say, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = say("not by me")
    monkeypatch.setattr(drain, "is_draining", lambda: True)
    run_generation(str(sent.generation.pk))
    generation = Generation.objects.get(pk=sent.generation.pk)
    assert (generation.status, generation.attempt) == ("queued", 0)
    assert calls.models == []
