"""A database that does not answer in time, before an answer has begun."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from conversations import decision, execution, plan, tasks
from conversations.claim import claim_generation, claim_next
from conversations.models import Generation
from conversations.services import request_stop
from conversations.tasks import run_generation
from tests.conversations.conftest import Calls, read, stored
from tests.conversations.test_engine import Say


class Busy:
    """Fails so many times, then does what it stands for."""

    def __init__(self, work: Callable[..., Any], failures: int) -> None:
        self.work, self.failures = work, failures

    def __call__(self, *args: Any) -> Any:
        if self.failures:
            self.failures -= 1
            raise OperationalError
        return self.work(*args)


@pytest.fixture
def published_later(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """After how many seconds a run is to be published again."""
    delays: list[float] = []
    monkeypatch.setattr(tasks, "_publish_later", lambda _, seconds: delays.append(seconds))
    return delays


def run_of(generation: Generation) -> Generation:
    return Generation.objects.get(pk=generation.pk)


@pytest.mark.parametrize(("module", "name"), [(tasks, "claim_next"), (execution, "plan_attempt")])
def test_what_the_database_refuses_before_the_call_is_asked_again(
    say: Say, calls: Calls, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    sent = say("hello")
    monkeypatch.setattr(module, name, Busy(getattr(module, name), failures=2))
    run_generation(str(sent.generation.pk))
    run = run_of(sent.generation)
    assert (run.status, run.attempt, run.crashes) == ("completed", 1, 0)
    assert len(calls.models) == 1
    assert read(sent.generation).text == stored(sent).content


def test_a_run_that_cannot_begin_waits_for_a_moment_and_nothing_has_crashed(
    say: Say, calls: Calls, monkeypatch: pytest.MonkeyPatch, published_later: list[float]
) -> None:
    sent = say("hello")
    monkeypatch.setattr(execution, "plan_attempt", Busy(plan.plan_attempt, failures=2 * execution.TRIES))
    for number in (1, 2):
        run_generation(str(sent.generation.pk))
        run = run_of(sent.generation)
        assert (run.status, run.attempt, run.crashes, run.failures) == ("queued", number, 0, 0)
        assert published_later == [1.0] * number
        Generation.objects.update(next_attempt_at=None)
    run_generation(str(sent.generation.pk))
    assert run_of(sent.generation).status == "completed"
    assert len(calls.models) == 1
    reading = read(sent.generation)
    assert reading.reasons == ["", "", ""]
    assert reading.text == stored(sent).content


def test_a_run_that_can_never_begin_ends(
    say: Say, monkeypatch: pytest.MonkeyPatch, published_later: list[float]
) -> None:
    sent = say("hello")
    monkeypatch.setattr(execution, "plan_attempt", Busy(plan.plan_attempt, failures=10**6))
    Generation.objects.update(attempt=decision.MAX_ATTEMPTS - 1)
    run_generation(str(sent.generation.pk))
    assert read(sent.generation).end["status"] == "failed"
    assert published_later == []


def test_a_run_that_is_stopped_before_it_could_begin_is_not_tried_again(
    say: Say, calls: Calls, monkeypatch: pytest.MonkeyPatch, published_later: list[float]
) -> None:
    sent = say("hello")
    monkeypatch.setattr(execution, "plan_attempt", Busy(plan.plan_attempt, failures=10**6))
    claim = claim_generation(sent.generation.pk)
    assert claim is not None
    request_stop(generation=sent.generation)
    assert execution.execute_claim(claim).is_final
    assert read(sent.generation).end["status"] == "cancelled"
    assert (calls.models, published_later, claim_next()) == ([], [], None)
