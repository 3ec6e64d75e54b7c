"""Reading a stream of the Anthropic messages dialect."""

from collections.abc import Iterator, Mapping
from typing import cast

import msgspec

from providers.adapters import failures
from providers.adapters.text import TextJoiner, clean, decode, name_of, text_of
from providers.adapters.usage import Fields, anthropic_usage
from providers.types import Finish, FinishReason, Ping, ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta

STOP_REASONS = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "message_stop": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "tool_use": FinishReason.TOOL_CALLS,
    "refusal": FinishReason.CONTENT_FILTER,
}


class Block(msgspec.Struct, gc=False):
    """The head of a content block."""

    type: object = None
    text: object = None
    thinking: object = None
    id: object = None
    name: object = None


class Delta(msgspec.Struct, gc=False):
    """A piece of a content block, or the end of the message."""

    type: object = None
    text: object = None
    thinking: object = None
    partial_json: object = None
    stop_reason: object = None


class Message(msgspec.Struct, gc=False):
    """The head of the answer."""

    model: object = None
    usage: object = None


class Part(msgspec.Struct, gc=False):
    """One message of the stream, of whatever type: the fields Wiz needs."""

    type: object = None
    index: object = None
    message: Message | None = None
    content_block: Block | None = None
    delta: Delta | None = None
    usage: object = None
    error: object = None


DECODER = msgspec.json.Decoder(Part)


class AnthropicReader:
    """The state of one stream: held-back halves of characters, tool calls, stop reason, usage."""

    def __init__(self) -> None:
        self.complete = False
        self._reason = ""
        self._usage: dict[str, object] = {}
        self._model = ""
        self._text = TextJoiner()
        self._thought = TextJoiner()
        self._arguments = TextJoiner()
        self._call = -1

    @property
    def ended(self) -> bool:
        """Whether a stop reason or ``message_stop`` came."""
        return bool(self._reason) or self.complete

    def read(self, name: str, data: bytes) -> Iterator[StreamEvent]:
        """The events in one message. Raises ``ProviderError`` for an error event or an unknown message."""
        if not data:
            return
        part = decode(data, DECODER)
        if part.type == "content_block_delta":
            if part.delta is not None:
                yield from self._piece(part.delta)
        elif part.type == "content_block_start":
            if part.content_block is not None:
                yield from self._block(part.content_block)
        elif part.type == "error" or name == "error" or (part.type is None and part.error):
            raise failures.from_body(data)
        elif part.type == "ping":
            yield Ping()
        else:
            self._frame(part)

    def finish(self) -> Iterator[StreamEvent]:
        """Held-back characters, then ``Finish``."""
        if text := self._thought.flush():
            yield ReasoningDelta(text)
        if text := self._text.flush():
            yield TextDelta(text)
        if text := self._arguments.flush():
            yield ToolCallDelta(index=self._call, arguments=text)
        raw = self._reason or "message_stop"
        yield Finish(
            reason=STOP_REASONS.get(raw, FinishReason.OTHER),
            raw_reason=raw,
            usage=anthropic_usage(self._usage),
            model=self._model,
        )

    def _frame(self, part: Part) -> None:
        """The messages that say something about the answer as a whole; unknown types are skipped."""
        if part.type == "message_start" and part.message is not None:
            self._model = name_of(part.message.model)
            self._count(part.message.usage)
            # At the start the vendor puts a placeholder there; only ``message_delta`` tells the real figure.
            self._usage.pop("output_tokens", None)
        elif part.type == "message_delta":
            self._count(part.usage)
            if part.delta is not None and part.delta.stop_reason:
                self._reason = name_of(part.delta.stop_reason)
        elif part.type == "message_stop":
            self.complete = True

    def _count(self, usage: object) -> None:
        """Figures are cumulative: the last one told counts."""
        if isinstance(usage, Mapping):
            fields = cast("Fields", usage)
            self._usage |= {name: value for name, value in fields.items() if value is not None}

    def _block(self, block: Block) -> Iterator[StreamEvent]:
        if block.type == "tool_use":
            self._call += 1
            self._arguments = TextJoiner()
            yield ToolCallDelta(index=self._call, id=name_of(block.id), name=clean(text_of(block.name)))
        elif text := self._text.push(text_of(block.text)):
            yield TextDelta(text)
        elif text := self._thought.push(text_of(block.thinking)):
            yield ReasoningDelta(text)

    def _piece(self, delta: Delta) -> Iterator[StreamEvent]:
        if delta.text:
            if text := self._text.push(text_of(delta.text)):
                yield TextDelta(text)
        elif delta.thinking:
            if text := self._thought.push(text_of(delta.thinking)):
                yield ReasoningDelta(text)
        elif delta.partial_json and self._call >= 0 and (text := self._arguments.push(text_of(delta.partial_json))):
            yield ToolCallDelta(index=self._call, arguments=text)
