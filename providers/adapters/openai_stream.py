"""Reading a stream of the chat completions dialect."""

import json
from collections.abc import Iterator

import msgspec

from providers.adapters import failures
from providers.adapters.openai_logprobs import read_logprobs
from providers.adapters.text import TextJoiner, clean, count_of, decode, name_of, text_of
from providers.adapters.usage import openai_usage
from providers.types import Finish, FinishReason, ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta, Usage

DONE = b"[DONE]"
FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "error": FinishReason.ERROR,
    "insufficient_system_resource": FinishReason.ERROR,
}


class Function(msgspec.Struct, gc=False):
    """A piece of a called function."""

    name: object = None
    arguments: object = None


class Call(msgspec.Struct, gc=False):
    """A piece of a tool call."""

    index: object = None
    id: object = None
    function: Function | None = None


class Delta(msgspec.Struct, gc=False):
    """A piece of the answer; vendors disagree on the name of the reasoning field."""

    content: object = None
    reasoning_content: object = None
    reasoning: object = None
    refusal: object = None
    tool_calls: list[Call | None] | None = None


class Choice(msgspec.Struct, gc=False):
    """One of the alternatives; Wiz asks for one only."""

    delta: Delta | None = None
    finish_reason: object = None
    index: object = None
    logprobs: object = None


class Chunk(msgspec.Struct, gc=False):
    """One message of the stream: the fields Wiz needs, the rest is skipped unread."""

    choices: list[Choice | None] | None = None
    usage: object = None
    error: object = None
    model: object = None
    kind: object = msgspec.field(default=None, name="object")


DECODER = msgspec.json.Decoder(Chunk)


class OpenAIReader:
    """The state of one stream: held-back halves of characters, tool calls, finish reason, usage."""

    def __init__(self, *, tells_logprobs: bool = False) -> None:
        self.complete = False
        self._tells_logprobs = tells_logprobs
        self._reason = ""
        self._usage: Usage | None = None
        self._model = ""
        self._text = TextJoiner()
        self._thought = TextJoiner()
        self._calls: dict[int, tuple[str, TextJoiner]] = {}

    @property
    def ended(self) -> bool:
        """Whether a finish reason came."""
        return bool(self._reason)

    def read(self, name: str, data: bytes) -> Iterator[StreamEvent]:
        """The events in one chunk. Raises ``ProviderError`` for an error object or an unknown message."""
        if data == DONE or not data:
            self.complete = self.complete or data == DONE
            return
        chunk = decode(data, DECODER)
        if chunk.error or name == "error" or chunk.kind == "error":
            raise failures.from_body(data)
        if chunk.usage is not None:
            self._usage = openai_usage(chunk.usage)
        if not self._model:
            self._model = name_of(chunk.model)
        for choice in chunk.choices or ():
            if choice is not None and choice.index in (0, None):
                if choice.delta is not None:
                    yield from self._delta(choice.delta)
                if self._tells_logprobs and (logprobs := read_logprobs(choice.logprobs)):
                    yield logprobs
                if choice.finish_reason:
                    self._reason = name_of(choice.finish_reason)

    def finish(self) -> Iterator[StreamEvent]:
        """Held-back characters, then ``Finish``."""
        for kind, joiner in ((ReasoningDelta, self._thought), (TextDelta, self._text)):
            if text := joiner.flush():
                yield kind(text)
        for index, (_, joiner) in self._calls.items():
            if text := joiner.flush():
                yield ToolCallDelta(index=index, arguments=text)
        reason = FINISH_REASONS.get(self._reason, FinishReason.OTHER)
        yield Finish(reason=reason, raw_reason=self._reason, usage=self._usage, model=self._model)

    def _delta(self, delta: Delta) -> Iterator[StreamEvent]:
        if (thought := delta.reasoning_content or delta.reasoning) and (text := self._thought.push(text_of(thought))):
            yield ReasoningDelta(text)
        if (content := delta.content or delta.refusal) and (text := self._text.push(text_of(content))):
            yield TextDelta(text)
        if delta.tool_calls:
            for call in delta.tool_calls:
                if call is not None:
                    yield self._call(call)

    def _call(self, call: Call) -> ToolCallDelta:
        function = call.function or Function()
        identity = name_of(call.id)
        index = self._index(call, identity)
        known = index in self._calls
        if not known:
            self._calls[index] = (identity, TextJoiner())
        arguments = function.arguments
        if isinstance(arguments, dict):
            arguments = json.dumps(arguments)
        return ToolCallDelta(
            index=index,
            id="" if known else identity,
            name="" if known else clean(text_of(function.name)),
            arguments=self._calls[index][1].push(text_of(arguments)),
        )

    def _index(self, call: Call, identity: str) -> int:
        """Some servers leave the index out, or give every call of an answer the index 0 with an id of its own."""
        index = count_of(call.index)
        if index is None:
            index = len(self._calls) if identity or not self._calls else len(self._calls) - 1
        known = self._calls.get(index)
        if known and identity and known[0] and identity != known[0]:
            owner = (key for key, (owned, _) in self._calls.items() if owned == identity)
            return next(owner, len(self._calls))
        return index
