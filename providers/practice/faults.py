"""Faults that replace the whole answer: refusals with a status, and bodies that are not what was asked for.

``DESCRIPTIONS`` says of every fault, these and those of ``plans``, what it does.
"""

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from providers.practice.dialects import anthropic_error, openai_error

FREE = 1_000_000  # calls that are refused before one succeeds: all of them
MOVED_TO = "/moved"  # where the redirects lead; nobody should ever ask for it


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
    retry_in: float = 0.0
    """Seconds until the date in ``Retry-After``; 0 for no date."""
    structured_only: bool = False
    """Refuses only what asks for a schema, for JSON or for a call of one tool."""

    def sent_headers(self) -> Mapping[str, str]:
        """The headers of an answer that is sent now."""
        if not self.retry_in:
            return self.headers
        return {**self.headers, "Retry-After": email.utils.formatdate(time.time() + self.retry_in, usegmt=True)}

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
NOTHING_HERE = Refusal(404, "Nothing is served at this path.", "not_found", None, "not_found_error")
_INTERNAL = "The practice server had an internal error."
_BUSY = "The practice server is overloaded."


def _limited(*, times: int = FREE, retry_in: float = 0.0, **headers: str) -> Refusal:
    return Refusal(
        429,
        "Rate limit reached for requests.",
        "requests",
        "rate_limit_exceeded",
        "rate_limit_error",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        times=times,
        retry_in=retry_in,
    )


def _failing(status: int, message: str, openai_type: str, anthropic_type: str, *, times: int = FREE) -> Refusal:
    return Refusal(status, message, openai_type, None, anthropic_type, times=times)


REFUSALS: Mapping[str, Refusal] = {
    **{
        str(status): Refusal(
            status, "Moved.", "invalid_request_error", None, "invalid_request_error", headers={"Location": MOVED_TO}
        )
        for status in (301, 302, 303, 307, 308)
    },
    "400": Refusal(
        400, "A field has a value that is not allowed.", "invalid_request_error", None, "invalid_request_error"
    ),
    "400-again": Refusal(
        400,
        "A field has a value that is not allowed.",
        "invalid_request_error",
        None,
        "invalid_request_error",
        headers={"x-should-retry": "true"},
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
    "429": _limited(times=2, Retry_After="2"),
    "429-date": _limited(times=1, retry_in=3.0),
    "429-ms": _limited(times=1, retry_after_ms="300"),
    "429-nonsense": _limited(times=1, Retry_After="soon"),
    "429-long": _limited(Retry_After="9999999"),
    "500": _failing(500, _INTERNAL, "server_error", "api_error"),
    "500-then-ok": _failing(500, _INTERNAL, "server_error", "api_error", times=1),
    "502": _failing(502, _INTERNAL, "bad_gateway", "api_error"),
    "503": _failing(503, _BUSY, "service_unavailable", "overloaded_error"),
    "529": _failing(529, _BUSY, "overloaded_error", "overloaded_error"),
}

_STREAM = "text/event-stream"
WRONG_BODIES: Mapping[str, WrongBody] = {
    "html": WrongBody(
        200, "text/html", b"<!doctype html><html><head><title>Sign in</title></head><body></body></html>"
    ),
    "empty": WrongBody(200, _STREAM, b""),
    "204": WrongBody(204, _STREAM, b""),
    "error-body": WrongBody(
        200, "application/json", b'{"error": {"message": "The server behind failed.", "code": 502}}'
    ),
    "garbage": WrongBody(None, "", b"\x16\x03\x01\x02\x00garbage that is not HTTP\r\n\r\n"),
    "malformed-sse": WrongBody(200, _STREAM, b"this is not an event\ndata {}\n\ndata: {'not': json}\n\n"),
    "truncated-json": WrongBody(200, "application/json", b'{"id": "chatcmpl-practice", "choices": [{"delta": {"conte'),
}

DESCRIPTIONS: Mapping[str, str | Promise] = {
    "400": _("The request is refused as wrong."),
    "400-again": _("The same, with a header that asks to repeat what cannot succeed."),
    "401": _("The key is refused."),
    "403": _("The key may not use the model."),
    "404": _("The model does not exist."),
    "context": _("The conversation is too long for the model."),
    "quota": _("The credit is used up, which comes as 429."),
    "429": _("Too many requests: two refusals that ask for 2 seconds each, then an answer."),
    "429-date": _("One refusal that asks to wait until a moment in 3 seconds, then an answer."),
    "429-ms": _("One refusal that asks for 300 milliseconds, then an answer."),
    "429-nonsense": _("One refusal that asks for a wait nobody can read, then an answer."),
    "429-long": _("Refusals that ask for a wait of months."),
    "500": _("An internal error each time."),
    "500-then-ok": _("An internal error, then an answer."),
    "502": _("A gateway that does not reach its server."),
    "503": _("Overloaded, as most vendors say it."),
    "529": _("Overloaded, as Anthropic says it."),
    "301": _("A redirect, which is never followed."),
    "302": _("A redirect, which is never followed."),
    "303": _("A redirect, which is never followed."),
    "307": _("A redirect, which is never followed."),
    "308": _("A redirect, which is never followed."),
    "html": _("A web page in place of an answer."),
    "empty": _("An answer without content."),
    "204": _("No content, said by the status."),
    "error-body": _("An error inside of an answer that claims to be fine."),
    "garbage": _("Something that is not HTTP."),
    "malformed-sse": _("A stream that is broken."),
    "truncated-json": _("JSON that ends in the middle."),
    "cut": _("The connection ends after ten tokens."),
    "rst": _("The connection is torn down after ten tokens."),
    "error-event": _("An error in the stream, after fifty tokens."),
    "silent": _("The request is taken and nothing comes, ever."),
    "slow-first": _("Five seconds before the first token."),
    "stall": _("Nothing more after ten tokens."),
    "drip": _("One token a second."),
    "endless": _("An answer without end."),
    "comments": _("Signs of life once a second, and no answer."),
    "no-usage": _("No figures about tokens."),
    "odd-usage": _("Figures about tokens that make no sense."),
    "no-done": _("No mark at the end of the stream."),
    "onebyte": _("Every byte comes alone."),
    "crlf": _("Lines end as on Windows."),
    "surrogates": _("Emoji come in two halves."),
    "longline": _("One line of a million bytes."),
    "no-structure": _("Structured output is refused; anything else is answered."),
    "bad-json-then-ok": _("Structured output that is broken at first."),
    "always-bad-json": _("Structured output that is always broken."),
    "empty-list": _("A list of models with nothing in it; chats are answered."),
}
"""What each fault does, in an order for people."""
