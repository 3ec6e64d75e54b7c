"""JSON schemas for the OpenAPI document: of typed bodies, and of answers by their examples."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

Schema = dict[str, Any]
REFERENCE: Final = "#/components/schemas/"
KINDS: Final = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


def schema_of_body(body: type[msgspec.Struct], prefix: str) -> tuple[Schema, dict[str, Schema]]:
    """A reference to the body's schema, and that one with every part of it, by names that begin with the prefix."""
    (schema,), parts = msgspec.json.schema_components(
        [body], schema_hook=_without_effect, ref_template=f"{REFERENCE}{prefix}{{name}}"
    )
    return schema, {f"{prefix}{name}": part for name, part in parts.items()}


def schema_of_examples(*examples: object) -> Schema:
    """What the examples have in common: a field that one of them lacks may be absent."""
    kinds = sorted({_kind(example) for example in examples})
    schema: Schema = {"type": kinds[0] if len(kinds) == 1 else kinds} if kinds != ["null"] else {}
    objects = [example for example in examples if isinstance(example, Mapping)]
    if objects:
        names = list(dict.fromkeys(name for fields in objects for name in fields))
        schema["properties"] = {
            name: schema_of_examples(*(fields[name] for fields in objects if name in fields)) for name in names
        }
        schema["required"] = [name for name in names if all(name in fields for fields in objects)]
    items = [item for example in examples if _is_list(example) for item in example]  # type: ignore[attr-defined]
    if items:
        schema["items"] = schema_of_examples(*items)
    return schema


def _kind(example: object) -> str:
    if isinstance(example, Mapping):
        return "object"
    return "array" if _is_list(example) else KINDS[type(example)]


def _is_list(example: object) -> bool:
    return isinstance(example, Sequence) and not isinstance(example, str)


def _without_effect(_kind_of_python: type) -> Schema:
    return {"description": "Accepted because clients send it, and without effect."}
