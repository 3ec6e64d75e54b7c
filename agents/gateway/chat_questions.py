"""Chat completions: what may be sent, and what it means.

The fields of ``ChatBody`` are the table of parameters: what is not there is refused. ``object`` marks what is accepted
because clients send it, and has no effect: Wiz stores no completions, and has its own accounts and caches.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

import msgspec

from agents.gateway.bodies import JSONObject, Strict, check_count, decode, off_loop, plain_schema, read_image, refuse
from agents.gateway.chat_answers import ChatForm
from agents.gateway.questions import Asked
from providers.requests import make_request
from providers.types import ChatMessage, ChatRequest, ImagePart, JSONSchema, Role, TextPart, ToolCall, ToolDefinition


class Text(Strict, tag="text"):
    """A part of a message that is text."""

    text: str
    cache_control: object = None


class Refusal(Strict, tag="refusal"):
    """A part of an earlier answer."""

    refusal: str


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
    strict: object = None


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


class PlainFormat(Strict, tag="text"):
    """Text, as ever."""


class ObjectFormat(Strict, tag="json_object"):
    """Some JSON."""


class NamedSchema(Strict):
    """A JSON schema."""

    name: str
    schema: JSONObject
    description: object = None
    strict: object = None


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


DECODER: Final = msgspec.json.Decoder(ChatBody)
NEUTRAL: Final = {"logprobs": "Log probabilities are not told.", "presence_penalty": "", "frequency_penalty": ""}


async def read_chat(body: bytes) -> Asked:
    """The question. Raises ``Refused`` and ``RequestRefused``."""
    return await off_loop(body, _read)


def _read(raw: bytes) -> Asked:
    body = decode(DECODER, raw)
    includes_usage = body.stream_options is not None and body.stream_options.include_usage
    form = ChatForm(body.model, includes_usage=includes_usage)
    return Asked(body.model, _request(body), bool(body.stream), form)


def _request(body: ChatBody) -> ChatRequest:
    check_count(body.messages, "messages")
    for name, reason in NEUTRAL.items():
        if getattr(body, name):
            raise refuse(name, reason or f"{name} is not supported. Leave it out.", "unsupported_parameter")
    request = make_request(
        body.model,
        messages=[_message(message, f"messages[{number}]") for number, message in enumerate(body.messages)],
        temperature=body.temperature,
        top_p=body.top_p,
        max_tokens=body.max_tokens if body.max_completion_tokens is None else body.max_completion_tokens,
        stop=(body.stop,) if isinstance(body.stop, str) else body.stop,
        seed=body.seed,
        reasoning_effort=body.reasoning_effort,
        tools=[_tool(tool, f"tools[{number}]") for number, tool in enumerate(body.tools or ())],
        tool_choice=body.tool_choice.function.name if isinstance(body.tool_choice, Choice) else body.tool_choice,
    )
    return replace(
        request,
        parallel_tools=body.parallel_tool_calls,
        response_schema=_schema(body),
        json_mode=isinstance(body.response_format, ObjectFormat),
    )


def _schema(body: ChatBody) -> JSONSchema | None:
    wanted = body.response_format
    if not isinstance(wanted, SchemaFormat):
        return None
    return plain_schema(wanted.json_schema.schema, "response_format.json_schema.schema")


def _message(message: Message, place: str) -> ChatMessage:
    role: Role = "system" if message.role == "developer" else message.role
    calls = (ToolCall(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ())
    return ChatMessage(
        role=role,
        content=_content(message.content, place),
        tool_calls=tuple(calls),
        tool_call_id=message.tool_call_id or "",
    )


def _content(content: str | list[Text | Image | Refusal] | None, place: str) -> str | tuple[TextPart | ImagePart, ...]:
    if content is None or isinstance(content, str):
        return content or ""
    return tuple(_parts(content, place))


def _parts(content: list[Text | Image | Refusal], place: str) -> Iterator[TextPart | ImagePart]:
    for number, part in enumerate(content):
        if isinstance(part, Image):
            yield read_image(part.image_url.url, f"{place}.content[{number}]")
        else:
            yield TextPart(part.text if isinstance(part, Text) else part.refusal)


def _tool(tool: Tool, place: str) -> ToolDefinition:
    function = tool.function
    parameters = plain_schema(function.parameters, f"{place}.function.parameters")
    return ToolDefinition(function.name, function.description or "", parameters)
