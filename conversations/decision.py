"""What comes after an attempt that showed nothing: the same again, another hop, or the end."""

from dataclasses import dataclass, field, replace
from typing import Final, TypedDict

from django.utils import timezone

from agents.hops import Hop, read_hop
from agents.models import Agent
from conversations.models import Generation
from conversations.plan import Plan
from conversations.runner import Ending, Outcome
from providers.errors import ContextTooLong, ProviderError, ProviderUnavailable
from providers.notices import AGAIN_SHORTER, AGAIN_SOON, ELSEWHERE
from providers.retry import DEFAULT, RetryPolicy, next_delay

HURRIED: Final = replace(DEFAULT, attempts=2, longest_wait=5.0)
"""While somebody else could be asked: one retry, if it comes soon."""
MAX_CRASHES: Final = 2
"""Attempts of a run that die with their process or are handed back."""
MAX_ATTEMPTS: Final = 20
"""Of a run that the database does not let begin: more than all hops and their retries take."""


class LeftHop(TypedDict):
    """A provider and model that were left, or passed over, and why; ``at`` is ISO 8601."""

    provider: str
    model: str
    code: str
    message: str
    at: str


class RetryNotice(TypedDict, total=False):
    """The data of the notice that announces another attempt; ``retry_in`` is in seconds."""

    text: str
    code: str
    retry_in: float


@dataclass(frozen=True, slots=True)
class Again:
    """Another attempt: when (seconds from now), with what counters, and what the reader is told."""

    delay: float
    hop: int
    failures: int
    crashes: int
    is_trimmed: bool
    notice: RetryNotice | None = None
    left: list[LeftHop] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class End:
    """No further attempt. ``left`` are fallbacks that could not be asked."""

    left: list[LeftHop] = field(default_factory=list)


def decide(generation: Generation, outcome: Outcome, plan: Plan | None) -> Again | End:
    """What comes next. Attempts are bounded: by the policy on each hop, by the hops, and by ``MAX_CRASHES``."""
    if outcome.has_output or generation.cancel_requested:
        return End()
    if outcome.ending is Ending.HANDED_BACK:
        return after_crash(generation)
    if outcome.ending is Ending.NOT_BEGUN:
        return _in_a_moment(generation)
    if outcome.ending is not Ending.FAILED or outcome.error is None:
        return End()
    if isinstance(outcome.error, ContextTooLong) and plan and plan.history.can_shrink and not generation.is_trimmed:
        return _shorter(generation, outcome.error)
    return _retry_or_hop(generation, outcome.error)


def after_crash(generation: Generation) -> Again | End:
    """An attempt died with its process before it had shown anything."""
    crashes = generation.crashes + 1
    if crashes >= MAX_CRASHES:
        return End()
    return Again(0.0, generation.hop, generation.failures, crashes, generation.is_trimmed)


def _in_a_moment(generation: Generation) -> Again | End:
    """Nothing has died, and nobody was asked."""
    if generation.attempt >= MAX_ATTEMPTS:
        return End()
    return Again(1.0, generation.hop, generation.failures, generation.crashes, generation.is_trimmed)


def _shorter(generation: Generation, error: ProviderError) -> Again:
    text = f"{error.message} {AGAIN_SHORTER}"
    notice = RetryNotice(text=text, code=error.code, retry_in=0.0)
    return Again(0.0, generation.hop, generation.failures, generation.crashes, is_trimmed=True, notice=notice)


def _retry_or_hop(generation: Generation, error: ProviderError) -> Again | End:
    following, passed = _next_hop(generation.message.agent, generation.hop)
    policy = HURRIED if following else DEFAULT
    failures = generation.failures + 1
    delay = next_delay(error, failures, policy)
    if delay is not None:
        notice = RetryNotice(text=_retry_text(error, delay, failures, policy), code=error.code, retry_in=delay)
        return Again(delay, generation.hop, failures, generation.crashes, generation.is_trimmed, notice)
    if following is None:
        return End(passed)
    left = [_left(generation.provider_name or error.provider, generation.model or error.model, error), *passed]
    elsewhere = ELSEWHERE.format(model=following.model, provider=following.provider.name)
    notice = RetryNotice(text=f"{error.message} {elsewhere}", code=error.code, retry_in=0.0)
    return Again(0.0, following.number, 0, generation.crashes, generation.is_trimmed, notice, left)


def _next_hop(agent: Agent | None, number: int) -> tuple[Hop | None, list[LeftHop]]:
    """The next hop that can be asked, and those before it that cannot."""
    passed: list[LeftHop] = []
    for following in range(number + 1, len(agent.fallbacks) + 1 if agent else 0):
        try:
            return read_hop(agent, following), passed  # type: ignore[arg-type]  # without an agent the range is empty
        except ProviderUnavailable as error:
            passed.append(_left(error.provider, error.model, error))
    return None, passed


def _left(provider: str, model: str, error: ProviderError) -> LeftHop:
    at = timezone.now().isoformat().replace("+00:00", "Z")
    return LeftHop(provider=provider, model=model, code=error.code, message=error.message, at=at)


def _retry_text(error: ProviderError, delay: float, failures: int, policy: RetryPolicy) -> str:
    again = AGAIN_SOON.format(seconds=max(1, round(delay)), attempt=failures + 1, attempts=policy.attempts)
    return f"{error.message} {again}"
