"""What was asked of whom for an answer, and what came of it. Never the system prompt, never a key."""

from datetime import datetime
from typing import TypedDict

from conversations.history import LeftOut
from conversations.models import Generation
from conversations.plan import Plan
from conversations.sight import PictureCount

PARAMETERS = ("temperature", "top_p", "max_tokens", "reasoning_effort")


class AttemptRecord(TypedDict):
    """One attempt; ``code`` is ``ok`` or why it ended."""

    attempt: int
    provider: str
    model: str
    code: str


class Timings(TypedDict):
    """Milliseconds since the message was sent: until a worker took it, until the first token, until the end."""

    queued: int | None
    first_token: int | None
    total: int | None


class Receipt(TypedDict, total=False):
    """The JSON form. ``model`` was asked for, ``model_answered`` is what the provider says has answered.

    ``set_here`` are the parameters that the conversation has of its own, ``thought_seconds`` is there after reasoning.
    """

    provider: str
    kind: str
    model: str
    model_answered: str
    parameters: dict[str, float | str]
    dropped: list[str]
    messages_sent: int
    pictures_sent: int
    pictures_left_out: int
    folder_instructions: int
    conversation_instructions: int
    set_here: list[str]
    thought_seconds: int
    left_out: LeftOut
    attempts: list[AttemptRecord]
    hops: list[object]
    timings: Timings
    usage: dict[str, object] | None
    cost: str | None
    certain: bool | None


def add_attempt(generation: Generation, plan: Plan | None, code: str) -> Receipt:
    """The receipt with the attempt that has just ended."""
    receipt: Receipt = {**(generation.receipt or {})}  # type: ignore[typeddict-item]
    record = AttemptRecord(
        attempt=generation.attempt, provider=generation.provider_name, model=generation.model, code=code
    )
    receipt["attempts"] = [*receipt.get("attempts", []), record]
    if plan is not None:
        receipt.update(_asked(plan))
    return receipt


def close_receipt(
    receipt: Receipt,
    generation: Generation,
    *,
    finished_at: datetime,
    usage: dict[str, object] | None,
    model_answered: str = "",
) -> Receipt:
    """The receipt of a run that is over."""
    return {
        **receipt,
        "model_answered": "".join(char for char in model_answered[:200] if char.isprintable()),
        "hops": generation.hops,
        "timings": Timings(
            queued=_since(generation, generation.started_at),
            first_token=_since(generation, generation.first_token_at),
            total=_since(generation, finished_at),
        ),
        "usage": usage,
        "cost": str(usage["cost"]) if usage and usage["cost"] is not None else None,
        "certain": bool(usage["certain"]) if usage else None,
    }


def _asked(plan: Plan) -> Receipt:
    values = {name: getattr(plan.request, name) for name in PARAMETERS}
    own, told = plan.parameters, len(plan.parameters.get("instructions", ""))
    set_here = [name for name in PARAMETERS if name in own and values[name] is not None]
    return Receipt(
        provider=plan.hop.provider.name,
        kind=plan.hop.provider.kind,
        model=plan.hop.model,
        parameters={name: value for name, value in values.items() if value is not None},
        dropped=list(plan.dropped),
        messages_sent=len(plan.history.messages),
        **_pictures(plan.history.pictures),
        **({"folder_instructions": plan.instructions} if plan.instructions else {}),
        **({"conversation_instructions": told} if told else {}),
        **({"set_here": set_here} if set_here else {}),
        left_out=plan.history.left_out,
    )


def _pictures(count: PictureCount) -> Receipt:
    """Nothing for a conversation without pictures."""
    return Receipt(pictures_sent=count.sent, pictures_left_out=count.left_out) if any(count) else Receipt()


def _since(generation: Generation, moment: datetime | None) -> int | None:
    return None if moment is None else max(0, round((moment - generation.queued_at).total_seconds() * 1000))
