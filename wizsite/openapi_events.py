"""The events of a run in the OpenAPI document: the one address that is no view of REST framework's."""

from typing import Any, Final

PATH: Final = "/api/v1/generations/{id}/events/"
EXAMPLE: Final = (
    'id: 1766570000000-0\nevent: text-delta\ndata: {"offset":0,"text":"Hello"}\n\n'
    'id: 1766570000000-1\nevent: generation-end\ndata: {"status":"completed","finish_reason":"stop"}\n\n'
)
OPERATION: Final[dict[str, Any]] = {
    "operationId": "generations_events",
    "description": (
        "Server-sent events of a run, from the start or behind Last-Event-ID, during the run and after it; ends with "
        "generation-end. The events are generation-start, attempt-start {attempt, reason}, text-delta and "
        "reasoning-delta {offset, text}, notice, generation-end {status, finish_reason, usage, error}. The text-deltas "
        "of the last attempt, put together, are the stored answer."
    ),
    "parameters": [
        {"in": "path", "name": "id", "required": True, "schema": {"type": "string", "format": "uuid"}},
        {
            "in": "header",
            "name": "Last-Event-ID",
            "schema": {"type": "string"},
            "description": "The id of the last event that was read.",
        },
    ],
    "tags": ["generations"],
    "security": [{"token": []}, {"session": []}],
    "responses": {
        "200": {
            "description": "The events.",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
        }
    },
}


def document_events(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """The library's hook."""
    result["paths"][PATH] = {"get": {**OPERATION, "responses": dict(OPERATION["responses"])}}
    result["paths"] = dict(sorted(result["paths"].items()))
    return result
