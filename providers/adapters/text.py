"""Making provider text safe to store: surrogate halves rejoined, NUL dropped; and reading loosely typed JSON values."""

import json
import math
import re
from typing import TypeVar

import msgspec

from providers.errors import BadResponse

COUNT_LIMIT = 1_000_000_000  # no call has more tokens than this
DEPTH_LIMIT = 64
_SURROGATE = re.compile("[\ud800-\udfff]")
_HIGH = re.compile("[\ud800-\udbff]\\Z")
Value = TypeVar("Value")


class TextJoiner:
    """Joins an emoji that was split over two chunks; nothing it returns holds a lone surrogate or NUL."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def push(self, text: str) -> str:
        """The clean text so far; a trailing first half waits for the next call."""
        if not self._half and text.isascii():
            return text.replace("\x00", "") if "\x00" in text else text
        text = self._half + text
        self._half = ""
        if _SURROGATE.search(text):
            if _HIGH.search(text):
                text, self._half = text[:-1], text[-1]
            text = clean(text)
        return text.replace("\x00", "")

    def flush(self) -> str:
        """What still waits; a half that found no partner becomes U+FFFD."""
        waiting, self._half = self._half, ""
        return "\ufffd" if waiting else ""


def clean(text: str) -> str:
    """``text`` with surrogate pairs joined, lone ones replaced by U+FFFD and NUL dropped."""
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\x00", "")


def text_of(value: object) -> str:
    """The text in a content field: a string, or a list of parts with ``text``; anything else is empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(text_of(part.get("text")) for part in value if isinstance(part, dict))
    return ""


def name_of(value: object) -> str:
    """A short identifier, made clean; numbers are written out, anything else is empty."""
    if isinstance(value, str):
        return clean(value)[:200]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def count_of(value: object) -> int | None:
    """A plausible number of things, or ``None``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return int(value) if value == int(value) and 0 <= value <= COUNT_LIMIT else None


def decode(data: bytes, decoder: msgspec.json.Decoder[Value]) -> Value:
    """The JSON value in ``data``. Raises ``BadResponse`` for anything the dialect does not know.

    msgspec refuses lone surrogates and NaN, which servers do send; the standard library reads them.
    """
    try:
        return decoder.decode(data)
    except (ValueError, RecursionError):
        pass
    try:
        return msgspec.convert(_loads(data), decoder.type)
    except (ValueError, RecursionError):
        pass
    raise BadResponse(detail=f"Not a message of this dialect: {data[:200].decode('utf-8', 'replace')}")


def _loads(data: bytes) -> object:
    value: object = json.loads(data.decode("utf-8-sig"))
    if _depth_exceeds(value, DEPTH_LIMIT):
        raise ValueError("nested too deeply")
    return value


def _depth_exceeds(value: object, limit: int) -> bool:
    level: list[object] = [value]
    for _ in range(limit):
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True
