"""The body of a chat completion, typed: what is not here is refused.

``object`` marks what is accepted because clients send it, and has no effect: Wiz stores no completions, and has its own
accounts and caches.
"""

from typing import Literal

from agents.gateway.bodies import JSONObject, Strict
from agents.gateway.openai_parts import NamedSchema, ObjectFormat, PlainFormat, Refusal


class Text(Strict, tag="text"):
    """A part of a message that is text."""

    text: str
    cache_control: object = None


class ImageURL(Strict):
    """An image as a data URL."""

    url: str
    detail: object = None


class Image(Strict, tag="image_url"):
    """A part of a message that is an image."""

    image_url: ImageURL
    cache_control: object = None


class Function(Strict):
    """A function that was called."""

    name: str
    arguments: str


class Call(Strict):
    """A tool call of an earlier answer."""

    id: str
    function: Function
    type: Literal["function"] = "function"
    index: object = None


class Message(Strict):
    """One message. What earlier answers carry besides is accepted, so that they can be sent back as they are."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[Text | Image | Refusal] | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    name: object = None
    refusal: object = None
    annotations: object = None
    audio: None = None
    function_call: None = None
    reasoning_content: object = None


class Definition(Strict):
    """A function that may be called."""

    name: str
    description: str | None = None
    parameters: JSONObject | None = None
    strict: bool | None = None


class Tool(Strict):
    """A tool that is offered."""

    function: Definition
    type: Literal["function"] = "function"


class Named(Strict):
    """A function by its name."""

    name: str


class Choice(Strict):
    """The tool that has to be called."""

    function: Named
    type: Literal["function"] = "function"


class SchemaFormat(Strict, tag="json_schema"):
    """JSON that is valid under a schema."""

    json_schema: NamedSchema


class StreamOptions(Strict):
    """How a stream is told."""

    include_usage: bool = False
    include_obfuscation: object = None


class ChatBody(Strict):
    """The parameters of a chat completion."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["auto", "none", "required"] | Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: PlainFormat | ObjectFormat | SchemaFormat | None = None
    n: Literal[1] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    # Without effect.
    user: object = None
    metadata: object = None
    store: object = None
    safety_identifier: object = None
    prompt_cache_key: object = None
    prompt_cache_retention: object = None
    service_tier: object = None
