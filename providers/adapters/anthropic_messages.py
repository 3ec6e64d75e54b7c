"""Requests in the Anthropic messages dialect."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from providers.types import ChatMessage, ChatRequest, ImagePart, TextPart, ToolDefinition

DEFAULT_MAX_TOKENS = 8192  # the dialect demands a limit; every current model takes this one
CONTINUED = "(The conversation continues.)"  # stands in for trimmed history: the first message must be the user's
EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
Body = dict[str, object]
Blocks = list[Body]


def request_body(request: ChatRequest) -> Body:
    """Everything but model, messages, ``max_tokens`` and streaming; what the caller left open is absent."""
    fields: Body = {
        "system": _system(request) or None,
        "stop_sequences": list(request.stop) or None,
        "tools": _tools(request) or None,
        "tool_choice": _tool_choice(request),
        "output_config": _output_config(request) or None,
        "thinking": _thinking(request),
    }
    return {name: value for name, value in fields.items() if value is not None}


def messages(request: ChatRequest) -> list[Body]:
    """User and assistant turns: empty messages dropped, neighbours of one role merged, the user's first."""
    turns: list[tuple[str, Blocks]] = []
    for message in _asked(request):
        role = "assistant" if message.role == "assistant" else "user"
        blocks = [] if message.role == "system" else _blocks(message)
        if not blocks:
            continue
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((role, blocks))
    if turns and turns[0][0] == "assistant":
        turns.insert(0, ("user", [{"type": "text", "text": CONTINUED}]))
    return [{"role": role, "content": blocks} for role, blocks in turns]


def _asked(request: ChatRequest) -> Sequence[ChatMessage]:
    """The messages; where the user does not speak last, what the system says at the end becomes the user's turn."""
    messages, end = request.messages, len(request.messages)
    while end and (messages[end - 1].role == "system" or not _blocks(messages[end - 1])):
        end -= 1
    if end and messages[end - 1].role != "assistant":
        return messages
    return (*messages[:end], *(replace(message, role="user") for message in messages[end:]))


def _system(request: ChatRequest) -> str:
    later = (_text(message) for message in _asked(request) if message.role == "system")
    return "\n\n".join(text for text in (request.system_prompt, *later) if text.strip())


def _blocks(message: ChatMessage) -> Blocks:
    if message.role == "tool":
        result: Body = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": _text(message)}
        return [{**result, "is_error": True} if message.is_error else result]
    calls: Iterable[Body] = (
        {"type": "tool_use", "id": call.id, "name": call.name, "input": _arguments(call.arguments)}
        for call in message.tool_calls
    )
    return [*_content(message), *calls]


def _content(message: ChatMessage) -> Iterable[Body]:
    parts = (TextPart(message.content),) if isinstance(message.content, str) else message.content
    for part in parts:
        if isinstance(part, ImagePart):
            source = {"type": "base64", "media_type": part.media_type, "data": part.data}
            yield {"type": "image", "source": source}
        elif part.text.strip():
            yield {"type": "text", "text": part.text}


def _text(message: ChatMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    return "\n".join(part.text for part in message.content if isinstance(part, TextPart))


def _arguments(text: str) -> Body:
    """The dialect wants an object where the model may have written anything."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _tools(request: ChatRequest) -> Blocks:
    return [_tool(tool) for tool in request.tools]


def _tool(tool: ToolDefinition) -> Body:
    body: Body = {"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}
    return {**body, "strict": True} if tool.strict else body


def _tool_choice(request: ChatRequest) -> Body | None:
    choice, one_only = request.tool_choice, request.parallel_tools is False
    if not request.tools or (choice is None and not one_only):
        return None
    if choice == "none":
        return {"type": "none"}
    kind = {"auto": "auto", "required": "any"}.get(choice or "auto")
    chosen: Body = {"type": kind} if kind else {"type": "tool", "name": choice}
    return {**chosen, "disable_parallel_tool_use": True} if one_only else chosen


def _output_config(request: ChatRequest) -> Body:
    config: Body = {}
    if request.response_schema is not None:
        config["format"] = {"type": "json_schema", "schema": dict(request.response_schema)}
    if request.reasoning_effort in EFFORTS:
        config["effort"] = EFFORTS[request.reasoning_effort]
    return config


def _thinking(request: ChatRequest) -> Body | None:
    if request.reasoning_effort is None:
        return None
    return {"type": "disabled"} if request.reasoning_effort == "none" else {"type": "adaptive"}
