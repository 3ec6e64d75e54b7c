"""Chat completions: what a body means."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import msgspec

from agents.gateway.bodies import check_count, decode, off_loop, plain_schema, read_image, refuse
from agents.gateway.chat_answers import ChatForm
from agents.gateway.chat_body import ChatBody, Choice, Image, Message, SchemaFormat, Text, Tool
from agents.gateway.openai_parts import ObjectFormat, Refusal
from agents.gateway.questions import Asked
from providers.requests import make_request
from providers.types import ChatMessage, ChatRequest, ImagePart, JSONSchema, Role, TextPart, ToolCall, ToolDefinition

DECODER: Final = msgspec.json.Decoder(ChatBody)
NEUTRAL: Final = ("presence_penalty", "frequency_penalty")
MOST_ALTERNATIVES: Final = 20


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
    for name in NEUTRAL:
        if getattr(body, name):
            raise refuse(name, f"{name} is not supported. Leave it out.", "unsupported_parameter")
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
        logprobs=_logprobs(body),
    )


def _logprobs(body: ChatBody) -> int | None:
    if not body.logprobs:
        if body.top_logprobs is not None:
            raise refuse("top_logprobs", "top_logprobs goes with logprobs: true only.", "invalid_value")
        return None
    alternatives = body.top_logprobs or 0
    if not 0 <= alternatives <= MOST_ALTERNATIVES:
        message = f"top_logprobs is a number from 0 to {MOST_ALTERNATIVES}."
        raise refuse("top_logprobs", message, "invalid_value")
    return alternatives


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
    return ToolDefinition(function.name, function.description or "", parameters, bool(function.strict))
