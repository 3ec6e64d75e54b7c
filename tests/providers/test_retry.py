"""The retry policy."""

import asyncio

import pytest

from providers.errors import AuthFailed, Overloaded, ProviderError, RateLimited
from providers.retry import NO_RETRY, RetryPolicy, next_delay, with_retry

QUICK = RetryPolicy(attempts=3, base=0.001, ceiling=0.002)


def failing(*errors: ProviderError) -> "Failing":
    return Failing(list(errors))


class Failing:
    """Raises its errors one after the other, then answers."""

    def __init__(self, errors: list[ProviderError]) -> None:
        self.errors = errors
        self.calls = 0

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def test_an_error_that_waiting_cannot_cure_is_not_retried() -> None:
    assert next_delay(AuthFailed(), 1) is None


def test_the_wait_that_the_provider_asks_for_wins() -> None:
    assert next_delay(RateLimited(retry_after=7), 1) == 7


@pytest.mark.parametrize("asked", [301.0, 9_999_999.0])
def test_a_wait_beyond_the_bound_ends_the_attempts(asked: float) -> None:
    """P10."""
    assert next_delay(RateLimited(retry_after=asked), 1) is None


@pytest.mark.parametrize("asked", [-1.0, float("nan"), float("inf")])
def test_a_nonsensical_wait_counts_as_none(asked: float) -> None:
    """P10."""
    delay = next_delay(RateLimited(retry_after=asked), 1, QUICK)
    assert delay is not None
    assert 0 <= delay <= QUICK.ceiling


def test_waits_grow_up_to_the_ceiling() -> None:
    policy = RetryPolicy(attempts=50, base=1, ceiling=8)
    longest = [max(next_delay(Overloaded(), attempt, policy) or 0 for _ in range(200)) for attempt in (1, 2, 3, 40)]
    assert longest[0] <= 1 < longest[2] <= 4
    assert longest[3] <= 8


def test_the_last_attempt_is_not_followed_by_a_wait() -> None:
    assert next_delay(Overloaded(), 3, QUICK) is None
    assert next_delay(Overloaded(), 1, NO_RETRY) is None


def test_an_operation_is_tried_until_it_answers() -> None:
    operation = failing(Overloaded(), RateLimited())
    assert asyncio.run(with_retry(operation, QUICK)) == "answer"
    assert operation.calls == 3


def test_the_last_error_is_raised_when_the_attempts_are_used_up() -> None:
    operation = failing(Overloaded(), Overloaded(), RateLimited(), Overloaded())
    with pytest.raises(RateLimited):
        asyncio.run(with_retry(operation, QUICK))
    assert operation.calls == 3


async def test_a_cancelled_wait_ends_at_once() -> None:
    operation = failing(RateLimited(retry_after=60), Overloaded())
    task = asyncio.create_task(with_retry(operation))
    await asyncio.sleep(0)
    assert operation.calls == 1
    started = asyncio.get_running_loop().time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.get_running_loop().time() - started < 1
    assert operation.calls == 1


@pytest.mark.parametrize("error", [ValueError("a bug"), asyncio.CancelledError()])
async def test_what_is_not_a_providers_failure_is_not_retried(error: BaseException) -> None:
    operation = failing(error, error)  # type: ignore[arg-type]
    with pytest.raises(type(error)):
        await with_retry(operation, QUICK)
    assert operation.calls == 1


def test_every_error_says_itself_whether_it_is_retried() -> None:
    """The codes of the design, so that a changed class attribute is noticed."""
    retried = {
        "rate_limit",
        "timeout",
        "connection_failed",
        "overloaded",
        "provider_busy",
        "server_error",
        "bad_response",
        "incomplete",
    }
    for kind in descendants(ProviderError):
        error = kind()
        assert (next_delay(error, 1) is not None) == (error.code in retried), error.code


def descendants(kind: type[ProviderError]) -> list[type[ProviderError]]:
    return [kind, *(grandchild for child in kind.__subclasses__() for grandchild in descendants(child))]


def test_jitter_reaches_from_nothing_to_the_bound() -> None:
    delays = [next_delay(Overloaded(), 1, RetryPolicy(base=1)) or 0 for _ in range(500)]
    assert min(delays) < 0.1
    assert 0.9 < max(delays) <= 1


def test_a_wait_that_would_pass_the_total_time_is_not_begun() -> None:
    operation = failing(RateLimited(retry_after=5), Overloaded())
    with pytest.raises(RateLimited):
        asyncio.run(with_retry(operation, RetryPolicy(total=1)))
    assert operation.calls == 1
