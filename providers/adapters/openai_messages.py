"""Requests in the chat completions dialect."""

import re
from collections.abc import Mapping
from typing import cast

from providers.types import ChatMessage, ChatRequest, ImagePart, JSONSchema, TextPart, ToolDefinition

Body = dict[str, object]
FAILED = "Error: "  # stands before what a failed tool says: the dialect has no field for it
_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def request_body(request: ChatRequest, *, limit_field: str) -> Body:
    """Everything but model, messages and streaming; what the caller left open is absent, 0 is kept."""
    fields: Body = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        limit_field: request.max_tokens,
        "reasoning_effort": request.reasoning_effort,
        "seed": request.seed,
        "stop": list(request.stop) or None,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "tool_choice": _tool_choice(request),
        "parallel_tool_calls": request.parallel_tools if request.tools else None,
        "response_format": _response_format(request),
        "logprobs": None if request.logprobs is None else True,
        "top_logprobs": request.logprobs or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def messages(request: ChatRequest) -> list[Body]:
    """The system prompt, then the messages."""
    system: list[Body] = [{"role": "system", "content": request.system_prompt}] if request.system_prompt else []
    return system + [_message(message) for message in request.messages]


def _message(message: ChatMessage) -> Body:
    body: Body = {"role": message.role, "content": _content(message)}
    if message.role == "tool":
        body["tool_call_id"] = message.tool_call_id
    if message.is_error:
        body["content"] = f"{FAILED}{body['content']}"
    if message.tool_calls:
        body["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return body


def _content(message: ChatMessage) -> str | list[Body]:
    """Text alone travels as a string: many compatible servers know no parts."""
    if isinstance(message.content, str):
        return message.content
    if not any(isinstance(part, ImagePart) for part in message.content):
        return "\n".join(part.text for part in message.content if isinstance(part, TextPart))
    return [_part(part) for part in message.content]


def _part(part: TextPart | ImagePart) -> Body:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{part.data}"}}


def _tool(tool: ToolDefinition) -> Body:
    function: Body = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    if tool.strict:
        function["strict"] = True  # only then: many compatible servers do not know it
    return {"type": "function", "function": function}


def _tool_choice(request: ChatRequest) -> object:
    choice = request.tool_choice
    if choice is None or not request.tools or choice in {"auto", "none", "required"}:
        return choice if request.tools else None
    return {"type": "function", "function": {"name": choice}}


def _response_format(request: ChatRequest) -> Body | None:
    if request.response_schema is not None:
        schema = request.response_schema
        name = _NAME.sub("_", str(schema.get("title") or "answer"))[:64]
        wrapped: Body = {"name": name, "schema": dict(schema), "strict": _is_strict(schema)}
        return {"type": "json_schema", "json_schema": wrapped}
    return {"type": "json_object"} if request.json_mode else None


def _is_strict(schema: object) -> bool:
    """Whether strict mode takes the schema: every object closed and all of its properties required."""
    if isinstance(schema, list):
        return all(_is_strict(item) for item in schema)
    if not isinstance(schema, Mapping):
        return True
    fields = cast("JSONSchema", schema)
    properties = fields.get("properties")
    if fields.get("type") == "object" or isinstance(properties, Mapping):
        required = fields.get("required")
        demanded = set(required) if isinstance(required, list) else set()
        offered = set(properties) if isinstance(properties, Mapping) else set()
        if fields.get("additionalProperties") is not False or demanded != offered:
            return False
    return all(_is_strict(value) for value in fields.values())
