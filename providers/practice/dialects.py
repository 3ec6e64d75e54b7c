"""The words of the two dialects: stream frames, whole answers, errors and model lists."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from providers.practice.asked import Asked
from providers.practice.plans import Plan

Fields = dict[str, object]
Frame = tuple[str, object]
"""The event's name (empty for none) and its JSON value, or text that is sent as it is."""
CREATED = 1_767_225_600  # 2026-01-01; a fixed date keeps the answers deterministic
STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}


@dataclass(frozen=True, slots=True)
class Told:
    """What was said, for the usage figures and for whole answers."""

    text: str
    reasoning: str
    output_tokens: int
    reasoning_tokens: int
    arguments: str = ""


class Dialect(Protocol):
    """How one vendor's wire looks."""

    def head(self) -> Iterable[Frame]:
        """Frames before the first token."""
        ...

    def thought(self, text: str) -> Iterable[Frame]:
        """A piece of reasoning."""
        ...

    def piece(self, text: str) -> Iterable[Frame]:
        """A piece of the answer."""
        ...

    def tail(self, plan: Plan, told: Told) -> Iterable[Frame]:
        """Frames after the last token: the tool call if there is one, the finish reason, usage and the end mark."""
        ...

    def failure(self) -> Frame:
        """An error in the middle of the stream."""
        ...

    def whole(self, plan: Plan, told: Told) -> Fields:
        """The answer when no stream was asked for."""
        ...


