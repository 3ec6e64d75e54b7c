"""Chat completions: the answer, whole or in chunks."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from agents.gateway.failures import Refused
from agents.gateway.identities import new_id
from agents.gateway.runs import runs
from providers.likelihoods import LogProbs
from providers.types import (
    Completion,
    Finish,
    FinishReason,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)

DONE: Final = b"data: [DONE]\n\n"
REASONS: Final = {
    FinishReason.LENGTH: "length",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.TOOL_CALLS: "tool_calls",
}
encode: Final = msgspec.json.Encoder().encode
Fields = dict[str, object]


class ChatForm:
    """How one completion is told, under the model's name as the caller gave it."""

    def __init__(self, model: str, *, includes_usage: bool) -> None:
        self._head: Fields = {"id": new_id("chatcmpl-"), "created": int(time.time()), "model": model}
        self._includes_usage = includes_usage

    def whole(self, completion: Completion, usage: Usage) -> Fields:
        """A chat completion."""
        calls = [_call(call, number) for number, call in enumerate(completion.tool_calls)]
        message: Fields = {
            "role": "assistant",
            "content": completion.text if completion.text or not calls else None,
            "refusal": None,
            **({"reasoning_content": completion.reasoning} if completion.reasoning else {}),
            **({"tool_calls": calls} if calls else {}),
        }
        reason = _reason(completion.finish_reason, has_calls=bool(calls))
        logprobs = _logprobs(completion.logprobs)
        choice: Fields = {"index": 0, "message": message, "logprobs": logprobs, "finish_reason": reason}
        return {**self._head, "object": "chat.completion", "choices": [choice], "usage": usage_form(usage)}

    def writer(self) -> "ChatWriter":
        """The chunks of a streamed completion."""
        return ChatWriter(self._head, includes_usage=self._includes_usage)


class ChatWriter:
    """Chunks. What arrived together is told together; everything but the words is encoded once."""

    heartbeat = b": still here\n\n"

    def __init__(self, head: Fields, *, includes_usage: bool) -> None:
        self._includes_usage = includes_usage
        start = encode({**head, "object": "chat.completion.chunk"})[:-1]
        self._start = b"data: " + start + b',"choices":['
        self._end = b'],"usage":null}\n\n' if includes_usage else b"]}\n\n"
        self._before = self._start + b'{"index":0,"delta":{"'
        self._after = b',"finish_reason":null}' + self._end
        self._calls: set[int] = set()

    def begin(self) -> bytes:
        """The role."""
        return self._delta(b"role", encode("assistant") + b',"content":"","refusal":null')

    def write(self, batch: Sequence[StreamEvent]) -> bytes:
        """Deltas of one kind in a row become one."""
        return b"".join(self._deltas(batch))

    def end(self, finish: Finish, usage: Usage) -> bytes:
        """The finish reason, the usage if it was asked for, and the end mark."""
        choice = {
            "index": 0,
            "delta": {},
            "logprobs": None,
            "finish_reason": _reason(finish.reason, has_calls=bool(self._calls)),
        }
        last = self._start + encode(choice) + self._end
        if self._includes_usage:
            last += self._start + b'],"usage":' + encode(usage_form(usage)) + b"}\n\n"
        return last + DONE

    def fail(self, refusal: Refused) -> bytes:
        """An error in place of a chunk: the clients raise it."""
        return b"data: " + encode(refusal.openai_form()) + b"\n\n"

    def _deltas(self, batch: Sequence[StreamEvent]) -> Iterator[bytes]:
        for run in runs(batch):
            if isinstance(run, ToolCallDelta):
                yield self._delta(b"tool_calls", encode([self._piece(run)]))
            else:
                name = b"content" if run.kind is TextDelta else b"reasoning_content"
                yield self._delta(name, encode(run.text), run.logprobs)

    def _delta(self, name: bytes, value: bytes, logprobs: LogProbs | None = None) -> bytes:
        told = encode(_logprobs(logprobs)) if logprobs else b"null"
        return self._before + name + b'":' + value + b'},"logprobs":' + told + self._after

    def _piece(self, event: ToolCallDelta) -> Fields:
        function: Fields = {"arguments": event.arguments}
        if event.index in self._calls:
            return {"index": event.index, "function": function}
        self._calls.add(event.index)
        identity = event.id or call_id(event.index)
        return {
            "index": event.index,
            "id": identity,
            "type": "function",
            "function": {"name": event.name, **function},
        }


def usage_form(usage: Usage) -> Fields:
    """Usage in OpenAI's words."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def call_id(index: int) -> str:
    """An id for a call of a provider that gives none."""
    return new_id(f"call_{index}_")


def _call(call: ToolCall, number: int) -> Fields:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id or call_id(number), "type": "function", "function": function}


def _logprobs(logprobs: LogProbs | None) -> Fields | None:
    """OpenAI's form; a list that is empty is told as none."""
    if logprobs is None:
        return None
    return {"content": logprobs.content or None, "refusal": logprobs.refusal or None}


def _reason(reason: FinishReason, *, has_calls: bool) -> str:
    """OpenAI's word; some servers say "stop" where they call tools."""
    return REASONS.get(reason) or ("tool_calls" if has_calls else "stop")
