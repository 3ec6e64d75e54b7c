"""What a model takes: parameters it does not take are left out by name, what cannot be left out is refused."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID

from providers import adapters, families
from providers.errors import RequestRefused
from providers.models import Provider, ProviderModel
from providers.types import Capability, ChatRequest, ImagePart

# The parameters that depend on what the model can do.
NEEDS: Final = {
    "temperature": Capability.SAMPLING,
    "top_p": Capability.SAMPLING,
    "reasoning_effort": Capability.REASONING,
}
LEFT_OUT: Final[Mapping[str, object]] = {
    "temperature": None,
    "top_p": None,
    "reasoning_effort": None,
    "seed": None,
    "stop": (),
    "json_mode": False,
}
PARAMETERS: Final = frozenset({"temperature", "top_p", "max_tokens", "reasoning_effort"})
LONGEST_ANSWER: Final = 32_000
"""Tokens that are asked for at most where the caller leaves the limit open and the dialect demands one."""


Fitted = tuple[ChatRequest, tuple[str, ...]]


def fit_request(provider: Provider, request: ChatRequest) -> Fitted:
    """The request as this provider's model takes it, and the names of the parameters that were left out.

    Raises ``RequestRefused`` for images that the model cannot see, tools that it cannot call, a schema that it cannot
    be held to, and log probabilities that it does not tell. Reads the catalogue.
    """
    return fit_request_by_kind(provider.pk, provider.kind, request)


def fit_request_by_kind(provider_id: UUID | str, kind: str, request: ChatRequest) -> Fitted:
    """As ``fit_request``, for callers that hold no row of the provider."""
    return fit_request_to_row(
        kind, ProviderModel.objects.filter(provider_id=provider_id, model_id=request.model).first(), request
    )


def fit_request_to_row(kind: str, row: ProviderModel | None, request: ChatRequest) -> Fitted:
    """As ``fit_request``, for callers that hold the model's row of the catalogue, if there is one; reads nothing."""
    told: Mapping[str, bool] = row.capabilities if row else _known(request.model)
    if "logprobs" in adapters.dropped_fields(kind, request):
        detail = f"logprobs: {adapters.KINDS[kind].label} tells none. Leave them out, or choose another model."
        raise RequestRefused(detail=detail, model=request.model)
    _require(told, request)
    dropped = _dropped(kind, told, request)
    kept = replace(request, **{name: LEFT_OUT[name] for name in dropped})  # type: ignore[arg-type]
    return _with_limit(kind, row, kept), dropped


def taken_parameters(kind: str, model: str, row: ProviderModel | None) -> frozenset[str]:
    """Which parameters of an agent the model takes, by its row of the catalogue if there is one; reads nothing."""
    told: Mapping[str, bool] = row.capabilities if row else _known(model)
    asked = ChatRequest(model=model, messages=(), temperature=1.0, top_p=1.0, max_tokens=1, reasoning_effort="medium")
    return PARAMETERS - frozenset(_dropped(kind, told, asked))


def told_capabilities(provider_id: UUID | str, model: str) -> Mapping[str, bool]:
    """What is told, or known beforehand, of a model by the names of ``Capability``; nothing where nobody knows."""
    row = ProviderModel.objects.filter(provider_id=provider_id, model_id=model).first()
    return row.capabilities if row else _known(model)


def takes_images(provider: Provider, model: str) -> bool:
    """Whether images may be sent to this model: unless it is known to see none. Reads the catalogue."""
    return told_capabilities(provider.pk, model).get(str(Capability.VISION)) is not False


def takes_schema(model: str, row: ProviderModel | None) -> bool:
    """Whether the model may be held to a JSON schema: unless it is known not to take one; reads nothing."""
    told: Mapping[str, bool] = row.capabilities if row else _known(model)
    return told.get(str(Capability.JSON_SCHEMA)) is not False


def _dropped(kind: str, told: Mapping[str, bool], request: ChatRequest) -> tuple[str, ...]:
    by_dialect = set(adapters.dropped_fields(kind, request))
    by_model = {
        name
        for name, capability in NEEDS.items()
        if getattr(request, name) is not None and told.get(str(capability)) is False
    }
    return tuple(name for name in LEFT_OUT if name in by_dialect | by_model)


def _require(told: Mapping[str, bool], request: ChatRequest) -> None:
    if told.get(str(Capability.VISION)) is False and _has_images(request):
        detail = f"{request.model} cannot see images. Choose a model that can, or leave the images out."
        raise RequestRefused(detail=detail, model=request.model)
    if told.get(str(Capability.TOOLS)) is False and request.tools:
        detail = f"{request.model} cannot call tools. Choose a model that can, or leave the tools out."
        raise RequestRefused(detail=detail, model=request.model)
    if told.get(str(Capability.JSON_SCHEMA)) is False and request.response_schema is not None:
        detail = f"{request.model} cannot be held to a JSON schema. Ask for plain JSON, or choose another model."
        raise RequestRefused(detail=detail, model=request.model)


def _has_images(request: ChatRequest) -> bool:
    contents = (message.content for message in request.messages)
    return any(isinstance(part, ImagePart) for parts in contents if not isinstance(parts, str) for part in parts)


def _with_limit(kind: str, row: ProviderModel | None, request: ChatRequest) -> ChatRequest:
    """Nothing is changed where nothing is known: the adapter has a limit that every current model takes."""
    demanded = kind in adapters.KINDS and adapters.KINDS[kind].needs_max_tokens
    if not demanded or request.max_tokens is not None or row is None or not row.max_output_tokens:
        return request
    return replace(request, max_tokens=min(row.max_output_tokens, LONGEST_ANSWER))


def _known(model: str) -> Mapping[str, bool]:
    return {str(capability): told for capability, told in families.known_capabilities(model).items()}