class OpenAIDialect:
    """Chat completions."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._base: Fields = {"id": "chatcmpl-practice", "created": CREATED, "model": asked.model}

    def head(self) -> Iterator[Frame]:
        """The role."""
        yield self._chunk({"role": "assistant", "content": ""})

    def thought(self, text: str) -> Iterator[Frame]:
        """In the field that DeepSeek and vLLM use."""
        yield self._chunk({"reasoning_content": text})

    def piece(self, text: str) -> Iterator[Frame]:
        """A content delta."""
        yield self._chunk({"content": text}, logprobs=self._logprobs(text))

    def tail(self, plan: Plan, told: Told) -> Iterator[Frame]:
        """Finish reason, usage chunk, ``[DONE]``."""
        if self._asked.tool:
            yield self._chunk({"tool_calls": [{"index": 0, **self._call(told)}]})
        yield self._chunk({}, plan.reason)
        if plan.usage != "missing":
            chunk = self._base | {"object": "chat.completion.chunk", "choices": [], "usage": self._usage(plan, told)}
            yield "", chunk
        if plan.done:
            yield "", "[DONE]"

    def failure(self) -> Frame:
        """An error object in place of a chunk."""
        return "", openai_error("The practice server had an error while answering.", "server_error", "server_error")

    def whole(self, plan: Plan, told: Told) -> Fields:
        """A chat completion."""
        message: Fields = {"role": "assistant", "content": told.text, "refusal": None}
        if told.reasoning:
            message["reasoning_content"] = told.reasoning
        if self._asked.tool:
            message["tool_calls"] = [self._call(told)]
        choice: Fields = {"index": 0, "message": message, "finish_reason": plan.reason}
        choice["logprobs"] = self._logprobs(told.text)
        body = self._base | {"object": "chat.completion", "choices": [choice]}
        return body if plan.usage == "missing" else body | {"usage": self._usage(plan, told)}

    def _chunk(self, delta: Fields, reason: str | None = None, logprobs: Fields | None = None) -> Frame:
        choice: Fields = {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": logprobs}
        return "", self._base | {"object": "chat.completion.chunk", "choices": [choice]}

    def _logprobs(self, text: str) -> Fields | None:
        """A piece counts as a token, and every alternative is the same."""
        if self._asked.logprobs is None:
            return None
        token: Fields = {"token": text, "logprob": -0.5, "bytes": list(text.encode("utf-8", "replace"))}
        other: Fields = {"token": "or", "logprob": -1.5, "bytes": [111, 114]}
        return {"content": [{**token, "top_logprobs": [other] * self._asked.logprobs}], "refusal": None}

    def _call(self, told: Told) -> Fields:
        name = (self._asked.tool or {}).get("name")
        return {"id": "call_practice", "type": "function", "function": {"name": name, "arguments": told.arguments}}

    def _usage(self, plan: Plan, told: Told) -> Fields:
        if plan.usage == "odd":
            return {"prompt_tokens": -5, "completion_tokens": "many", "total_tokens": 1e12}
        details = {"reasoning_tokens": told.reasoning_tokens}
        return {
            "prompt_tokens": self._asked.input_tokens,
            "completion_tokens": told.output_tokens,
            "total_tokens": self._asked.input_tokens + told.output_tokens,
            "completion_tokens_details": details,
        }


class AnthropicDialect:
    """Messages."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._index = -1
        self._open = ""

    def head(self) -> Iterator[Frame]:
        """``message_start`` and a ping."""
        usage = {"input_tokens": self._asked.input_tokens, "output_tokens": 1}
        yield _named("message_start", message=self._message([], None) | {"usage": usage})
        yield _named("ping")

    def thought(self, text: str) -> Iterator[Frame]:
        """A thinking delta."""
        yield from self._enter({"type": "thinking", "thinking": ""})
        delta = {"type": "thinking_delta", "thinking": text}
        yield _named("content_block_delta", index=self._index, delta=delta)

    def piece(self, text: str) -> Iterator[Frame]:
        """A text delta."""
        yield from self._enter({"type": "text", "text": ""})
        yield _named("content_block_delta", index=self._index, delta={"type": "text_delta", "text": text})

    def tail(self, plan: Plan, told: Told) -> Iterator[Frame]:
        """The tool call, ``message_delta`` with stop reason and usage, ``message_stop``."""
        if self._asked.tool:
            yield from self._enter(self._call({}))
            for part in (told.arguments[:5], told.arguments[5:]):
                delta = {"type": "input_json_delta", "partial_json": part}
                yield _named("content_block_delta", index=self._index, delta=delta)
        if self._open:
            yield _named("content_block_stop", index=self._index)
        end: Fields = {"stop_reason": STOP_REASONS[plan.reason], "stop_sequence": None}
        yield _named("message_delta", delta=end, usage=self._usage(plan, told))
        if plan.done:
            yield _named("message_stop")

    def failure(self) -> Frame:
        """An error event."""
        return "error", anthropic_error("The practice server had an error while answering.", "api_error")

    def whole(self, plan: Plan, told: Told) -> Fields:
        """A message."""
        content: list[Fields] = [{"type": "thinking", "thinking": told.reasoning}] if told.reasoning else []
        content.append({"type": "text", "text": told.text})
        if self._asked.tool:
            content.append(self._call(json.loads(told.arguments)))
        return self._message(content, STOP_REASONS[plan.reason]) | {"usage": self._usage(plan, told)}

    def _enter(self, block: Fields) -> Iterator[Frame]:
        """Close the open block and open one of this type, unless it is open already."""
        if self._open == block["type"]:
            return
        if self._open:
            yield _named("content_block_stop", index=self._index)
        self._index, self._open = self._index + 1, str(block["type"])
        yield _named("content_block_start", index=self._index, content_block=block)

    def _message(self, content: list[Fields], reason: str | None) -> Fields:
        return {
            "id": "msg_practice",
            "type": "message",
            "role": "assistant",
            "model": self._asked.model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": None,
        }

    def _call(self, arguments: object) -> Fields:
        name = (self._asked.tool or {}).get("name")
        return {"type": "tool_use", "id": "toolu_practice", "name": name, "input": arguments}

    def _usage(self, plan: Plan, told: Told) -> Fields:
        if plan.usage == "odd":
            return {"input_tokens": -5, "output_tokens": "many"}
        if plan.usage == "missing":
            return {}
        details = {"thinking_tokens": told.reasoning_tokens}
        return {
            "input_tokens": self._asked.input_tokens,
            "output_tokens": told.output_tokens,
            "output_tokens_details": details,
        }


def openai_error(message: str, kind: str, code: str | None) -> Fields:
    """OpenAI's error body."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic_error(message: str, kind: str) -> Fields:
    """Anthropic's error body."""
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_practice"}


def _named(kind: str, **fields: object) -> Frame:
    return kind, {"type": kind, **fields}
