"""What the gateway answers when it does not answer: one refusal, in the shape and with the status of each dialect.

The official clients choose their exception by the status, and look at ``code`` and ``x-should-retry``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from rest_framework.exceptions import APIException, Throttled

from providers.errors import ProviderError, ProviderUnavailable, RequestRefused

LEAST_WAIT: Final = 1  # second; what 429 asks for when nobody says how long


@dataclass(eq=False)
class Refused(Exception):
    """An answer other than the one that was asked for. ``kind`` and ``code`` are OpenAI's words."""

    status: int
    message: str
    kind: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    retry_after: float | None = None
    is_retryable: bool = False

    def openai_form(self) -> dict[str, object]:
        """The body in OpenAI's shape; clients want all four fields."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return {"error": error}

    def anthropic_form(self) -> dict[str, object]:
        """The body in Anthropic's shape."""
        kind = ANTHROPIC_KINDS.get(self.status, "api_error" if self.status >= 500 else "invalid_request_error")
        return {"type": "error", "error": {"type": kind, "message": self.message}}

    def headers(self) -> Mapping[str, str]:
        """``Retry-After`` for who comes too often, and whether trying again makes sense."""
        told = {"x-should-retry": "true" if self.is_retryable else "false"}
        if self.status == 429 and (self.is_retryable or self.retry_after):
            told["retry-after"] = str(max(LEAST_WAIT, round(self.retry_after or 0)))
        return told


ANTHROPIC_KINDS: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}


class Verdict(NamedTuple):
    """How a provider's failure is told."""

    status: int
    kind: str
    code: str


PARAMETERS: Final = frozenset(
    {"temperature", "top_p", "max_tokens", "seed", "stop", "reasoning_effort", "tools", "tool_choice", "logprobs"}
)
VERDICTS: Final[Mapping[str, Verdict]] = {
    "rate_limit": Verdict(429, "rate_limit_error", "rate_limit_exceeded"),
    "budget_exceeded": Verdict(429, "insufficient_quota", "budget_exceeded"),
    "quota_exceeded": Verdict(429, "insufficient_quota", "insufficient_quota"),
    "permission_denied": Verdict(403, "permission_error", "permission_denied"),
    "model_not_found": Verdict(404, "invalid_request_error", "model_not_found"),
    "invalid_request": Verdict(400, "invalid_request_error", "invalid_request"),
    "invalid_schema": Verdict(400, "invalid_request_error", "invalid_schema"),
    "context_length": Verdict(400, "invalid_request_error", "context_length_exceeded"),
    "content_filtered": Verdict(400, "invalid_request_error", "content_filter"),
    "timeout": Verdict(504, "server_error", "timeout"),
    "overloaded": Verdict(503, "server_error", "overloaded"),
    "provider_busy": Verdict(503, "server_error", "provider_busy"),
}


def error_form(path: str, refusal: Refused, *, is_anthropic: bool = False) -> dict[str, object]:
    """The body in the shape of the dialect that is spoken at the path, which is what follows ``/v1/``."""
    if is_anthropic or path.startswith("messages"):
        return refusal.anthropic_form()
    return refusal.openai_form()


def from_provider(error: ProviderError, *, tells_detail: bool) -> Refused:
    """A provider's failure. Its own words are left out where they might repeat what the caller may not read."""
    fallback = Verdict(503 if isinstance(error, ProviderUnavailable) else 502, "server_error", error.code)
    status, kind, code = VERDICTS.get(error.code, fallback)
    if isinstance(error, RequestRefused):
        return Refused(status, error.detail, kind, _param(error.detail), code)
    detail = f" {error.detail}" if tells_detail and error.detail else ""
    return Refused(
        status,
        f"{error.message}{detail} {error.hint}",
        kind,
        "model" if status == 404 else None,
        code,
        retry_after=error.retry_after,
        is_retryable=error.retryable,
    )


def from_admission(error: APIException) -> Refused:
    """A token that is not accepted, or not for this."""
    message = str(error.detail)
    if isinstance(error, Throttled):
        return Refused(
            429,
            message,
            "rate_limit_error",
            code="rate_limit_exceeded",
            retry_after=getattr(error, "wait", None),
            is_retryable=True,
        )
    if error.status_code == 401:
        return Refused(401, message, code="invalid_api_key")
    return Refused(error.status_code, message, "permission_error", code=str(error.get_codes()))


def no_model(name: str) -> Refused:
    """There is no such model, or it is not for the caller."""
    message = (
        f"The model '{name[:200]}' does not exist or you do not have access to it. "
        "Models are called agent/<slug> or <provider>/<model>; GET /v1/models lists them."
    )
    return Refused(404, message, param="model", code="model_not_found")


def _param(sentence: str) -> str | None:
    """The parameter that a sentence begins with."""
    first = sentence.partition(" ")[0].rstrip(":")
    return first if first in PARAMETERS or first.startswith("messages[") else None
