"""The guard before structured output: a JSON schema that comes from a person is judged before anything is asked.

What passes is small, shallow, closed (no reference leaves it) and finite (no reference leads only back to itself), so
that checking an answer against it takes a bounded time. Patterns are run by a regular-expression engine that is linear
in the length of the text, whatever the pattern (Rust's, which pydantic-core brings along); Python's own backtracks.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias, cast
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from pydantic_core import SchemaError as PatternError
from pydantic_core import SchemaValidator, core_schema

from providers.errors import SchemaRefused
from providers.types import JSONSchema

SIZE_LIMIT: Final = 65_536  # bytes of the schema as JSON
DEPTH_LIMIT: Final = 64  # values within values, in schemas and answers
SUBSCHEMA_LIMIT: Final = 2_000
PATTERN_LIMIT: Final = 256  # characters
REPEAT_LIMIT: Final = 5_000  # product of the counts in one pattern, which is what makes the linear engine slow
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ONE: Final = (
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
MANY: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED: Final = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
IN_PLACE: Final = frozenset({"allOf", "anyOf", "dependentSchemas", "else", "if", "not", "oneOf", "then"})
"""Keywords whose subschemas judge the same value again: a reference through these makes no progress."""
REFERENCES: Final = ("$ref", "$dynamicRef")
_META: Final = Draft202012Validator(Draft202012Validator.META_SCHEMA)
_COUNT = re.compile(r"\{(\d{1,9})(?:,(\d{0,9}))?\}")
JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"
Plain: TypeAlias = dict[str, JSON]
Pointer: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckedSchema:
    """A schema that passed. ``plain`` is a copy without ``$schema`` and ``$id``."""

    plain: Plain
    is_object: bool
    """Whether every valid answer is a JSON object."""


def check_schema(schema: JSONSchema) -> CheckedSchema:
    """The schema, safe to validate with. Raises ``SchemaRefused``, whose detail is a sentence for the reader."""
    plain = _copy(schema)
    if plain.pop("$schema", DIALECT) not in {DIALECT, f"{DIALECT}#"}:
        raise SchemaRefused(detail="The schema is of another dialect than JSON Schema 2020-12.")
    plain.pop("$id", None)
    nodes = _collect(plain)
    for node in nodes.values():
        _check_node(node)
    _check_meaning(plain)
    targets = _resolve(nodes)
    _check_progress(nodes, targets)
    return CheckedSchema(plain=plain, is_object=_is_object(nodes, targets))


@lru_cache(maxsize=512)
def pattern_matcher(pattern: str) -> SchemaValidator:
    """Tells with ``isinstance_python`` whether ``pattern`` occurs in a text; raises ``SchemaRefused``."""
    if len(pattern) > PATTERN_LIMIT:
        raise SchemaRefused(detail=f"A pattern is longer than {PATTERN_LIMIT} characters.")
    product = 1
    for least, most in _COUNT.findall(pattern):
        product *= max(int(most or least), int(least), 1)
    if product > REPEAT_LIMIT:
        raise SchemaRefused(detail=f"A pattern repeats too much: {pattern[:80]}")
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except PatternError:
        reason = "A pattern is wrong or uses look-around or back-references, which are not supported"
        raise SchemaRefused(detail=f"{reason}: {pattern[:80]}") from None


def is_deeper(value: object, limit: int = DEPTH_LIMIT) -> bool:
    """Whether lists and objects are nested more than ``limit`` deep; never recurses."""
    level: list[object] = [value]
    for _ in range(limit + 1):
        nested = [item for item in level if isinstance(item, dict | list)]
        if not nested:
            return False
        level = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
    return True


def _copy(schema: JSONSchema) -> Plain:
    try:
        text = json.dumps(dict(schema), allow_nan=False, ensure_ascii=False)
        size = len(text.encode())
        plain = json.loads(text) if size <= SIZE_LIMIT else {}
    except RecursionError:
        raise SchemaRefused(detail=f"The schema is nested deeper than {DEPTH_LIMIT} levels.") from None
    except (TypeError, ValueError):
        raise SchemaRefused(detail="The schema is not plain JSON.") from None
    if size > SIZE_LIMIT:
        raise SchemaRefused(detail=f"The schema is larger than {SIZE_LIMIT // 1024} kB.")
    if is_deeper(plain):
        raise SchemaRefused(detail=f"The schema is nested deeper than {DEPTH_LIMIT} levels.")
    return cast("Plain", plain)


def _collect(root: Plain) -> dict[Pointer, Plain]:
    """Every subschema that is an object, by its place."""
    nodes: dict[Pointer, Plain] = {}
    waiting: list[tuple[Pointer, Plain]] = [((), root)]
    while waiting:
        place, node = waiting.pop()
        nodes[place] = node
        if len(nodes) > SUBSCHEMA_LIMIT:
            raise SchemaRefused(detail=f"The schema has more than {SUBSCHEMA_LIMIT} parts.")
        waiting += [((*place, *step), child) for step, child in _children(node) if isinstance(child, dict)]
    return nodes


def _children(node: Plain) -> Iterator[tuple[Pointer, JSON]]:
    for keyword, value in node.items():
        if keyword in ONE:
            yield (keyword,), value
        elif keyword in MANY and isinstance(value, list):
            yield from (((keyword, str(index)), child) for index, child in enumerate(value))
        elif keyword in NAMED and isinstance(value, dict):
            yield from (((keyword, name), child) for name, child in value.items())


def _check_node(node: Plain) -> None:
    """What the meta-schema allows but a bounded check does not."""
    if "$schema" in node or "$id" in node:
        raise SchemaRefused(detail="A part of the schema has a $schema or $id of its own, which is not supported.")
    patterns = node.get("patternProperties")
    names = list(patterns) if isinstance(patterns, dict) else []
    if names and "unevaluatedProperties" in node:
        raise SchemaRefused(detail="patternProperties with unevaluatedProperties is not supported.")
    for pattern in [*names, *([node["pattern"]] if isinstance(node.get("pattern"), str) else [])]:
        pattern_matcher(str(pattern))
    dependent = node.get("dependentRequired")
    lists = [node.get("required"), node.get("type"), *(dependent.values() if isinstance(dependent, dict) else [])]
    # Mixed lists make the meta-schema's check for duplicates quadratic.
    if any(isinstance(names, list) and not all(isinstance(name, str) for name in names) for names in lists):
        raise SchemaRefused(detail="required and type are lists of names.")


def _check_meaning(plain: Plain) -> None:
    try:
        error = best_match(_META.iter_errors(plain))
    except RecursionError:
        raise SchemaRefused(detail="The schema is nested too deeply to check.") from None
    if error is not None:
        raise SchemaRefused(detail=f"It is not a valid schema. At {error.json_path[:200]}: {error.message[:300]}")


def _resolve(nodes: Mapping[Pointer, Plain]) -> dict[Pointer, list[Pointer]]:
    """Where the references of each subschema lead."""
    anchors = {
        str(node[keyword]): place
        for place, node in nodes.items()
        for keyword in ("$anchor", "$dynamicAnchor")
        if keyword in node
    }
    return {
        place: [_target(str(node[keyword]), nodes, anchors) for keyword in REFERENCES if keyword in node]
        for place, node in nodes.items()
    }


def _target(reference: str, nodes: Mapping[Pointer, Plain], anchors: Mapping[str, Pointer]) -> Pointer:
    if not reference.startswith("#"):
        raise SchemaRefused(detail=f"A $ref may only point inside the schema, not to {reference[:200]}")
    fragment = unquote(reference[1:])
    steps = fragment.split("/")[1:]
    place = tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)
    if fragment and not fragment.startswith("/"):
        place = anchors.get(fragment, ("", fragment))
    if place not in nodes:
        raise SchemaRefused(detail=f"The $ref {reference[:200]} points to nothing that is a schema.")
    return place


def _check_progress(nodes: Mapping[Pointer, Plain], targets: Mapping[Pointer, list[Pointer]]) -> None:
    """Refuse circles of references that never get on to a part of the value."""
    edges = {place: [*targets[place], *_in_place(place, node)] for place, node in nodes.items()}
    done: set[Pointer] = set()
    for start in nodes:
        path: dict[Pointer, Iterator[Pointer]] = {} if start in done else {start: iter(edges[start])}
        while path:
            place, following = next(reversed(path.items()))
            step = next(following, None)
            if step is None:
                done.add(place)
                del path[place]
            elif step in path:
                raise SchemaRefused(detail="A $ref leads only back to itself, so no answer could ever be checked.")
            elif step not in done:
                path[step] = iter(edges[step])


def _in_place(place: Pointer, node: Plain) -> list[Pointer]:
    steps = ((step, child) for step, child in _children(node) if step[0] in IN_PLACE)
    return [(*place, *step) for step, child in steps if isinstance(child, dict)]


def _is_object(nodes: Mapping[Pointer, Plain], targets: Mapping[Pointer, list[Pointer]]) -> bool:
    place: Pointer = ()
    while "type" not in nodes[place] and targets[place]:
        place = targets[place][0]
    return nodes[place].get("type") == "object"
