"""OpenAI's responses, as far as they need no memory: what a body means."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import msgspec

from agents.gateway.bodies import JSONObject, check_count, decode, off_loop, plain_schema, read_image, refuse
from agents.gateway.openai_parts import ObjectFormat, PlainFormat, Refusal
from agents.gateway.questions import Asked
from agents.gateway.responses_answers import ResponsesForm
from agents.gateway.responses_body import (
    Choice,
    InputImage,
    InputText,
    Item,
    OutputText,
    Part,
    ResponsesBody,
    SchemaFormat,
    Tool,
)
from providers.requests import make_request
from providers.types import ChatMessage, ChatRequest, ImagePart, JSONSchema, Role, TextPart, ToolCall, ToolDefinition

DECODER: Final = msgspec.json.Decoder(ResponsesBody)
STATELESS: Final = "Wiz stores no responses, so there is nothing to go on from. Send the earlier items in input."


async def read_responses(body: bytes) -> Asked:
    """The question. Raises ``Refused`` and ``RequestRefused``."""
    return await off_loop(body, _read)


def _read(raw: bytes) -> Asked:
    body = decode(DECODER, raw)
    for name in ("previous_response_id", "conversation"):
        if getattr(body, name) is not None:
            raise refuse(name, STATELESS, "unsupported_parameter")
    return Asked(body.model, _request(body), bool(body.stream), ResponsesForm(body.model, echo(body)))


def _request(body: ResponsesBody) -> ChatRequest:
    wanted = body.text.format if body.text else None
    schema: JSONSchema | None = None
    if isinstance(wanted, SchemaFormat):
        schema = plain_schema(wanted.schema, "text.format.schema")
    request = make_request(
        body.model,
        messages=list(_messages(body)),
        temperature=body.temperature,
        top_p=body.top_p,
        max_tokens=body.max_output_tokens,
        reasoning_effort=body.reasoning.effort if body.reasoning else None,
        tools=[_tool(tool, f"tools[{number}]") for number, tool in enumerate(body.tools or ())],
        tool_choice=body.tool_choice.name if isinstance(body.tool_choice, Choice) else body.tool_choice,
    )
    return replace(
        request,
        parallel_tools=body.parallel_tool_calls,
        response_schema=schema,
        json_mode=isinstance(wanted, ObjectFormat),
    )


def _messages(body: ResponsesBody) -> Iterator[ChatMessage]:
    if body.instructions:
        yield ChatMessage("system", body.instructions)
    if isinstance(body.input, str):
        yield ChatMessage("user", body.input)
        return
    check_count(body.input, "input")
    calls: list[ToolCall] = []
    said: ChatMessage | None = None
    for number, item in enumerate(body.input):
        place = f"input[{number}]"
        if item.type == "reasoning":
            continue
        if item.type == "function_call":
            calls.append(
                ToolCall(
                    _given(item.call_id, place, "call_id"),
                    _given(item.name, place, "name"),
                    _given(item.arguments, place, "arguments"),
                )
            )
            continue
        if calls or said:
            yield _answer(said, calls)
            calls, said = [], None
        if item.type == "function_call_output":
            yield ChatMessage("tool", _output(item, place), tool_call_id=_given(item.call_id, place, "call_id"))
            continue
        message = _message(item, place)
        if message.role == "assistant":
            said = message
        else:
            yield message
    if calls or said:
        yield _answer(said, calls)


def _answer(said: ChatMessage | None, calls: list[ToolCall]) -> ChatMessage:
    """What the model said and the tools that it called right after, as one message."""
    return ChatMessage("assistant", said.content if said else "", tuple(calls))


def _message(item: Item, place: str) -> ChatMessage:
    role: Role = "system" if item.role == "developer" else item.role or "user"
    if item.role is None:
        raise refuse(f"{place}.role", f"{place} needs a role.", "missing_required_parameter")
    if item.content is None:
        raise refuse(f"{place}.content", f"{place}.content is a text or a list of parts.", "invalid_value")
    if isinstance(item.content, str):
        return ChatMessage(role, item.content)
    return ChatMessage(role, tuple(_part(part, f"{place}.content[{n}]") for n, part in enumerate(item.content)))


def _part(part: Part, place: str) -> TextPart | ImagePart:
    return read_image(part.image_url, place) if isinstance(part, InputImage) else TextPart(_text(part, place))


def _text(part: Part, place: str) -> str:
    match part:
        case InputText() | OutputText():
            return part.text
        case Refusal():
            return part.refusal
    raise refuse(place, f"{place}: only text can be passed on here.")


def _output(item: Item, place: str) -> str:
    if isinstance(item.output, str):
        return item.output
    return "\n".join(_text(part, f"{place}.output[{n}]") for n, part in enumerate(item.output or ()))


def _given(value: str | None, place: str, name: str) -> str:
    if value is None:
        message = f"Missing required parameter: '{place}.{name}'."
        raise refuse(f"{place}.{name}", message, "missing_required_parameter")
    return value


def _tool(tool: Tool, place: str) -> ToolDefinition:
    parameters = plain_schema(tool.parameters, f"{place}.parameters")
    return ToolDefinition(tool.name, tool.description or "", parameters, bool(tool.strict))


def echo(body: ResponsesBody) -> JSONObject:
    """What a response repeats of its question."""
    wanted = body.text.format if body.text else None
    echoed: JSONObject = {
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "reasoning": {"effort": body.reasoning.effort if body.reasoning else None, "summary": None},
        "temperature": body.temperature,
        "text": {"format": wanted or PlainFormat()},
        "tool_choice": body.tool_choice or "auto",
        "tools": body.tools or [],
        "top_p": body.top_p,
        "metadata": body.metadata if isinstance(body.metadata, dict) else {},
    }
    return echoed
