"""The mapping of vendor failures to typed errors (P1, P9, P10, P11)."""

import email.utils
import json
import time
from dataclasses import replace

import anthropic
import httpx2
import openai
import pytest

from providers import errors
from providers.adapters import failures
from tests.providers.wire import KEY, config

CONFIG = config("http://127.0.0.1:1")
REQUEST = httpx2.Request("POST", "http://127.0.0.1:1/v1", headers={"Authorization": f"Bearer {KEY}"})


def status_error(status: int, body: object, headers: dict[str, str] | None = None) -> openai.APIStatusError:
    response = httpx2.Response(status, headers=headers, request=REQUEST)
    return openai.APIStatusError("x", response=response, body=body)


def convert(error: Exception) -> errors.ProviderError:
    return failures.from_exception(error, config=CONFIG, model="m")


def openai_body(code: str | None, message: str = "No.", kind: str = "invalid_request_error") -> object:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


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


def test_the_values_of_extra_headers_never_reach_the_detail() -> None:
    headers = {"X-Gateway-Token": "gateway-pass-1", "X-Auth": "Basic dXNlcjpwYXNz", "X-Title": "Wiz"}
    message = "gateway-pass-1 (dXNlcjpwYXNz) was refused for Wiz"
    failure = failures.from_exception(
        status_error(401, openai_body("invalid_api_key", message)), config=replace(CONFIG, headers=headers)
    )
    assert failure.detail == "[key] ([key]) was refused for Wiz"


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
