"""Reading the error bodies of the vendors: one ``Complaint`` out of the many shapes that are in use.

Shapes: ``{"error": {message, type, code, param}}`` (OpenAI, DeepSeek, vLLM, Ollama, Groq, llama.cpp, Azure),
``{"error": {code: number, message, metadata: {raw}}}`` (OpenRouter), ``{"type": "error", "error": {type, message,
details: {error_code}}}`` (Anthropic), ``{"error": "text"}`` (Ollama, LM Studio), ``{"detail": "text" | [{msg}]}``
(FastAPI servers), ``{"object": "error", "message": text | {detail: [{msg}]}}`` (older vLLM, Mistral),
``[{"error": {message, status, details: [{reason}]}}]`` (Google), plain text and HTML.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

RAW_LIMIT = 65_536  # bytes of an error body that are looked at
NOT_TEXT = "An answer that is not text."
PER_MINUTE = "perminute"
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_SECONDS = re.compile(r"(\d{1,6}(?:\.\d{1,9})?)s")
Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a server says about a failure. ``words`` are its type and codes, lower case; ``status`` one named inside.

    ``retry_after`` is in seconds; ``is_per_minute`` tells that the limit that was hit is one per minute.
    """

    message: str = ""
    words: frozenset[str] = frozenset()
    status: int | None = None
    retry_after: float | None = None
    is_per_minute: bool = False

    def says(self, *phrases: str) -> bool:
        """Whether the message contains one of the phrases (given in lower case)."""
        text = self.message.lower()
        return any(phrase in text for phrase in phrases)


def read_complaint(body: object) -> Complaint:
    """The complaint in a decoded JSON value or in text; empty for anything else."""
    if isinstance(body, bytes):
        body = body[:RAW_LIMIT].decode("utf-8", "replace")
    if isinstance(body, str):
        return _from_text(body[:RAW_LIMIT])
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, Mapping):
        return Complaint()
    fields = cast("Fields", body)
    inner = fields.get("error")
    if isinstance(inner, Mapping):
        return _from_fields(cast("Fields", inner))
    if isinstance(inner, str):
        return Complaint(message=inner, words=_words(fields, "code", "type"))
    return _from_fields(fields)


def _from_text(text: str) -> Complaint:
    stripped = text.strip()
    if stripped.startswith(("{", "[")):
        try:
            return read_complaint(json.loads(stripped))
        except (ValueError, RecursionError):
            return Complaint(message=stripped)
    if stripped.startswith("<"):
        title = _TITLE.search(stripped)
        return Complaint(message=f"A web page: {title[1].strip()}" if title else "A web page instead of an API answer.")
    if stripped.count("\ufffd") > len(stripped) // 10:
        return Complaint(message=NOT_TEXT)
    return Complaint(message=stripped)


def _from_fields(fields: Fields) -> Complaint:
    words = _words(fields, "type", "code", "status") | _words(_inner(fields, "details"), "error_code")
    facts = list(_facts(fields))
    for fact in facts:
        words |= _words(fact, "reason")
    return Complaint(
        message=_message(fields),
        words=words,
        status=_status(fields.get("code")),
        retry_after=next((seconds for fact in facts if (seconds := _delay(fact)) is not None), None),
        is_per_minute=any(PER_MINUTE in str(fact.get("violations", "")).lower() for fact in facts),
    )


def _facts(fields: Fields) -> Iterator[Fields]:
    """Google's ``details``: a list of typed objects."""
    details = fields.get("details")
    if isinstance(details, list):
        yield from (cast("Fields", item) for item in details[:10] if isinstance(item, Mapping))


def _delay(fact: Fields) -> float | None:
    """The seconds of a ``google.rpc.RetryInfo``, written as ``"7.5s"``."""
    match = _SECONDS.fullmatch(str(fact.get("retryDelay", "")))
    return float(match[1]) if match else None


def _message(fields: Fields) -> str:
    """The vendor's sentence; a broker's own is followed by that of the server behind it."""
    raw = _inner(fields, "metadata").get("raw")
    texts = [next(_texts(fields), ""), raw if isinstance(raw, str) else ""]
    return ": ".join(text for text in texts if text)


def _texts(fields: Fields) -> Iterator[str]:
    for name in ("message", "detail", "error_description", "msg"):
        value = fields.get(name)
        if isinstance(value, str) and value:
            yield value
        elif isinstance(value, list):
            yield "; ".join(str(item.get("msg", "")) for item in value[:5] if isinstance(item, dict))
        elif isinstance(value, Mapping):
            yield from _texts({key: item for key, item in value.items() if not isinstance(item, Mapping)})


def _inner(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    return cast("Fields", value) if isinstance(value, Mapping) else {}


def _words(fields: Fields, *names: str) -> frozenset[str]:
    values = (fields.get(name) for name in names)
    return frozenset(value.lower() for value in values if isinstance(value, str))


def _status(code: object) -> int | None:
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3:
        code = int(code)
    return code if isinstance(code, int) and 400 <= code < 600 else None
