"""What a request asks for, in either dialect."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from providers.practice.connection import Fields
from providers.practice.pictures import IMAGE_TOKENS, describe, images_in

DEPTH_LIMIT = 32  # steps into a schema before the example ends anyhow
UNASKED = re.compile(r"tool:\s*(\S+)\s*(.*)", re.DOTALL)
TREE_DEPTH = 6  # steps after which optional parts are left out


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
    is_structured: bool
    """Whether the provider is to enforce a form: a schema, JSON or a call of one tool."""
    pictures: tuple[str, ...]
    """The images of the user's last message, in words."""
    is_answered: bool
    """Whether the conversation holds an answer already."""
    logprobs: int | None
    """The number of alternatives to tell for each token; ``None`` for no log probabilities."""


def understand(fields: Fields) -> Asked:
    """Read a request body of the chat completions or the messages dialect."""
    turns = [cast("Fields", turn) for turn in _list(fields.get("messages")) if isinstance(turn, Mapping)]
    last = next((turn.get("content") for turn in reversed(turns) if turn.get("role") == "user"), "")
    pictures = [image for turn in turns for image in images_in(turn.get("content"))]
    plain = json.dumps([fields.get("system"), turns], ensure_ascii=False)
    schema, forced = _schema(fields), _forced(fields)
    wants_json = _inner(fields, "response_format").get("type") == "json_object"
    return Asked(
        model=str(fields.get("model", "")),
        message=_text(last),
        pictures=tuple(describe(image) for image in images_in(last)),
        conversation=hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest(),
        input_tokens=max((len(plain) - sum(map(len, pictures))) // 4 + len(pictures) * IMAGE_TOKENS, 1),
        max_tokens=_limit(fields),
        streamed=fields.get("stream") is True,
        schema=schema,
        wants_json=wants_json,
        tool=_tool(fields, turns, forced),
        is_structured=schema is not None or wants_json or bool(forced),
        is_answered=any(turn.get("role") == "assistant" for turn in turns),
        logprobs=_alternatives(fields),
    )


def _alternatives(fields: Fields) -> int | None:
    number = fields.get("top_logprobs", 0)
    return min(max(number, 0), 20) if fields.get("logprobs") is True and isinstance(number, int) else None


def example(schema: object, root: Fields | None = None, depth: int = 0) -> object:
    """A value that fits a plain JSON schema: first choices, short texts, one item per list; trees end soon."""
    if not isinstance(schema, Mapping) or depth > DEPTH_LIMIT:
        return "practice"
    fields = cast("Fields", schema)
    root = fields if root is None else root
    for name in ("const", "default"):
        if name in fields:
            return fields[name]
    choices = _list(fields.get("enum")) or _list(fields.get("examples"))
    if choices:
        return choices[0]
    if "$ref" in fields:
        return example(_target(root, str(fields["$ref"])), root, depth + 1)
    for name in ("anyOf", "oneOf", "allOf"):
        if options := _list(fields.get(name)):
            return example(options[-1 if depth > TREE_DEPTH else 0], root, depth + 1)
    return _typed_example(fields, root, depth + 1)


def _typed_example(fields: Fields, root: Fields, depth: int) -> object:
    kind = fields.get("type", "object" if "properties" in fields else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        wanted = _list(fields.get("required")) if depth > TREE_DEPTH else None
        inner = _inner(fields, "properties").items()
        return {name: example(child, root, depth) for name, child in inner if wanted is None or name in wanted}
    if kind == "array":
        return [] if depth > TREE_DEPTH else [example(fields.get("items"), root, depth)]
    least = fields.get("minimum")
    number = least if isinstance(least, int | float) else 1
    plain: Mapping[object, object] = {"integer": int(number), "number": float(number), "boolean": True, "null": None}
    return plain.get(kind, "practice")


def _target(root: Fields, reference: str) -> object:
    """What ``#/…`` points to; ``None`` for any other reference."""
    place: object = root
    for step in reference.split("/")[1:]:
        place = cast("Fields", place).get(step) if isinstance(place, Mapping) else None
    return place


def _schema(fields: Fields) -> Fields | None:
    schema = _inner(_inner(fields, "response_format"), "json_schema").get("schema")
    schema = schema or _inner(_inner(fields, "output_config"), "format").get("schema")
    return cast("Fields", schema) if isinstance(schema, Mapping) else None


def _forced(fields: Fields) -> str:
    """The name of the tool that must be called, in either dialect; empty for none."""
    choice = _inner(fields, "tool_choice")
    return str(_inner(choice, "function").get("name") or choice.get("name") or "")


def _tool(fields: Fields, turns: list[Fields], forced: str) -> Fields | None:
    """The forced tool, or the first one that the user's last message names, unless its result is there already."""
    last = turns[-1] if turns else {}
    if last.get("role") != "user" or "tool_result" in json.dumps(last.get("content")):
        return None
    message = _text(last.get("content"))
    for tool in _list(fields.get("tools")):
        if isinstance(tool, Mapping):
            plain = _inner(cast("Fields", tool), "function") or cast("Fields", tool)
            name = str(plain.get("name", ""))
            if name and (name == forced if forced else name in message):
                return {"name": name, "parameters": plain.get("parameters") or plain.get("input_schema")}
    return _unasked(message)


def _unasked(message: str) -> Fields | None:
    """The tool that ``tool: name {…}`` calls though nobody has offered it, as some servers do."""
    match = UNASKED.fullmatch(message.strip())
    if match is None:
        return None
    try:
        arguments = json.loads(match[2] or "{}")
    except (ValueError, RecursionError):
        arguments = match[2]
    return {"name": match[1], "parameters": {"const": arguments}}


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
