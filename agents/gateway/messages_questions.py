"""Anthropic's messages: what a body means."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

import msgspec

from agents.gateway.bodies import check_count, decode, off_loop, plain_schema, read_image, refuse
from agents.gateway.messages_answers import MessagesForm
from agents.gateway.messages_body import (
    Block,
    Choice,
    Image,
    MessagesBody,
    OutputConfig,
    Text,
    Tool,
    ToolResult,
    ToolUse,
)
from agents.gateway.questions import Asked
from providers.requests import make_request
from providers.types import ChatMessage, ChatRequest, ImagePart, JSONSchema, TextPart, ToolCall, ToolDefinition

DECODER: Final = msgspec.json.Decoder(MessagesBody)
CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}
EFFORTS: Final = {"enabled": "medium", "disabled": "none", "adaptive": None}
encode: Final = msgspec.json.Encoder().encode


async def read_messages(body: bytes) -> Asked:
    """The question. Raises ``Refused`` and ``RequestRefused``."""
    return await off_loop(body, _read)


def _read(raw: bytes) -> Asked:
    body = decode(DECODER, raw)
    thinks = body.thinking is not None and body.thinking.type != "disabled"
    return Asked(body.model, _request(body), bool(body.stream), MessagesForm(body.model, tells_thinking=thinks))


def _request(body: MessagesBody) -> ChatRequest:
    check_count(body.messages, "messages")
    if not body.messages:
        raise refuse("messages", "messages: at least one message is required.", "invalid_value")
    choice = body.tool_choice
    config = body.output_config or OutputConfig()
    schema: JSONSchema | None = None
    if config.format is not None:
        schema = plain_schema(config.format.schema, "output_config.format.schema")
    request = make_request(
        body.model,
        messages=list(_messages(body)),
        temperature=body.temperature,
        top_p=body.top_p,
        max_tokens=body.max_tokens,
        stop=body.stop_sequences,
        reasoning_effort=config.effort or (EFFORTS[body.thinking.type] if body.thinking else None),
        tools=[_tool(tool, f"tools[{number}]") for number, tool in enumerate(body.tools or ())],
        tool_choice=_choice(choice) if choice else None,
    )
    is_single = choice is not None and choice.disable_parallel_tool_use
    return replace(request, response_schema=schema, parallel_tools=False if is_single else None)


def _messages(body: MessagesBody) -> Iterator[ChatMessage]:
    if isinstance(body.system, str):
        yield ChatMessage("system", body.system)
    elif body.system:
        yield ChatMessage("system", "\n\n".join(block.text for block in body.system))
    for number, message in enumerate(body.messages):
        if isinstance(message.content, str):
            yield ChatMessage(message.role, message.content)
        else:
            yield from _turn(message.role, message.content, f"messages[{number}].content")


def _turn(role: Literal["user", "assistant"], blocks: list[Block], place: str) -> Iterator[ChatMessage]:
    """The results of tools first, as every dialect wants them; then what was said."""
    parts: list[TextPart | ImagePart] = []
    calls: list[ToolCall] = []
    for number, block in enumerate(blocks):
        match block:
            case Text():
                parts.append(TextPart(block.text))
            case Image():
                parts.append(_image(block, f"{place}[{number}]"))
            case ToolUse():
                calls.append(ToolCall(block.id, block.name, encode(block.input).decode()))
            case ToolResult():
                result = _result(block, f"{place}[{number}]")
                is_error = bool(block.is_error)
                yield ChatMessage("tool", result, tool_call_id=block.tool_use_id, is_error=is_error)
    if parts or calls:
        yield ChatMessage(role, tuple(parts), tuple(calls))


def _result(block: ToolResult, place: str) -> str:
    if block.content is None or isinstance(block.content, str):
        return block.content or ""
    texts = []
    for part in block.content:
        if isinstance(part, Image):
            raise refuse(place, f"{place}: results of tools are text here; images are not passed on.")
        texts.append(part.text)
    return "\n".join(texts)


def _image(block: Image, place: str) -> ImagePart:
    return read_image(f"data:{block.source.media_type};base64,{block.source.data}", place)


def _choice(choice: Choice) -> str:
    if choice.type != "tool":
        return CHOICES[choice.type]
    if not choice.name:
        raise refuse("tool_choice.name", "Name the tool that has to be called.", "missing_required_parameter")
    return choice.name


def _tool(tool: Tool, place: str) -> ToolDefinition:
    parameters = plain_schema(tool.input_schema, f"{place}.input_schema")
    return ToolDefinition(tool.name, tool.description or "", parameters, bool(tool.strict))
