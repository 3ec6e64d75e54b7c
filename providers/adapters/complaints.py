"""Reading the error bodies of the vendors: one ``Complaint`` out of the many shapes that are in use.

Shapes: ``{"error": {message, type, code, param}}`` (OpenAI, DeepSeek, vLLM, OpenRouter), ``{"type": "error", "error":
{type, message, details: {error_code}}}`` (Anthropic), ``{"error": "text"}`` (Ollama), ``{"detail": "text" | [{msg}]}``
(FastAPI servers), ``{"object": "error", "message": …}`` (older vLLM, Mistral), ``[{"error": …}]`` (Google), plain text
and HTML.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from providers.errors import DETAIL_LIMIT

RAW_LIMIT = 65_536  # bytes of an error body that are looked at
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_KEYS = re.compile(
    r"(?i)\bbearer\s+[^\s\"',]+"
    r"|\b(?:sk|pk|rk|gsk|xai|key|hf|wiz|AIza)[-_][A-Za-z0-9*._-]{6,}"
    r"|\bAIza[A-Za-z0-9_-]{20,}"
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a server says about a failure. ``words`` are its type and codes, lower case; ``status`` one named inside."""

    message: str = ""
    words: frozenset[str] = frozenset()
    status: int | None = None

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
    fields = cast("Mapping[str, object]", body)
    inner = fields.get("error")
    if isinstance(inner, Mapping):
        return _from_fields(cast("Mapping[str, object]", inner))
    if isinstance(inner, str):
        return Complaint(message=inner, words=_words(fields, "code", "type"))
    return _from_fields(fields)


def scrub(text: str, secret: str = "") -> str:
    """``text`` without keys and control characters, bounded to ``DETAIL_LIMIT`` characters."""
    text = text[: DETAIL_LIMIT * 4]
    if len(secret) >= 4:
        text = text.replace(secret, "[key]")
    return _CONTROL.sub("", _KEYS.sub("[key]", text)).strip()[:DETAIL_LIMIT]


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
    return Complaint(message=stripped)


def _from_fields(fields: Mapping[str, object]) -> Complaint:
    details = fields.get("details")
    words = _words(fields, "type", "code", "status")
    if isinstance(details, Mapping):
        words |= _words(cast("Mapping[str, object]", details), "error_code")
    return Complaint(message=_message(fields), words=words, status=_status(fields.get("code")))


def _message(fields: Mapping[str, object]) -> str:
    for name in ("message", "detail", "error_description", "msg"):
        value = fields.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, list):
            return "; ".join(str(item.get("msg", "")) for item in value[:5] if isinstance(item, dict))
    return ""


def _words(fields: Mapping[str, object], *names: str) -> frozenset[str]:
    values = (fields.get(name) for name in names)
    return frozenset(value.lower() for value in values if isinstance(value, str))


def _status(code: object) -> int | None:
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) == 3:
        code = int(code)
    return code if isinstance(code, int) and 400 <= code < 600 else None
