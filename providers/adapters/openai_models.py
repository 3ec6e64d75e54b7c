"""The model list of the chat completions dialect, with the extra fields that compatible servers add.

| fact | field and who tells it |
|---|---|
| context length | ``context_length`` OpenRouter, Together, Fireworks · ``max_model_len`` vLLM · ``context_window`` Groq, Vercel · ``loaded_context_length`` and ``max_context_length`` LM Studio · the latter Mistral too · ``meta.n_ctx`` llama.cpp |
| prices | ``pricing`` OpenRouter, Together, Vercel |
| its end | ``shutdown_date`` OpenAI · ``expiration_date`` OpenRouter · ``deprecation`` Mistral, Azure · ``active`` Groq |
| capabilities | ``supported_parameters`` and ``architecture`` OpenRouter · ``capabilities`` Mistral, LM Studio · ``supports_…`` Fireworks |
| whether it chats | ``architecture.output_modalities`` OpenRouter · ``capabilities`` Mistral, Azure · ``type`` Together, LM Studio, Vercel · ``supports_chat`` Fireworks |
"""  # noqa: E501 - a table

from collections.abc import Mapping
from typing import Final, Literal, cast

import msgspec

from providers.adapters import failures
from providers.adapters.model_fields import Fields, day_of, first_count, flag_of, inner, prices_of, told, words_of
from providers.adapters.text import clean, decode, name_of
from providers.errors import BadResponse, ProviderError
from providers.types import Capability, ClientConfig, ModelInfo

MODEL_LIMIT = 10_000
ANYTHING: msgspec.json.Decoder[object] = msgspec.json.Decoder(object)
PARAMETERS = {
    "tools": Capability.TOOLS,
    "structured_outputs": Capability.JSON_SCHEMA,
    "response_format": Capability.JSON_MODE,
    "reasoning": Capability.REASONING,
    "temperature": Capability.SAMPLING,
}
CHAT_TYPES: Final = {"chat", "llm", "vlm"}
OTHER_TYPES: Final = {
    "audio", "embedding", "embeddings", "image", "moderation", "rerank", "reranking", "speech", "transcribe",
    "transcription", "video",
}  # fmt: skip


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
    ends_on = _end(fields)
    return ModelInfo(
        id=identity,
        display_name=clean(name)[:200] if isinstance(name, str) else "",
        capabilities=_capabilities(fields),
        context_length=_context(fields),
        max_output_tokens=first_count(fields, "max_completion_tokens", "max_output_tokens")
        or first_count(inner(fields, "top_provider"), "max_completion_tokens"),
        lifecycle=_lifecycle(fields, ends_on),
        shutdown_date=ends_on,
        is_chat=_is_chat(fields),
        **prices_of(fields),
    )


def _context(fields: Fields) -> int | None:
    names = ("context_length", "max_model_len", "context_window", "loaded_context_length", "max_context_length")
    return first_count(fields, *names) or first_count(inner(fields, "meta"), "n_ctx", "n_ctx_train")


def _end(fields: Fields) -> str:
    """The day after which the model answers no more, as an ISO date."""
    days = [day_of(fields.get(name)) for name in ("shutdown_date", "expiration_date", "deprecation")]
    days.append(day_of(inner(fields, "deprecation").get("inference")))
    return next((day for day in days if day), "")


def _lifecycle(fields: Fields, ends_on: str) -> Literal["active", "deprecated", "retired"]:
    if fields.get("active") is False:
        return "retired"
    return "deprecated" if ends_on else "active"


def _capabilities(fields: Fields) -> dict[Capability, bool]:
    parameters = words_of(fields, "supported_parameters")
    modalities = words_of(inner(fields, "architecture"), "input_modalities")
    named = words_of(fields, "capabilities")
    flags = inner(fields, "capabilities")
    found: dict[Capability, bool] = {}
    if parameters is not None:
        found = {capability: name in parameters for name, capability in PARAMETERS.items()}
    if modalities is not None:
        found[Capability.VISION] = "image" in modalities
    if named is not None:
        found[Capability.TOOLS] = "tool_use" in named
    if (kind := name_of(fields.get("type"))) in {"llm", "vlm"}:
        found[Capability.VISION] = kind == "vlm"
    return found | told(
        {
            Capability.VISION: _either(flag_of(flags, "vision"), flag_of(fields, "supports_image_input")),
            Capability.TOOLS: _either(flag_of(flags, "function_calling"), flag_of(fields, "supports_tools")),
        }
    )


def _is_chat(fields: Fields) -> bool | None:
    """``None`` when the server does not tell; then the name has to."""
    flags = inner(fields, "capabilities")
    outputs = words_of(inner(fields, "architecture"), "output_modalities")
    kind = name_of(fields.get("type"))
    if kind in OTHER_TYPES or (outputs is not None and "text" not in outputs):
        return False
    # Mistral's readers of scans call themselves chat models, and refuse to chat.
    if flag_of(flags, "ocr", "audio_transcription"):
        return None
    by_flag = _either(flag_of(flags, "completion_chat", "chat_completion"), flag_of(fields, "supports_chat"))
    return True if by_flag is None and kind in CHAT_TYPES else by_flag


def _either(first: bool | None, second: bool | None) -> bool | None:
    return second if first is None else first
