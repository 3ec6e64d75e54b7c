"""What a request asks for, in either dialect."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from providers.practice.connection import Fields


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts of a request that the script looks at. ``conversation`` identifies the conversation so far."""

    model: str
    message: str
    conversation: str
    input_tokens: int
    max_tokens: int | None
    streamed: bool
    schema: Fields | None
    wants_json: bool
    tool: Fields | None
    """The tool to call: ``name`` and ``parameters``."""


def understand(fields: Fields) -> Asked:
    """Read a request body of the chat completions or the messages dialect."""
    turns = [cast("Fields", turn) for turn in _list(fields.get("messages")) if isinstance(turn, Mapping)]
    plain = json.dumps([fields.get("system"), turns], ensure_ascii=False)
    return Asked(
        model=str(fields.get("model", "")),
        message=next((_text(turn.get("content")) for turn in reversed(turns) if turn.get("role") == "user"), ""),
        conversation=hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest(),
        input_tokens=max(len(plain) // 4, 1),
        max_tokens=_limit(fields),
        streamed=fields.get("stream") is True,
        schema=_schema(fields),
        wants_json=_inner(fields, "response_format").get("type") == "json_object",
        tool=_tool(fields, turns),
    )


def example(schema: object) -> object:
    """A value that fits a plain JSON schema: first choices, short texts, one item per list."""
    if not isinstance(schema, Mapping):
        return "practice"
    fields = cast("Fields", schema)
    for name in ("const", "default"):
        if name in fields:
            return fields[name]
    choices = _list(fields.get("enum")) or _list(fields.get("examples"))
    if choices:
        return choices[0]
    for name in ("anyOf", "oneOf", "allOf"):
        if options := _list(fields.get(name)):
            return example(options[0])
    return _typed_example(fields)


def _typed_example(fields: Fields) -> object:
    kind = fields.get("type", "object" if "properties" in fields else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        return {name: example(inner) for name, inner in _inner(fields, "properties").items()}
    if kind == "array":
        return [example(fields.get("items"))]
    least = fields.get("minimum")
    number = least if isinstance(least, int | float) else 1
    plain: Mapping[object, object] = {"integer": int(number), "number": float(number), "boolean": True, "null": None}
    return plain.get(kind, "practice")


def _schema(fields: Fields) -> Fields | None:
    schema = _inner(_inner(fields, "response_format"), "json_schema").get("schema")
    schema = schema or _inner(_inner(fields, "output_config"), "format").get("schema")
    return cast("Fields", schema) if isinstance(schema, Mapping) else None


def _tool(fields: Fields, turns: list[Fields]) -> Fields | None:
    """The first offered tool that the user's last message names, unless its result is there already."""
    last = turns[-1] if turns else {}
    if last.get("role") != "user" or "tool_result" in json.dumps(last.get("content")):
        return None
    message = _text(last.get("content"))
    for tool in _list(fields.get("tools")):
        if isinstance(tool, Mapping):
            plain = _inner(cast("Fields", tool), "function") or cast("Fields", tool)
            name = str(plain.get("name", ""))
            if name and name in message:
                return {"name": name, "parameters": plain.get("parameters") or plain.get("input_schema")}
    return None


def _limit(fields: Fields) -> int | None:
    limit = fields.get("max_completion_tokens") or fields.get("max_tokens")
    return limit if isinstance(limit, int) else None


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "".join(str(part.get("text", "")) for part in _list(content) if isinstance(part, Mapping))


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _inner(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    return cast("Fields", value) if isinstance(value, Mapping) else {}
