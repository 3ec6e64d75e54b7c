"""The mapping of vendor failures to typed errors (P1, P9, P10, P11)."""

import email.utils
import inspect
import json
import time

import anthropic
import httpx2
import openai
import pytest
from anthropic import _error_classes as anthropic_error_classes
from anthropic import _exceptions as anthropic_exceptions
from openai import _exceptions as openai_exceptions

from providers import errors
from providers.adapters import failures
from providers.adapters.verdicts import EXCEPTIONS
from tests.providers.wire import KEY, config

CONFIG = config("http://127.0.0.1:1")
REQUEST = httpx2.Request("POST", "http://127.0.0.1:1/v1", headers={"Authorization": f"Bearer {KEY}"})
OUTSIDE = {
    "SubjectTokenProviderError",
    "InvalidWebhookSignatureError",
    "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
}


def exception_classes(module: object) -> list[type[Exception]]:
    return [
        item
        for _, item in inspect.getmembers(module, inspect.isclass)
        if issubclass(item, Exception) and item.__module__.partition(".")[0] in {"openai", "anthropic"}
    ]


def status_error(status: int, body: object, headers: dict[str, str] | None = None) -> openai.APIStatusError:
    response = httpx2.Response(status, headers=headers, request=REQUEST)
    return openai.APIStatusError("x", response=response, body=body)


def convert(error: Exception) -> errors.ProviderError:
    return failures.from_exception(error, config=CONFIG, model="m")


@pytest.mark.parametrize("module", [openai_exceptions, anthropic_exceptions, anthropic_error_classes])
def test_every_exception_class_of_the_sdks_is_mapped(module: object) -> None:
    classes = exception_classes(module)
    assert len(classes) > 10
    for kind in classes:
        listed = any(base in EXCEPTIONS for base in kind.__mro__)
        by_status = issubclass(kind, openai.APIStatusError | anthropic.APIStatusError)
        assert listed or by_status or kind.__name__ in OUTSIDE, kind


def test_every_exception_class_of_the_http_client_is_mapped() -> None:
    classes = [item for _, item in inspect.getmembers(httpx2, inspect.isclass) if issubclass(item, Exception)]
    assert len(classes) > 20
    for kind in classes:
        assert issubclass(kind, Warning) or any(base in EXCEPTIONS for base in kind.__mro__), kind


def openai_body(code: str | None, message: str = "No.", kind: str = "invalid_request_error") -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def anthropic_body(kind: str, message: str = "No.", code: str = "") -> object:
    return {"type": "error", "error": {"type": kind, "message": message, "details": {"error_code": code}}}


