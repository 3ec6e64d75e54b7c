"""Faults that replace the whole answer: refusals with a status, and bodies that are not what was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.practice.dialects import anthropic_error, openai_error

FREE = 1_000_000  # calls that are refused before one succeeds: all of them


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error answer. The first ``times`` calls of a conversation get it, later ones succeed."""

    status: int
    message: str
    openai_type: str
    openai_code: str | None
    anthropic_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = FREE
    structured_only: bool = False
    """Refuses only what asks for a schema, for JSON or for a call of one tool."""

    def body(self, *, anthropic: bool) -> object:
        """The error body in the dialect asked for."""
        if anthropic:
            return anthropic_error(self.message, self.anthropic_type)
        return openai_error(self.message, self.openai_type, self.openai_code)


@dataclass(frozen=True, slots=True)
class WrongBody:
    """An answer of another kind; without a status it is written as it is, in place of HTTP."""

    status: int | None
    kind: str
    body: bytes


KEY_REFUSED = Refusal(
    401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key", "authentication_error"
)
NO_MODEL = Refusal(404, "The model does not exist.", "invalid_request_error", "model_not_found", "not_found_error")
_INTERNAL = "The practice server had an internal error."
_BUSY = "The practice server is overloaded."

REFUSALS: Mapping[str, Refusal] = {
    "400": Refusal(
        400, "A field has a value that is not allowed.", "invalid_request_error", None, "invalid_request_error"
    ),
    "401": KEY_REFUSED,
    "403": Refusal(
        403, "This key may not use this model.", "permission_error", "permission_denied", "permission_error"
    ),
    "404": NO_MODEL,
    "no-structure": Refusal(
        400,
        "This model does not support structured output.",
        "invalid_request_error",
        None,
        "invalid_request_error",
        structured_only=True,
    ),
    "context": Refusal(
        400,
        "prompt is too long: this model's maximum context length is 128000 tokens.",
        "invalid_request_error",
        "context_length_exceeded",
        "invalid_request_error",
    ),
    "quota": Refusal(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
        "billing_error",
    ),
    "429": Refusal(
        429,
        "Rate limit reached for requests.",
        "requests",
        "rate_limit_exceeded",
        "rate_limit_error",
        headers={"Retry-After": "2"},
        times=2,
    ),
    "500": Refusal(500, _INTERNAL, "server_error", None, "api_error"),
    "500-then-ok": Refusal(500, _INTERNAL, "server_error", None, "api_error", times=1),
    "503": Refusal(503, _BUSY, "service_unavailable", None, "overloaded_error"),
    "529": Refusal(529, _BUSY, "overloaded_error", None, "overloaded_error"),
}

_STREAM = "text/event-stream"
WRONG_BODIES: Mapping[str, WrongBody] = {
    "html": WrongBody(
        200, "text/html", b"<!doctype html><html><head><title>Sign in</title></head><body></body></html>"
    ),
    "empty": WrongBody(200, _STREAM, b""),
    "204": WrongBody(204, _STREAM, b""),
    "garbage": WrongBody(None, "", b"\x16\x03\x01\x02\x00garbage that is not HTTP\r\n\r\n"),
    "malformed-sse": WrongBody(200, _STREAM, b"this is not an event\ndata {}\n\ndata: {'not': json}\n\n"),
    "truncated-json": WrongBody(200, "application/json", b'{"id": "chatcmpl-practice", "choices": [{"delta": {"conte'),
}
