"""Anthropic's messages: the answer, whole or in events.

Blocks follow one after the other, so tool calls are told at the end, each whole.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from agents.gateway.chat_answers import call_id
from agents.gateway.failures import Refused
from agents.gateway.identities import new_id
from agents.gateway.runs import runs
from providers.adapters.completion import Calls
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

REASONS: Final = {
    FinishReason.LENGTH: "max_tokens",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.TOOL_CALLS: "tool_use",
}
OBJECT: Final = msgspec.json.Decoder(dict[str, object])
encode: Final = msgspec.json.Encoder().encode
Fields = dict[str, object]


class MessagesForm:
    """How one message is told, under the model's name as the caller gave it."""

    def __init__(self, model: str, *, tells_thinking: bool) -> None:
        self._head: Fields = {
            "id": new_id("msg_"),
            "type": "message",
            "role": "assistant",
            "model": model,
        }
        self._tells_thinking = tells_thinking

    def whole(self, completion: Completion, usage: Usage) -> Fields:
        """A message."""
        calls = [_call(call, number) for number, call in enumerate(completion.tool_calls)]
        content: list[Fields] = []
        if self._tells_thinking and completion.reasoning:
            content.append({"type": "thinking", "thinking": completion.reasoning, "signature": ""})
        if completion.text:
            content.append({"type": "text", "text": completion.text, "citations": None})
        return {
            **self._head,
            "content": content + calls,
            "stop_reason": _reason(completion.finish_reason, completion.raw_reason, has_calls=bool(calls)),
            "stop_sequence": None,
            "usage": _usage(usage),
        }

    def writer(self) -> "MessagesWriter":
        """The events of a streamed message."""
        return MessagesWriter(self._head, tells_thinking=self._tells_thinking)


class MessagesWriter:
    """Events: ``message_start``, blocks, ``message_delta`` with the usage, ``message_stop``."""

    heartbeat = b'event: ping\ndata: {"type":"ping"}\n\n'

    def __init__(self, head: Fields, *, tells_thinking: bool) -> None:
        self._head = head
        self._tells_thinking = tells_thinking
        self._calls = Calls()
        self._index = -1
        self._open: type[StreamEvent] | None = None

    def begin(self) -> bytes:
        """The head of the message; its figures are told at the end."""
        message = {
            **self._head,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _usage(Usage()),
        }
        return _event("message_start", message=message)

    def write(self, batch: Sequence[StreamEvent]) -> bytes:
        """Deltas of one kind in a row become one."""
        return b"".join(self._deltas(batch))

    def end(self, finish: Finish, usage: Usage) -> bytes:
        """The tool calls, the stop reason and the usage."""
        calls = self._calls.whole()
        told = [piece for number, call in enumerate(calls) for piece in self._call_events(call, number)]
        delta = {
            "stop_reason": _reason(finish.reason, finish.raw_reason, has_calls=bool(calls)),
            "stop_sequence": None,
        }
        end = _event("message_delta", delta=delta, usage=_usage(usage))
        return self._close() + b"".join(told) + end + _event("message_stop")

    def fail(self, refusal: Refused) -> bytes:
        """An error event: the clients raise it."""
        return b"event: error\ndata: " + encode(refusal.anthropic_form()) + b"\n\n"

    def _deltas(self, batch: Sequence[StreamEvent]) -> Iterator[bytes]:
        for run in runs(batch):
            if isinstance(run, ToolCallDelta):
                self._calls.add(run)
            elif run.text and (run.kind is TextDelta or self._tells_thinking):
                yield self._delta(run.kind, run.text)

    def _delta(self, kind: type[StreamEvent], text: str) -> bytes:
        name, word = ("text", "text_delta") if kind is TextDelta else ("thinking", "thinking_delta")
        start = b""
        if self._open is not kind:
            block: Fields = {
                "type": name,
                name: "",
                **({"citations": None} if kind is TextDelta else {"signature": ""}),
            }
            start = self._close() + self._start(block)
            self._open = kind
        return start + _event("content_block_delta", index=self._index, delta={"type": word, name: text})

    def _call_events(self, call: ToolCall, number: int) -> Iterator[bytes]:
        block = _call(call, number)
        yield self._close() + self._start({**block, "input": {}})
        delta = {"type": "input_json_delta", "partial_json": encode(block["input"]).decode()}
        yield _event("content_block_delta", index=self._index, delta=delta)
        yield _event("content_block_stop", index=self._index)

    def _start(self, block: Fields) -> bytes:
        self._index += 1
        return _event("content_block_start", index=self._index, content_block=block)

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _event("content_block_stop", index=self._index)


def _event(kind: str, **fields: object) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + encode({"type": kind, **fields}) + b"\n\n"


def _call(call: ToolCall, number: int) -> Fields:
    """A block; the dialect wants an object where the model may have written anything."""
    try:
        arguments = OBJECT.decode(call.arguments or "{}")
    except (ValueError, RecursionError):
        arguments = {}
    return {"type": "tool_use", "id": call.id or call_id(number), "name": call.name, "input": arguments}


def _reason(reason: FinishReason, raw: str, *, has_calls: bool) -> str:
    if raw == "stop_sequence":
        return raw
    return REASONS.get(reason) or ("tool_use" if has_calls else "end_turn")


def _usage(usage: Usage) -> Fields:
    """Anthropic's ``input_tokens`` leave out what the cache served or took."""
    return {
        "input_tokens": usage.input - usage.cache_read - usage.cache_write,
        "output_tokens": usage.output,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write,
    }