BODIES: list[tuple[int, object, type[errors.ProviderError]]] = [
    (400, openai_body(None), errors.InvalidRequest),
    (400, openai_body("context_length_exceeded"), errors.ContextTooLong),
    (400, openai_body(None, "This model's maximum context length is 8192 tokens."), errors.ContextTooLong),
    (400, openai_body(None, "API key not valid. Please pass a valid API key."), errors.AuthFailed),
    (400, openai_body("invalid_api_key"), errors.AuthFailed),
    (400, openai_body("content_filter"), errors.ContentFiltered),
    (400, anthropic_body("invalid_request_error", "prompt is too long: 210000 tokens > 200000"), errors.ContextTooLong),
    (400, anthropic_body("invalid_request_error", "Your credit balance is too low"), errors.QuotaExceeded),
    (401, openai_body("invalid_api_key"), errors.AuthFailed),
    (401, "", errors.AuthFailed),
    (402, openai_body(None, "Insufficient Balance", "unknown_error"), errors.QuotaExceeded),
    (403, anthropic_body("permission_error"), errors.PermissionRefused),
    (403, openai_body(None, "Your input was flagged"), errors.ContentFiltered),
    (404, openai_body("model_not_found"), errors.ModelNotFound),
    (404, {"error": "model 'llama9' not found"}, errors.ModelNotFound),
    (404, {"object": "error", "message": "The model `x` does not exist.", "code": 404}, errors.ModelNotFound),
    (404, {"detail": "Not Found"}, errors.InvalidRequest),
    (404, "<html><title>404 Not Found</title></html>", errors.InvalidRequest),
    (408, "", errors.ProviderTimeout),
    (413, anthropic_body("request_too_large"), errors.ContextTooLong),
    (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, errors.InvalidRequest),
    (429, openai_body("rate_limit_exceeded", kind="requests"), errors.RateLimited),
    (429, openai_body("insufficient_quota", kind="insufficient_quota"), errors.QuotaExceeded),
    (429, openai_body(None, "You exceeded your current quota, please check your plan."), errors.QuotaExceeded),
    (429, anthropic_body("rate_limit_error"), errors.RateLimited),
    (429, anthropic_body("rate_limit_error", code="enforced_spend_limit_reached"), errors.QuotaExceeded),
    (429, [{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Slow"}}], errors.RateLimited),
    (500, openai_body(None, kind="server_error"), errors.ServerError),
    (502, "<html>Bad gateway</html>", errors.ServerError),
    (503, "", errors.Overloaded),
    (504, anthropic_body("gateway_timeout_error"), errors.ServerError),
    (529, anthropic_body("overloaded_error"), errors.Overloaded),
    (301, "", errors.InvalidRequest),
    (418, None, errors.InvalidRequest),
]


@pytest.mark.parametrize(("status", "body", "kind"), BODIES)
def test_documented_error_bodies_become_their_typed_error(
    status: int, body: object, kind: type[errors.ProviderError]
) -> None:
    failure = convert(status_error(status, body))
    assert type(failure) is kind
    assert failure.status == status
    assert (failure.provider, failure.model) == ("Practice", "m")


def test_the_sdks_shortened_body_is_read_as_well() -> None:
    assert isinstance(convert(status_error(429, {"code": "insufficient_quota", "message": "x"})), errors.QuotaExceeded)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"code": 429, "message": "x"}}, errors.RateLimited),
        ({"error": {"code": "502", "message": "x"}}, errors.ServerError),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, errors.Overloaded),
        ({"error": {"type": "server_error", "message": "x"}}, errors.ServerError),
        ({"error": "out of memory"}, errors.ServerError),
        (5, errors.ServerError),
    ],
)
def test_an_error_inside_a_stream_is_typed_without_a_status(body: object, kind: type[errors.ProviderError]) -> None:
    assert type(failures.from_body(json.dumps(body).encode())) is kind


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "nonsense", "retry-after": "3"}, 3.0),
        ({"retry-after": "9999999"}, failures.MAX_RETRY_AFTER),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "NaN"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_parsed_bounded_or_ignored(headers: dict[str, str], seconds: float | None) -> None:
    assert convert(status_error(429, None, headers)).retry_after == seconds


def test_retry_after_may_be_a_date() -> None:
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    assert failures.retry_after({"retry-after": date}) == pytest.approx(30, abs=2)


def test_the_key_never_reaches_the_detail() -> None:
    message = f"Incorrect key {KEY}, sk-proj-abcdef***xyz, Authorization: Bearer abc.def.ghi given"
    failure = convert(status_error(401, openai_body("invalid_api_key", message)))
    for secret in (KEY, "abcdef", "abc.def"):
        assert secret not in failure.detail
    assert "Incorrect key" in failure.detail
    assert convert(errors.BadResponse(detail=f"odd {KEY}")).detail == "odd [key]"


def test_the_detail_is_bounded_and_printable() -> None:
    failure = convert(status_error(500, "x\x00y\ud800" + "z" * 100_000))
    assert len(failure.detail) <= errors.DETAIL_LIMIT
    assert failure.detail.startswith("xyz")


def test_the_transports_own_error_is_found_behind_the_sdks_wrapper() -> None:
    wrapper = anthropic.APIConnectionError(request=REQUEST)
    wrapper.__cause__ = httpx2.ConnectTimeout("slow")
    failure = convert(wrapper)
    assert isinstance(failure, errors.ProviderTimeout)
    assert failure.phase == "connect"
    wrapper.__cause__ = errors.AddressRefused(detail="no")
    assert isinstance(convert(wrapper), errors.AddressRefused)


def test_a_typed_error_holds_no_request_and_no_cause() -> None:
    try:
        try:
            raise httpx2.ReadError("broken", request=REQUEST)
        except httpx2.ReadError as inner:
            raise openai.APIConnectionError(request=REQUEST) from inner
    except openai.APIConnectionError as error:
        failure = convert(error)
    assert failure.__cause__ is None
    assert failure.__context__ is None
    assert KEY not in repr(vars(failure))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ValueError("x"), errors.BadResponse),
        (RecursionError(), errors.BadResponse),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "x"), errors.BadResponse),
        (ConnectionResetError(), errors.ConnectionFailed),
        (KeyError("sk-secret-123456"), errors.UnknownError),
    ],
)
def test_other_exceptions_are_typed_too(error: Exception, kind: type[errors.ProviderError]) -> None:
    failure = convert(error)
    assert type(failure) is kind
    assert "secret" not in failure.detail
