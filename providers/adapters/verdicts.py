"""What each exception class, HTTP status and word of an error body means, as tables."""

import ssl
from collections.abc import Mapping

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
    404: errors.ModelNotFound,
    408: errors.ProviderTimeout,
    413: errors.ContextTooLong,
    429: errors.RateLimited,
    503: errors.Overloaded,
    529: errors.Overloaded,
}

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

MODEL_WORDS = frozenset({"model_not_found", "model_not_available", "not_found_error"})
WORDS: Mapping[str, ErrorClass] = {
    **dict.fromkeys(
        (
            "insufficient_quota",
            "insufficient_balance",
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
    **dict.fromkeys(MODEL_WORDS, errors.ModelNotFound),
    **dict.fromkeys(
        ("invalid_api_key", "authentication_error", "api_key_invalid", "unauthenticated", "invalid_authentication"),
        errors.AuthFailed,
    ),
    **dict.fromkeys(
        ("permission_error", "permission_denied", "unsupported_country_region_territory"), errors.PermissionRefused
    ),
    **dict.fromkeys(("rate_limit_exceeded", "rate_limit_error", "resource_exhausted"), errors.RateLimited),
    **dict.fromkeys(
        ("overloaded_error", "engine_overloaded_error", "server_overloaded", "service_unavailable", "unavailable"),
        errors.Overloaded,
    ),
    **dict.fromkeys(("timeout_error", "gateway_timeout_error"), errors.ServerError),
    **dict.fromkeys(("server_error", "api_error", "internal_server_error", "internal_error"), errors.ServerError),
    **dict.fromkeys(("invalid_request_error", "invalid_request"), errors.InvalidRequest),
}
# Words that only repeat the status, or that vendors put on every refusal: the status says more than they do.
VAGUE = {errors.InvalidRequest, errors.ServerError, errors.RateLimited, errors.ModelNotFound}
SPECIFIC_WORDS = {word: kind for word, kind in WORDS.items() if kind not in VAGUE}
"""The words that are believed whatever the status says."""

CONTEXT_PHRASES = (
    "maximum context length",
    "context length exceeded",
    "context_length",
    "context window",
    "context size",
    "prompt is too long",
    "input is too long",
    "input token count",
)
KEY_PHRASES = ("api key not valid", "incorrect api key", "invalid api key")
QUOTA_PHRASES = ("insufficient balance", "exceeded your current quota", "credit balance is too low", "more credits")
