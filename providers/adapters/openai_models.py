"""The model list of the chat completions dialect, with the extra fields that compatible servers add.

Context length: ``context_length`` (OpenRouter), ``max_model_len`` (vLLM), ``context_window`` (Groq). Capabilities:
``supported_parameters`` and ``architecture.input_modalities`` (OpenRouter), ``capabilities`` (Mistral).
"""

from collections.abc import Mapping
from typing import cast

import msgspec

from providers.adapters import failures
from providers.adapters.text import clean, count_of, decode, name_of
from providers.errors import BadResponse, ProviderError
from providers.types import Capability, ClientConfig, ModelInfo

MODEL_LIMIT = 10_000
Fields = Mapping[str, object]
ANYTHING: msgspec.json.Decoder[object] = msgspec.json.Decoder(object)
PARAMETERS = {
    "tools": Capability.TOOLS,
    "structured_outputs": Capability.JSON_SCHEMA,
    "response_format": Capability.JSON_MODE,
    "reasoning": Capability.REASONING,
    "temperature": Capability.SAMPLING,
}


def read_models(body: bytes, config: ClientConfig) -> list[ModelInfo]:
    """The models in the body of ``GET /models``, in its order. Raises ``ProviderError`` when there is no list."""
    try:
        return [model for item in items_of(body)[:MODEL_LIMIT] if (model := _model(item))]
    except ProviderError as error:
        failure = failures.from_exception(error, config=config)
    raise failure


def items_of(body: bytes) -> list[Fields]:
    """The objects of the list in ``body``, wherever the server put it. Raises ``BadResponse``."""
    if body.lstrip().startswith(b"<") or not body.strip():
        raise failures.from_success_body(body)
    value = decode(body, ANYTHING)
    if isinstance(value, Mapping):
        fields = cast("Fields", value)
        value = next((fields[name] for name in ("data", "models") if isinstance(fields.get(name), list)), None)
        if value is None:
            raise failures.from_success_body(body)
    if not isinstance(value, list):
        raise BadResponse(detail="There is no list of models at this address.")
    return [cast("Fields", item) for item in value if isinstance(item, Mapping)]


def _model(fields: Fields) -> ModelInfo | None:
    identity = name_of(fields.get("id") or fields.get("name"))
    if not identity:
        return None
    name = fields.get("display_name") or fields.get("name")
    return ModelInfo(
        id=identity,
        display_name=clean(name)[:200] if isinstance(name, str) else "",
        capabilities=_capabilities(fields),
        context_length=_first_count(fields, "context_length", "max_model_len", "context_window", "max_context_length"),
        max_output_tokens=_first_count(fields, "max_completion_tokens", "max_output_tokens")
        or _first_count(_inner(fields, "top_provider"), "max_completion_tokens"),
        lifecycle="deprecated" if fields.get("shutdown_date") else "active",
        shutdown_date=name_of(fields.get("shutdown_date"))[:10],
    )


def _capabilities(fields: Fields) -> dict[Capability, bool]:
    told: dict[Capability, bool] = {}
    parameters = fields.get("supported_parameters")
    if isinstance(parameters, list):
        told = {capability: name in parameters for name, capability in PARAMETERS.items()}
    modalities = _inner(fields, "architecture").get("input_modalities")
    if isinstance(modalities, list):
        told[Capability.VISION] = "image" in modalities
    given = _inner(fields, "capabilities")
    for name, capability in (("vision", Capability.VISION), ("function_calling", Capability.TOOLS)):
        if isinstance(given.get(name), bool):
            told[capability] = given[name] is True
    return told


def _inner(fields: Fields, name: str) -> Fields:
    value = fields.get(name)
    return cast("Fields", value) if isinstance(value, Mapping) else {}


def _first_count(fields: Fields, *names: str) -> int | None:
    return next((count for name in names if (count := count_of(fields.get(name)))), None)
