"""Which refusals each call of the REST API can answer with, for the OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

ERROR: Final = {
    "type": "object",
    "description": "The one shape of every error.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "detail"],
            "properties": {
                "code": {"type": "string", "description": "For programs; the codes of providers' errors among them."},
                "message": {"type": "string", "description": "A sentence for people."},
                "detail": {"description": "For validation_error the messages by field; for providers a next step."},
            },
        }
    },
}
MEANINGS: Final = {
    "304": "Not changed since.",
    "400": "Something in the request is wrong; see detail.",
    "401": "No valid token and no session.",
    "402": "The provider's credit is used up.",
    "403": "The token's scopes or the caller's rights do not allow this, or the CSRF token is missing.",
    "404": "There is no such object for the caller, or no such model.",
    "406": "The answer is JSON, and the caller accepts none.",
    "409": "Not now: a run is active, the provider cannot be used, or the picture was sent already.",
    "412": "Changed by somebody else since the ETag was read.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "Understood, but impossible: a used key, missing secrets, nothing to go on with, no picture.",
    "429": "Too many requests, or too many runs; see Retry-After.",
    "502": "The provider failed; see code.",
    "503": "The provider is overloaded or busy.",
    "504": "The provider did not answer in time.",
}
ALWAYS: Final = ("400", "401", "403", "404", "406", "429")
WITH_BODY: Final = ("413", "415")
OF_PROVIDERS: Final = ("402", "409", "502", "503", "504")
OF_RUNS: Final = ("409", "422")
ASKING: Final = ("/test/", "/generate/", "/refresh/")
SENDING: Final = ("/messages/", "/generations/")
ALSO: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("/api/v1/attachments/", "post"): ("422",),
    ("/api/v1/attachments/{id}/", "delete"): ("409",),
}


def document_errors(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """The library's hook: add the refusals to every call."""
    result["components"]["schemas"]["Error"] = ERROR
    for path, verbs in result["paths"].items():
        for verb, operation in verbs.items():
            for status in _refusals(path, verb, operation):
                operation["responses"].setdefault(status, _answer(status))
    return result


def _refusals(path: str, verb: str, operation: dict[str, Any]) -> Iterator[str]:
    headers = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter["in"] == "header"}
    yield from ALWAYS
    yield from ALSO.get((path, verb), ())
    if verb in {"post", "patch"}:
        yield from WITH_BODY
        if any(part in path for part in ASKING):
            yield from OF_PROVIDERS
        if any(part in path for part in SENDING):
            yield from OF_RUNS
    if "If-Match" in headers:
        yield "412"
    if "If-None-Match" in headers:
        yield "304"
    if "Idempotency-Key" in headers or verb == "patch":
        yield "422"


def _answer(status: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": MEANINGS[status]}
    if status != "304":
        answer["content"] = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    if status == "429":
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return answer
