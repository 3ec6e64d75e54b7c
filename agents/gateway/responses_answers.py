"""OpenAI's responses: the answer, whole or in the documented order of events.

Items follow one after the other, so tool calls are told at the end, each whole.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
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

INCOMPLETE: Final = {FinishReason.LENGTH: "max_output_tokens", FinishReason.CONTENT_FILTER: "content_filter"}
encode: Final = msgspec.json.Encoder().encode
Fields = dict[str, object]


class ResponsesForm:
    """How one response is told; ``echo`` is what it repeats of the question."""

    def __init__(self, model: str, echo: Mapping[str, object]) -> None:
        self._head: Fields = {
            "id": new_id("resp_"),
            "object": "response",
            "created_at": int(time.time()),
            "model": model,
            "background": False,
            "error": None,
            "incomplete_details": None,
            "previous_response_id": None,
            "store": False,
            "truncation": "disabled",
            "user": None,
            **echo,
        }

    def whole(self, completion: Completion, usage: Usage) -> Fields:
        """A response."""
        output: list[Fields] = []
        if completion.reasoning:
            output.append(_reasoning(new_id("rs_"), completion.reasoning))
        if completion.text or not completion.tool_calls:
            output.append(_message(new_id("msg_"), completion.text))
        output += [_call(call, number, new_id("fc_")) for number, call in enumerate(completion.tool_calls)]
        return _ended(self._head, output, completion.finish_reason, usage)

    def writer(self) -> "ResponsesWriter":
        """The events of a streamed response."""
        return ResponsesWriter(self._head)


class ResponsesWriter:
    """Events, numbered: the response, its items with their parts, and the response again, whole."""

    heartbeat = b": still here\n\n"

    def __init__(self, head: Fields) -> None:
        self._head = head
        self._number = -1
        self._output: list[Fields] = []
        self._calls = Calls()
        self._open: type[StreamEvent] | None = None
        self._item = ""
        self._pieces: list[str] = []

    def begin(self) -> bytes:
        """Created, in progress."""
        response = {**self._head, "status": "in_progress", "output": [], "usage": None}
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def write(self, batch: Sequence[StreamEvent]) -> bytes:
        """Deltas of one kind in a row become one."""
        return b"".join(self._deltas(batch))

    def end(self, finish: Finish, usage: Usage) -> bytes:
        """The open item, the tool calls, the whole response."""
        calls = self._calls.whole()
        told = self._close()
        if not self._output and not calls:
            told += self._opened(TextDelta) + self._close()
        told += b"".join(piece for number, call in enumerate(calls) for piece in self._call_events(call, number))
        response = _ended(self._head, self._output, finish.reason, usage)
        return told + self._event(f"response.{response['status']}", response=response)

    def fail(self, refusal: Refused) -> bytes:
        """The response as failed, with the reason."""
        error = {"code": refusal.code or refusal.kind, "message": refusal.message}
        response = {**self._head, "status": "failed", "error": error, "output": self._output, "usage": None}
        return self._event("response.failed", response=response)

    def _deltas(self, batch: Sequence[StreamEvent]) -> Iterator[bytes]:
        for run in runs(batch):
            if isinstance(run, ToolCallDelta):
                self._calls.add(run)
            elif run.text:
                yield self._delta(run.kind, run.text)

    def _delta(self, kind: type[StreamEvent], text: str) -> bytes:
        start = b"" if self._open is kind else self._close() + self._opened(kind)
        self._pieces.append(text)
        if kind is TextDelta:
            return start + self._event("response.output_text.delta", **self._place(), delta=text, logprobs=[])
        return start + self._event("response.reasoning_summary_text.delta", **self._summary_place(), delta=text)

    def _opened(self, kind: type[StreamEvent]) -> bytes:
        """The events that begin an item of a message or of reasoning."""
        self._open, self._pieces = kind, []
        if kind is TextDelta:
            self._item = new_id("msg_")
            return self._added({**_message(self._item, ""), "status": "in_progress", "content": []}) + self._event(
                "response.content_part.added", **self._place(), part=_text("")
            )
        self._item = new_id("rs_")
        return self._added({**_reasoning(self._item, ""), "summary": []}) + self._event(
            "response.reasoning_summary_part.added", **self._summary_place(), part=_summary("")
        )

    def _close(self) -> bytes:
        """The events that end the open item, if there is one."""
        kind, text = self._open, "".join(self._pieces)
        self._open = None
        if kind is None:
            return b""
        if kind is TextDelta:
            place = self._place()
            told = self._event("response.output_text.done", **place, text=text, logprobs=[])
            told += self._event("response.content_part.done", **place, part=_text(text))
            return told + self._done(_message(self._item, text))
        place = self._summary_place()
        told = self._event("response.reasoning_summary_text.done", **place, text=text)
        told += self._event("response.reasoning_summary_part.done", **place, part=_summary(text))
        return told + self._done(_reasoning(self._item, text))

    def _call_events(self, call: ToolCall, number: int) -> Iterator[bytes]:
        item = _call(call, number, new_id("fc_"))
        place: Fields = {"item_id": item["id"], "output_index": len(self._output)}
        yield self._added({**item, "status": "in_progress", "arguments": ""})
        yield self._event("response.function_call_arguments.delta", **place, delta=call.arguments)
        yield self._event("response.function_call_arguments.done", **place, name=call.name, arguments=call.arguments)
        yield self._done(item)

    def _added(self, item: Fields) -> bytes:
        return self._event("response.output_item.added", output_index=len(self._output), item=item)

    def _done(self, item: Fields) -> bytes:
        self._output.append(item)
        return self._event("response.output_item.done", output_index=len(self._output) - 1, item=item)

    def _place(self) -> Fields:
        return {"item_id": self._item, "output_index": len(self._output), "content_index": 0}

    def _summary_place(self) -> Fields:
        return {"item_id": self._item, "output_index": len(self._output), "summary_index": 0}

    def _event(self, kind: str, **fields: object) -> bytes:
        self._number += 1
        event = {"type": kind, "sequence_number": self._number, **fields}
        return b"event: " + kind.encode() + b"\ndata: " + encode(event) + b"\n\n"


def _ended(head: Fields, output: list[Fields], reason: FinishReason, usage: Usage) -> Fields:
    """The whole response."""
    cut = INCOMPLETE.get(reason)
    return {
        **head,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": cut} if cut else None,
        "output": output,
        "usage": {
            "input_tokens": usage.input,
            "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write},
            "output_tokens": usage.output,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.input + usage.output,
        },
    }


def _message(identity: str, text: str) -> Fields:
    content = [_text(text)]
    return {"id": identity, "type": "message", "role": "assistant", "status": "completed", "content": content}


def _text(text: str) -> Fields:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _reasoning(identity: str, text: str) -> Fields:
    return {"id": identity, "type": "reasoning", "summary": [_summary(text)]}


def _summary(text: str) -> Fields:
    return {"type": "summary_text", "text": text}


def _call(call: ToolCall, number: int, identity: str) -> Fields:
    return {
        "id": identity,
        "type": "function_call",
        "status": "completed",
        "call_id": call.id or call_id(number),
        "name": call.name,
        "arguments": call.arguments,
    }
