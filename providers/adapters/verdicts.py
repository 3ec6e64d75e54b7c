"""What each exception class, HTTP status and word of an error body means, as tables."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import anthropic
import httpx2
import openai

from providers import errors

ErrorClass = type[errors.ProviderError]

STATUSES: Mapping[int, ErrorClass] = {
    400: errors.InvalidRequest,
    401: errors.AuthFailed,
    402: errors.QuotaExceeded,
    403: errors.PermissionRefused,
    408: errors.ProviderTimeout,
    413: errors.ContextTooLong,
    429: errors.RateLimited,
    498: errors.Overloaded,  # Groq: the flexible tier has no capacity left
    499: errors.ConnectionFailed,  # a proxy on the way saw the connection end
    501: errors.InvalidRequest,
    503: errors.Overloaded,
    504: errors.ProviderTimeout,
    524: errors.ProviderTimeout,  # Cloudflare's 504
    529: errors.Overloaded,
}
"""What a status says when the body says nothing; any other is a ``ServerError`` from 500, else ``InvalidRequest``."""

EXCEPTIONS: Mapping[type[BaseException], ErrorClass] = {
    httpx2.ConnectError: errors.ConnectionFailed,
    httpx2.TimeoutException: errors.ProviderTimeout,
    httpx2.NetworkError: errors.ConnectionFailed,
    httpx2.ProxyError: errors.ConnectionFailed,
    httpx2.RemoteProtocolError: errors.BadResponse,
    httpx2.DecodingError: errors.BadResponse,
    httpx2.TooManyRedirects: errors.InvalidRequest,
    httpx2.LocalProtocolError: errors.InvalidRequest,
    httpx2.UnsupportedProtocol: errors.InvalidRequest,
    httpx2.InvalidURL: errors.InvalidRequest,
    httpx2.StreamError: errors.BadResponse,
    httpx2.SSEError: errors.BadResponse,
    httpx2.CookieConflict: errors.BadResponse,
    httpx2.HTTPError: errors.ConnectionFailed,
    openai.APITimeoutError: errors.ProviderTimeout,
    openai.APIConnectionError: errors.ConnectionFailed,
    openai.APIResponseValidationError: errors.BadResponse,
    openai.LengthFinishReasonError: errors.Incomplete,
    openai.ContentFilterFinishReasonError: errors.ContentFiltered,
    openai.OpenAIError: errors.InvalidRequest,
    anthropic.APITimeoutError: errors.ProviderTimeout,
    anthropic.APIConnectionError: errors.ConnectionFailed,
    anthropic.APIResponseValidationError: errors.BadResponse,
    anthropic.AnthropicError: errors.InvalidRequest,
    ssl.SSLError: errors.ConnectionFailed,
    TimeoutError: errors.ProviderTimeout,
    OSError: errors.ConnectionFailed,
    ValueError: errors.BadResponse,
    RecursionError: errors.BadResponse,
    EOFError: errors.ConnectionFailed,
}

MODEL_WORDS = frozenset(
    {"model_not_found", "model_not_available", "model_decommissioned", "deploymentnotfound", "invalid_model"}
)
WORDS: Mapping[str, ErrorClass] = {
    **dict.fromkeys(
        (
            "insufficient_quota",
            "insufficient_balance",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "billing_not_active",
            "billing_error",
            "exceeded_current_quota_error",
            "quota_exceeded",
            "contract_spend_limit_reached",
            "enforced_spend_limit_reached",
            "linked_organization_spend_limit_reached",
            "linked_organization_billing_unavailable",
        ),
        errors.QuotaExceeded,
    ),
    **dict.fromkeys(
        ("context_length_exceeded", "exceed_context_size_error", "string_above_max_length", "request_too_large"),
        errors.ContextTooLong,
    ),
    **dict.fromkeys(
        ("content_filter", "content_policy_violation", "data_inspection_failed", "moderation_blocked"),
        errors.ContentFiltered,
    ),
    **dict.fromkeys(MODEL_WORDS | {"not_found_error"}, errors.ModelNotFound),
    **dict.fromkeys(
        ("invalid_api_key", "authentication_error", "api_key_invalid", "unauthenticated", "invalid_authentication"),
        errors.AuthFailed,
    ),
    **dict.fromkeys(
        (
            "permission_error",
            "permission_denied",
            "unsupported_country_region_territory",
            "organization_restricted",
            "organization_on_hold",
        ),
        errors.PermissionRefused,
    ),
    **dict.fromkeys(("rate_limit_exceeded", "rate_limit_error", "resource_exhausted"), errors.RateLimited),
    **dict.fromkeys(
        (
            "overloaded_error",
            "engine_overloaded_error",
            "server_overloaded",
            "server_is_overloaded",
            "service_unavailable",
            "service_tier_capacity_exceeded",
            "capacity_exceeded",
            "unavailable",
            "unavailable_error",
        ),
        errors.Overloaded,
    ),
    **dict.fromkeys(("timeout_error", "gateway_timeout_error", "deadline_exceeded"), errors.ProviderTimeout),
    **dict.fromkeys(
        ("server_error", "api_error", "internal_server_error", "internalservererror", "internal_error", "internal"),
        errors.ServerError,
    ),
    **dict.fromkeys(("invalid_request_error", "invalid_request"), errors.InvalidRequest),
}
# Words that only repeat the status, or that vendors put on every refusal: the status says more than they do.
VAGUE = {errors.InvalidRequest, errors.ServerError, errors.RateLimited, errors.ModelNotFound}
SPECIFIC_WORDS = {word: kind for word, kind in WORDS.items() if kind not in VAGUE}
"""The words that are believed whatever the status says."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Parts of a message (in lower case) that mean ``kind`` when they come with one of the statuses."""

    kind: ErrorClass
    statuses: frozenset[int | None]
    phrases: tuple[str, ...]


QUOTA_PHRASES = (
    "insufficient balance",
    "exceeded your current quota",
    "credit balance is too low",
    "more credits",
    "available credits",
    "any credits",
    "usage limit",
    "spending limit",
)
MODEL_PHRASES = ("model not exist", "not a valid model", "invalid model", "no endpoints found", "no models loaded")
PHRASES = (
    Phrases(
        errors.ContextTooLong,
        frozenset({None, 400, 422, 500}),
        (
            "context length",
            "context_length",
            "context window",
            "context size",
            "prompt is too long",
            "input is too long",
            "input token count",
            "max_tokens must be at least 1, got -",  # vLLM, when the prompt leaves no room for an answer
        ),
    ),
    # A single request beyond the limit per minute: no waiting makes it fit.
    Phrases(errors.ContextTooLong, frozenset({429}), ("request too large",)),
    Phrases(errors.AuthFailed, frozenset({400}), ("api key not valid", "incorrect api key", "invalid api key")),
    Phrases(errors.PermissionRefused, frozenset({400}), ("location is not supported",)),
    Phrases(errors.ContentFiltered, frozenset({400}), ("content exists risk",)),
    Phrases(errors.ContentFiltered, frozenset({403}), ("moderation", "flagged")),
)
"""For servers that say in words what others say in codes; the first row that fits counts."""
