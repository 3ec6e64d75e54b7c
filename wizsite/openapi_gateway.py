"""The gateway in the OpenAPI document, read off the types of its bodies and off answers that its own code tells."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from agents.gateway.bodies import Strict
from agents.gateway.chat_answers import ChatForm
from agents.gateway.chat_body import ChatBody
from agents.gateway.embeddings import EmbeddingsBody
from agents.gateway.messages_answers import MessagesForm
from agents.gateway.messages_body import MessagesBody
from agents.gateway.models_list import example_model
from agents.gateway.questions import Form
from agents.gateway.responses_answers import ResponsesForm
from agents.gateway.responses_body import ResponsesBody
from agents.gateway.responses_questions import echo
from wizsite.openapi_samples import REFUSAL, events, question, wholes
from wizsite.openapi_shapes import REFERENCE, Schema, schema_of_body, schema_of_examples

MODEL: Final = "agent/guide"
SECURITY: Final[list[dict[str, list[str]]]] = [{"token": []}, {"gateway_key": []}]
MEANINGS: Final = {
    "400": "Something in the request is wrong: `param` names it. Or the host is not one that Wiz answers to.",
    "401": "The token is missing, unknown, expired or revoked.",
    "403": "The token's scopes or the provider's key do not allow this, or the site is for HTTPS only.",
    "404": "There is no such model, or it is not for the caller.",
    "405": "Another verb is meant.",
    "429": "Too many requests, or the provider's credit is used up; see Retry-After.",
}
OF_QUESTIONS: Final = {
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "502": "The provider failed; see `code`.",
    "503": "The provider is overloaded, busy or switched off.",
    "504": "The provider did not answer in time.",
}
CALLS: Final[Mapping[str, tuple[str, str, type[Strict]]]] = {
    "chat/completions": ("gateway_chat_completions", "OpenAI's chat completions, whole or as a stream.", ChatBody),
    "responses": ("gateway_responses", "OpenAI's responses; nothing is stored.", ResponsesBody),
    "messages": ("gateway_messages", "Anthropic's messages, whole or as a stream.", MessagesBody),
    "embeddings": ("gateway_embeddings", "Passed on to providers of OpenAI's dialect.", EmbeddingsBody),
}
FORMS: Final[Mapping[str, Callable[[], Form]]] = {
    "chat/completions": lambda: ChatForm(MODEL, includes_usage=True),
    "responses": lambda: ResponsesForm(MODEL, echo(ResponsesBody(model=MODEL, input="Hello"))),
    "messages": lambda: MessagesForm(MODEL, tells_thinking=False),
}
VECTORS: Final[Schema] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -0.2]}],
    "model": "my-provider/text-embedding-3-small",
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}
NAME: Final = {
    "in": "path",
    "name": "model",
    "required": True,
    "schema": {"type": "string", "minLength": 1},
    "description": "`agent/<slug>` or `<provider>/<model id>`; slashes may stand as they are.",
}


def document_gateway(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """The library's hook."""
    components = result["components"]
    components["securitySchemes"]["gateway_key"] = {"type": "apiKey", "in": "header", "name": "x-api-key"}
    components["schemas"] |= {
        "GatewayError": schema_of_examples(REFUSAL.openai_form()),
        "GatewayMessagesError": schema_of_examples(REFUSAL.anthropic_form()),
    }
    for path, (name, description, body) in CALLS.items():
        reference, parts = schema_of_body(body, f"Gateway{path.partition('/')[0].title()}")
        components["schemas"] |= parts
        operation = _operation(name, description, _answered(path), path)
        asked = {"schema": reference, "examples": {"hello": {"value": question()[path]}}}
        operation["requestBody"] = {"required": True, "content": {"application/json": asked}}
        result["paths"][f"/v1/{path}"] = {"post": operation}
    model = example_model(MODEL)
    models = {"object": "list", "data": [model], "has_more": False, "first_id": MODEL, "last_id": MODEL}
    listing = _operation("gateway_models", "Agents and models that the caller may ask.", _json(models), "models")
    single = _operation("gateway_model", "One of them.", _json(model), "models")
    result["paths"]["/v1/models"] = {"get": listing}
    result["paths"]["/v1/models/{model}"] = {"get": {**single, "parameters": [NAME]}}
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _answered(path: str) -> Schema:
    if path not in FORMS:
        return _json(VECTORS)
    answers = wholes(FORMS[path])
    stream = {"schema": {"type": "string"}, "example": events(FORMS[path])}
    return {**_json(*answers), "text/event-stream": stream}


def _json(*answers: object) -> Schema:
    return {"application/json": {"schema": schema_of_examples(*answers), "example": answers[0]}}


def _operation(name: str, description: str, content: Schema, path: str) -> Schema:
    refusals = dict(sorted((MEANINGS | (OF_QUESTIONS if path in CALLS else {})).items()))
    answers = {status: _refusal(status, meaning, path) for status, meaning in refusals.items()}
    return {
        "operationId": name,
        "description": description,
        "tags": ["gateway"],
        "security": SECURITY,
        "responses": {"200": {"description": "The answer.", "content": content}} | answers,
    }


def _refusal(status: str, meaning: str, path: str) -> Schema:
    is_anthropic = path == "messages"
    form = REFUSAL.anthropic_form() if is_anthropic else REFUSAL.openai_form()
    reference = {"$ref": f"{REFERENCE}{'GatewayMessagesError' if is_anthropic else 'GatewayError'}"}
    answer: Schema = {"description": meaning, "content": {"application/json": {"schema": reference}}}
    if status == "400":
        answer["content"]["application/json"]["example"] = form
    if status == "429":
        answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return answer
