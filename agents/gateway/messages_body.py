"""The body of Anthropic's messages, typed: what is not here is refused.

``object`` marks what is accepted because clients send it, and has no effect.
"""

from typing import Literal

from agents.gateway.bodies import JSONObject, Strict


class Text(Strict, tag="text"):
    """Text."""

    text: str
    cache_control: object = None
    citations: object = None


class Source(Strict):
    """Where an image comes from: it has to be in the request itself."""

    type: Literal["base64"]
    media_type: str
    data: str


class Image(Strict, tag="image"):
    """An image."""

    source: Source
    cache_control: object = None


class ToolUse(Strict, tag="tool_use"):
    """A call of a tool."""

    id: str
    name: str
    input: JSONObject
    cache_control: object = None
    caller: object = None


class ToolResult(Strict, tag="tool_result"):
    """What a tool answered."""

    tool_use_id: str
    content: str | list[Text | Image] | None = None
    is_error: bool | None = None
    cache_control: object = None


class Thinking(Strict, tag="thinking"):
    """Earlier thinking, which is not sent on."""

    thinking: object = None
    signature: object = None


class RedactedThinking(Strict, tag="redacted_thinking"):
    """The same, encrypted."""

    data: object = None


Block = Text | Image | ToolUse | ToolResult | Thinking | RedactedThinking


class Message(Strict):
    """One turn."""

    role: Literal["user", "assistant"]
    content: str | list[Block]


class Tool(Strict):
    """A tool that is offered; Anthropic's own tools have other types and are refused."""

    name: str
    input_schema: JSONObject
    description: str | None = None
    type: Literal["custom"] | None = None
    cache_control: object = None
    eager_input_streaming: object = None
    strict: bool | None = None


class Choice(Strict):
    """Whether tools are called, or which."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingWish(Strict):
    """Whether the model thinks first."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: object = None
    display: object = None


class SchemaFormat(Strict, tag="json_schema"):
    """JSON that is valid under a schema."""

    schema: JSONObject


class OutputConfig(Strict):
    """The form of the answer, and how much work goes into it."""

    effort: str | None = None
    format: SchemaFormat | None = None


class MessagesBody(Strict):
    """The parameters of a message."""

    model: str
    messages: list[Message]
    max_tokens: int
    system: str | list[Text] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None
    tools: list[Tool] | None = None
    tool_choice: Choice | None = None
    thinking: ThinkingWish | None = None
    output_config: OutputConfig | None = None
    # Without effect.
    metadata: object = None
    service_tier: object = None
    cache_control: object = None
