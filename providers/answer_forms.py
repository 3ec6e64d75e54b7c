"""The JSON forms of a stateless answer, whole or at the end of a stream."""

from collections.abc import Sequence
from dataclasses import asdict

from providers.answering import Answering, Hop
from providers.errors import ProviderError
from providers.ledger import usage_form
from providers.metering import Call
from providers.structured import GeneratedObject
from providers.types import Completion, Finish, FinishReason, ToolCall


def answer_form(completion: Completion, answering: Answering) -> dict[str, object]:
    """A whole answer."""
    return {
        "text": completion.text,
        "reasoning": completion.reasoning,
        "tool_calls": [tool_call_form(call) for call in completion.tool_calls],
        "finish_reason": completion.finish_reason,
        "raw_reason": completion.raw_reason,
        **_circumstances(answering, completion.model),
    }


def object_form(generated: GeneratedObject, call: Call, answers: Sequence[Answering]) -> dict[str, object]:
    """A valid object and what all the ``answers`` for it took."""
    return {
        "object": generated.object,
        "usage": usage_form(*(answering.record for answering in answers if answering.record)),
        "strategy": generated.strategy,
        "repairs": generated.repairs,
        "dropped": list(call.dropped),
    }


def answer_end(
    answering: Answering, status: str, finish: Finish | None, error: ProviderError | None
) -> dict[str, object]:
    """The end of a streamed answer; ``status`` is completed, failed or cancelled."""
    failure = FinishReason.ERROR if status == "failed" else None
    return {
        "status": status,
        "finish_reason": finish.reason if finish else failure,
        "raw_reason": finish.raw_reason if finish else "",
        **_circumstances(answering, finish.model if finish else ""),
        "error": error.record() if error else None,
    }


def tool_call_form(call: ToolCall) -> dict[str, object]:
    """A tool call as it may be sent back in the next question."""
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def hop_form(hop: Hop) -> dict[str, object]:
    """Who was asked in vain, and why."""
    return asdict(hop)


def _circumstances(answering: Answering, model: str) -> dict[str, object]:
    return {
        "usage": usage_form(answering.record) if answering.record else None,
        "model": model or answering.call.request.model,
        "dropped": list(answering.call.dropped),
        "hops": [hop_form(hop) for hop in answering.hops],
    }
