"""How an answer is played: pace, faults, ending. The table ``FAULTS`` says what each fault changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Literal

from providers.practice.replies import REASONING, reply_to, story, tokens

Ending = Literal["finish", "cut", "reset", "stall", "error"]
PACE = 60.0  # tokens per second of the ordinary model
SLOW_PACE = 5.0
DRIP_PACE = 1.0
LONG_LINE = 1_040_000  # bytes; just below the limit of one line
BAD_JSON = '{"wrong": tr'
BAD_ARGUMENTS = '{"wrong": true}'
EMOJI = "🦉"
PACES: Mapping[str, float] = {"practice-fast": 0.0, "practice-slow": SLOW_PACE}


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer. ``pace`` is in tokens per second, 0 is unpaced; ``delay`` in seconds before the first token."""

    pieces: Iterable[str]
    reasoning: list[str] = field(default_factory=list)
    pace: float = PACE
    delay: float = 0.0
    stop_after: int | None = None
    ending: Ending = "finish"
    reason: Literal["stop", "length", "tool_calls"] = "stop"
    usage: Literal["told", "missing", "odd"] = "told"
    done: bool = True
    crlf: bool = False
    one_byte: bool = False
    comments: bool = False
    halves: bool = False
    """Every character beyond the basic plane is sent as two chunks with one surrogate escape each."""
    bad_json: Literal["never", "first", "always"] = "never"
    """When what should be JSON is broken: in the first answer of a conversation, or in all."""
    arguments: str = ""
    """The arguments of a tool call, where they are not to fit."""


FAULTS: Mapping[str, Callable[[Plan], Plan]] = {
    "cut": lambda plan: replace(plan, stop_after=10, ending="cut"),
    "rst": lambda plan: replace(plan, stop_after=10, ending="reset"),
    "silent": lambda plan: replace(plan, stop_after=0, ending="stall"),
    "stall": lambda plan: replace(plan, stop_after=10, ending="stall"),
    "slow-first": lambda plan: replace(plan, delay=5.0),
    "drip": lambda plan: replace(plan, pace=DRIP_PACE),
    "endless": lambda plan: replace(plan, pieces=story()),
    "comments": lambda plan: replace(plan, comments=True),
    "error-event": lambda plan: replace(plan, pieces=story(), stop_after=50, ending="error"),
    "no-usage": lambda plan: replace(plan, usage="missing"),
    "odd-usage": lambda plan: replace(plan, usage="odd"),
    "no-done": lambda plan: replace(plan, done=False),
    "onebyte": lambda plan: replace(plan, one_byte=True),
    "crlf": lambda plan: replace(plan, crlf=True),
    "surrogates": lambda plan: replace(plan, pieces=chain(plan.pieces, (f" {EMOJI}",)), halves=True),
    "bad-json-then-ok": lambda plan: replace(plan, bad_json="first"),
    "always-bad-json": lambda plan: replace(plan, bad_json="always"),
    "longline": lambda plan: replace(plan, pieces=("x" * LONG_LINE,)),
}


def plan_for(model: str, fault: str, message: str, max_tokens: int | None, *, pictures: Sequence[str] = ()) -> Plan:
    """The plan for a message to a model, with its fault applied."""
    pieces = reply_to(message, pictures).pieces()
    plan = Plan(pieces=pieces, pace=PACES.get(model, PACE))
    if model == "practice-reasoning":
        plan = replace(plan, reasoning=tokens(REASONING))
    if fault in FAULTS:
        plan = FAULTS[fault](plan)
    if max_tokens and plan.stop_after is None and isinstance(plan.pieces, list) and len(plan.pieces) > max_tokens:
        plan = replace(plan, pieces=plan.pieces[:max_tokens], reason="length")
    return plan


def counted(plan: Plan) -> Iterable[str]:
    """The pieces up to where the plan stops."""
    limit = repeat(None) if plan.stop_after is None else range(plan.stop_after)
    return (piece for piece, _ in zip(plan.pieces, limit, strict=False))
