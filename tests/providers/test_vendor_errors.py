"""The refusals of the vendors, in the shapes that their documentation and their servers give (P10, P11)."""

import httpx2
import openai
import pytest

from providers import errors
from providers.adapters import failures
from tests.providers.wire import config

CONFIG = config("http://127.0.0.1:1")
REQUEST = httpx2.Request("POST", "http://127.0.0.1:1/v1")


def openai_body(message: str, kind: str | None = "invalid_request_error", code: object = None) -> object:
    """Also Groq's, DeepSeek's, Azure's and that of Ollama's compatible endpoint."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic_body(kind: str, message: str = "No.", code: str = "") -> object:
    details = {"details": {"error_code": code}} if code else {}
    return {"type": "error", "error": {"type": kind, "message": message, **details}, "request_id": "req_1"}


def vllm_body(message: str, kind: str, code: int) -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def flat_body(message: object, kind: str, code: object = None) -> object:
    """Older vLLM, and Mistral."""
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def router_body(code: int, message: str, **metadata: object) -> object:
    return {"error": {"code": code, "message": message, "metadata": metadata}, "user_id": "user_1"}


def llama_body(code: int, message: str, kind: str, **more: object) -> object:
    return {"error": {"code": code, "message": message, "type": kind, **more}}


def google_body(code: int, status: str, message: str, *details: object) -> object:
    return [{"error": {"code": code, "message": message, "status": status, "details": list(details)}}]


def google_quota(quota: str) -> object:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]}


GOOGLE_QUOTA = "You exceeded your current quota, please check your plan and billing details."
GOOGLE_WAIT = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "31.5s"}

REFUSALS: list[tuple[str, int, object, str]] = [
    ("OpenAI", 400, openai_body("Unsupported value: 'temperature'.", code="unsupported_value"), "invalid_request"),
    ("OpenAI", 400, openai_body("Input too long.", code="context_length_exceeded"), "context_length"),
    ("OpenAI", 400, openai_body("Too long.", code="string_above_max_length"), "context_length"),
    ("OpenAI", 400, openai_body("Invalid prompt.", code="content_policy_violation"), "content_filtered"),
    ("OpenAI", 401, openai_body("Incorrect API key provided: sk-1***2.", code="invalid_api_key"), "auth_failed"),
    ("OpenAI", 401, openai_body("You must be a member of an organization."), "auth_failed"),
    ("OpenAI", 401, openai_body("IP not authorized.", code="ip_not_authorized"), "auth_failed"),
    (
        "OpenAI",
        403,
        openai_body("Not here.", "request_forbidden", "unsupported_country_region_territory"),
        "permission_denied",
    ),
    ("OpenAI", 403, openai_body("Project may not use model.", code="model_not_found"), "permission_denied"),
    ("OpenAI", 404, openai_body("The model `gpt-x` does not exist.", code="model_not_found"), "model_not_found"),
    ("OpenAI", 404, openai_body("Invalid URL (POST /v1/chat/complete)"), "invalid_request"),
    ("OpenAI", 429, openai_body("Slow down.", "requests", "rate_limit_exceeded"), "rate_limit"),
    ("OpenAI", 429, openai_body("Ramp up slowly.", "rate_limit_error", "slow_down"), "rate_limit"),
    ("OpenAI", 429, openai_body("No money.", "insufficient_quota", "insufficient_quota"), "quota_exceeded"),
    ("OpenAI", 429, openai_body("No money.", "insufficient_quota", "credit_balance_exhausted"), "quota_exceeded"),
    ("OpenAI", 429, openai_body("You exceeded your current quota.", None), "quota_exceeded"),
    (
        "OpenAI",
        429,
        openai_body(
            "Request too large for gpt-x on tokens per min: Limit 9, Requested 12.", "tokens", "rate_limit_exceeded"
        ),
        "context_length",
    ),
    ("OpenAI", 500, openai_body("The server had an error.", "server_error"), "server_error"),
    ("OpenAI", 503, openai_body("Overloaded.", "service_unavailable_error", "server_is_overloaded"), "overloaded"),
    ("Anthropic", 400, anthropic_body("invalid_request_error", "messages: at least one"), "invalid_request"),
    (
        "Anthropic",
        400,
        anthropic_body("invalid_request_error", "prompt is too long: 210000 > 200000"),
        "context_length",
    ),
    ("Anthropic", 400, anthropic_body("invalid_request_error", "Your credit balance is too low"), "quota_exceeded"),
    (
        "Anthropic",
        400,
        anthropic_body("invalid_request_error", "You have reached your specified API usage limits."),
        "quota_exceeded",
    ),
    ("Anthropic", 401, anthropic_body("authentication_error", "invalid x-api-key"), "auth_failed"),
    ("Anthropic", 402, anthropic_body("billing_error"), "quota_exceeded"),
    ("Anthropic", 403, anthropic_body("permission_error"), "permission_denied"),
    ("Anthropic", 404, anthropic_body("not_found_error", "model: claude-x"), "model_not_found"),
    ("Anthropic", 404, anthropic_body("not_found_error", "Not Found"), "invalid_request"),
    ("Anthropic", 413, anthropic_body("request_too_large"), "context_length"),
    ("Anthropic", 429, anthropic_body("rate_limit_error"), "rate_limit"),
    ("Anthropic", 429, anthropic_body("rate_limit_error", code="enforced_spend_limit_reached"), "quota_exceeded"),
    ("Anthropic", 500, anthropic_body("api_error"), "server_error"),
    ("Anthropic", 504, anthropic_body("timeout_error"), "timeout"),
    ("Anthropic", 529, anthropic_body("overloaded_error"), "overloaded"),
    ("DeepSeek", 400, openai_body("Model Not Exist", code="invalid_request_error"), "model_not_found"),
    ("DeepSeek", 400, openai_body("This model's maximum context length is 65536 tokens."), "context_length"),
    ("DeepSeek", 400, openai_body("Content Exists Risk"), "content_filtered"),
    (
        "DeepSeek",
        401,
        openai_body("Authentication Fails", "authentication_error", "invalid_request_error"),
        "auth_failed",
    ),
    ("DeepSeek", 402, openai_body("Insufficient Balance", "unknown_error", "invalid_request_error"), "quota_exceeded"),
    ("DeepSeek", 422, "Failed to deserialize the JSON body: missing field `messages`", "invalid_request"),
    ("DeepSeek", 429, openai_body("Rate limit reached", "rate_limit_reached_error"), "rate_limit"),
    ("DeepSeek", 500, openai_body("Internal", "api_error"), "server_error"),
    ("DeepSeek", 503, openai_body("Service is too busy.", "service_unavailable_error"), "overloaded"),
    ("vLLM", 400, vllm_body("Unknown role.", "BadRequestError", 400), "invalid_request"),
    ("vLLM", 400, vllm_body("You passed 9 tokens; the model's context length is only 8.", "x", 400), "context_length"),
    ("vLLM", 400, vllm_body("max_tokens must be at least 1, got -344.", "BadRequestError", 400), "context_length"),
    ("vLLM", 400, flat_body("This model's maximum context length is 8192.", "BadRequestError", 400), "context_length"),
    ("vLLM", 401, {"error": "Unauthorized"}, "auth_failed"),
    ("vLLM", 404, vllm_body("The model `x` does not exist.", "NotFoundError", 404), "model_not_found"),
    ("vLLM", 404, flat_body("The model `x` does not exist.", "NotFoundError", 404), "model_not_found"),
    ("vLLM", 404, {"detail": "Not Found"}, "invalid_request"),
    ("vLLM", 422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, "invalid_request"),
    ("vLLM", 500, vllm_body("EngineCore encountered an issue.", "InternalServerError", 500), "server_error"),
    ("Ollama", 400, openai_body("registry.ollama.ai/library/x does not support tools", "api_error"), "invalid_request"),
    ("Ollama", 401, {"error": "unauthorized"}, "auth_failed"),
    ("Ollama", 403, {"error": "this model requires a subscription"}, "permission_denied"),
    ("Ollama", 404, {"error": "model 'llama9' not found"}, "model_not_found"),
    ("Ollama", 404, openai_body('model "llama9" not found, try pulling it first', "api_error"), "model_not_found"),
    ("Ollama", 404, "404 page not found", "invalid_request"),
    ("Ollama", 429, {"error": "you have reached your weekly usage limit"}, "quota_exceeded"),
    ("Ollama", 500, openai_body("model requires more system memory than is available", "api_error"), "server_error"),
    ("Ollama", 503, {"error": "server busy, please try again. maximum pending requests exceeded"}, "overloaded"),
    ("OpenRouter", 400, router_body(400, "x/y is not a valid model ID"), "model_not_found"),
    ("OpenRouter", 400, router_body(400, "Provider returned error", raw="bad tool"), "invalid_request"),
    ("OpenRouter", 401, router_body(401, "No auth credentials found"), "auth_failed"),
    ("OpenRouter", 402, router_body(402, "This request requires more credits."), "quota_exceeded"),
    ("OpenRouter", 403, router_body(403, "Your input was flagged", reasons=["violence"]), "content_filtered"),
    ("OpenRouter", 403, router_body(403, "Key limit exceeded"), "permission_denied"),
    ("OpenRouter", 404, router_body(404, "No endpoints found for x/y."), "model_not_found"),
    ("OpenRouter", 408, router_body(408, "Your request timed out"), "timeout"),
    ("OpenRouter", 429, router_body(429, "Provider returned error", raw="temporarily rate-limited"), "rate_limit"),
    ("OpenRouter", 502, router_body(502, "Your chosen model is down"), "server_error"),
    ("OpenRouter", 503, router_body(503, "No provider meets your routing requirements"), "overloaded"),
    ("OpenRouter", 524, "<html><title>524: A timeout occurred</title></html>", "timeout"),
    (
        "LM Studio",
        400,
        {"error": "n_keep is greater than the context length (n_keep: 9 >= n_ctx: 4)."},
        "context_length",
    ),
    ("LM Studio", 400, {"error": "The model is loaded with context length of only 4096 tokens."}, "context_length"),
    ("LM Studio", 404, openai_body("No models loaded.", code="model_not_found"), "model_not_found"),
    ("LM Studio", 404, {"error": "No models loaded. Please load a model."}, "model_not_found"),
    (
        "llama.cpp",
        400,
        llama_body(400, "request (4390 tokens) is too much", "exceed_context_size_error", n_ctx=4096),
        "context_length",
    ),
    ("llama.cpp", 401, llama_body(401, "Invalid API Key", "authentication_error"), "auth_failed"),
    ("llama.cpp", 404, llama_body(404, "File Not Found", "not_found_error"), "invalid_request"),
    ("llama.cpp", 500, llama_body(500, "Context size has been exceeded.", "server_error"), "context_length"),
    ("llama.cpp", 501, llama_body(501, "This server does not support it.", "not_supported_error"), "invalid_request"),
    ("llama.cpp", 503, llama_body(503, "Loading model", "unavailable_error"), "overloaded"),
    ("Groq", 400, openai_body("Failed to generate JSON.", code="json_validate_failed"), "invalid_request"),
    ("Groq", 400, openai_body("Decommissioned.", code="model_decommissioned"), "model_not_found"),
    ("Groq", 400, openai_body("Restricted.", code="organization_restricted"), "permission_denied"),
    ("Groq", 401, openai_body("Invalid API Key", code="invalid_api_key"), "auth_failed"),
    ("Groq", 404, openai_body("The model `x` does not exist.", code="model_not_found"), "model_not_found"),
    ("Groq", 413, openai_body("Request too large for model `x`.", "tokens", "rate_limit_exceeded"), "context_length"),
    ("Groq", 429, openai_body("Rate limit reached for model `x`.", "tokens", "rate_limit_exceeded"), "rate_limit"),
    ("Groq", 498, openai_body("Flex capacity.", None, "capacity_exceeded"), "overloaded"),
    ("Mistral", 400, flat_body("Invalid model: x", "invalid_model", "1500"), "model_not_found"),
    ("Mistral", 400, flat_body("Prompt too large for 32768 maximum context length", "x", "3051"), "context_length"),
    ("Mistral", 401, {"message": "Unauthorized", "request_id": "1"}, "auth_failed"),
    ("Mistral", 401, {"detail": "Unauthorized"}, "auth_failed"),
    ("Mistral", 422, flat_body({"detail": [{"msg": "Extra inputs"}]}, "invalid_request_error"), "invalid_request"),
    ("Mistral", 429, flat_body("Rate limit exceeded", "rate_limited", "1300"), "rate_limit"),
    ("Mistral", 429, flat_body("Capacity exceeded.", "service_tier_capacity_exceeded", "3505"), "overloaded"),
    (
        "Google",
        400,
        google_body(400, "INVALID_ARGUMENT", "API key not valid.", {"reason": "API_KEY_INVALID"}),
        "auth_failed",
    ),
    (
        "Google",
        400,
        google_body(400, "INVALID_ARGUMENT", "The input token count exceeds the maximum."),
        "context_length",
    ),
    (
        "Google",
        400,
        google_body(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
        "permission_denied",
    ),
    ("Google", 403, google_body(403, "PERMISSION_DENIED", "Method doesn't allow it."), "permission_denied"),
    ("Google", 404, google_body(404, "NOT_FOUND", "models/x is not found for API version v1main"), "model_not_found"),
    ("Google", 429, google_body(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted."), "rate_limit"),
    (
        "Google",
        429,
        google_body(429, "RESOURCE_EXHAUSTED", GOOGLE_QUOTA, google_quota("RequestsPerDay-FreeTier"), GOOGLE_WAIT),
        "quota_exceeded",
    ),
    (
        "Google",
        429,
        google_body(429, "RESOURCE_EXHAUSTED", GOOGLE_QUOTA, google_quota("RequestsPerMinutePerModel"), GOOGLE_WAIT),
        "rate_limit",
    ),
    ("Google", 500, google_body(500, "INTERNAL", "Internal error."), "server_error"),
    ("Google", 503, google_body(503, "UNAVAILABLE", "The model is overloaded."), "overloaded"),
    ("Google", 504, google_body(504, "DEADLINE_EXCEEDED", "Too late."), "timeout"),
    ("Azure", 400, openai_body("Filtered.", None, "content_filter"), "content_filtered"),
    ("Azure", 401, openai_body("Invalid subscription key or wrong API endpoint.", None, "401"), "auth_failed"),
    ("Azure", 404, openai_body("The API deployment does not exist.", None, "DeploymentNotFound"), "model_not_found"),
    ("Azure", 404, openai_body("Resource not found", None, "404"), "invalid_request"),
    ("Azure", 429, openai_body("You have exceeded the call rate limit of your tier.", None, "429"), "rate_limit"),
    (
        "xAI",
        400,
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided"},
        "auth_failed",
    ),
    ("xAI", 403, {"code": "x", "error": "Your team doesn't have any credits yet."}, "quota_exceeded"),
    ("xAI", 429, {"code": "x", "error": "Your team has used all available credits."}, "quota_exceeded"),
    ("a proxy", 301, "", "invalid_request"),
    ("a proxy", 401, "", "auth_failed"),
    ("a proxy", 404, "<html><title>404 Not Found</title></html>", "invalid_request"),
    ("a proxy", 407, "", "invalid_request"),
    ("a proxy", 408, "", "timeout"),
    ("a proxy", 413, "<html>Request Entity Too Large</html>", "context_length"),
    ("a proxy", 429, "", "rate_limit"),
    ("a proxy", 499, "", "connection_failed"),
    ("a proxy", 502, "<html>Bad gateway</html>", "server_error"),
    ("a proxy", 503, "", "overloaded"),
    ("a proxy", 504, "<html>Gateway Time-out</html>", "timeout"),
    ("a proxy", 418, None, "invalid_request"),
    ("a proxy", 429, [], "rate_limit"),
    ("a proxy", 500, {"error": {"message": {"a": {"b": "c"}}}}, "server_error"),
    ("a proxy", 500, {"error": 5, "message": 7, "detail": None}, "server_error"),
]


def judged(status: int, body: object, headers: dict[str, str] | None = None) -> errors.ProviderError:
    response = httpx2.Response(status, headers=headers, request=REQUEST)
    error = openai.APIStatusError("x", response=response, body=body)
    return failures.from_exception(error, config=CONFIG, model="m")


@pytest.mark.parametrize(("vendor", "status", "body", "code"), REFUSALS)
def test_a_refusal_has_its_code(vendor: str, status: int, body: object, code: str) -> None:
    failure = judged(status, body)
    assert failure.code == code, vendor
    assert failure.status == status
    assert (failure.provider, failure.model) == ("Practice", "m")
    assert failure.message.endswith(".")
    assert failure.hint


@pytest.mark.parametrize(("vendor", "status", "body", "code"), REFUSALS)
def test_a_refusal_means_the_same_when_the_sdk_took_its_shell_off(
    vendor: str, status: int, body: object, code: str
) -> None:
    """Both SDKs hand out ``body["error"]`` where there is one."""
    inner = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(inner, dict):
        assert judged(status, inner).code == code, vendor


STREAMED: list[tuple[str, object, str]] = [
    ("OpenAI", openai_body("Internal.", "server_error"), "server_error"),
    ("OpenAI", openai_body("Too fast.", "tokens", "rate_limit_exceeded"), "rate_limit"),
    ("Anthropic", anthropic_body("overloaded_error"), "overloaded"),
    ("Anthropic", anthropic_body("timeout_error"), "timeout"),
    ("Anthropic", anthropic_body("api_error"), "server_error"),
    ("DeepSeek", openai_body("Insufficient Balance", "unknown_error"), "quota_exceeded"),
    ("vLLM", vllm_body("EngineCore died.", "InternalServerError", 500), "server_error"),
    ("Ollama", {"error": "an error was encountered while running the model"}, "server_error"),
    ("OpenRouter", {"error": {"code": "server_error", "message": "Provider disconnected"}}, "server_error"),
    ("OpenRouter", {"error": {"code": 429, "message": "x"}}, "rate_limit"),
    ("OpenRouter", {"error": {"code": "502", "message": "x"}}, "server_error"),
    ("llama.cpp", llama_body(500, "Context size has been exceeded.", "server_error"), "context_length"),
    ("LM Studio", {"error": {"message": "The model has crashed"}}, "server_error"),
]


@pytest.mark.parametrize(("vendor", "body", "code"), STREAMED)
def test_an_error_inside_a_stream_has_its_code(vendor: str, body: object, code: str) -> None:
    assert failures.from_body(body).code == code, vendor


def test_what_the_server_behind_a_broker_said_is_kept() -> None:
    body = router_body(429, "Provider returned error", raw="x is temporarily rate-limited upstream")
    assert judged(429, body).detail == "Provider returned error: x is temporarily rate-limited upstream"


def test_the_wait_that_google_asks_for_in_the_body_counts_unless_a_header_says_otherwise() -> None:
    body = google_body(429, "RESOURCE_EXHAUSTED", "Slow down.", GOOGLE_WAIT)
    assert judged(429, body).retry_after == 31.5
    assert judged(429, body, {"retry-after": "2"}).retry_after == 2
    odd = google_body(429, "RESOURCE_EXHAUSTED", "Slow down.", {"retryDelay": "soon"}, {"retryDelay": 5})
    assert judged(429, odd).retry_after is None


def test_bytes_that_are_no_text_are_not_shown() -> None:
    assert judged(502, bytes(range(128, 256)).decode("utf-8", "replace")).detail == "An answer that is not text."
