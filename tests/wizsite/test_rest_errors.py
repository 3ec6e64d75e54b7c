"""Every error of the REST API has one shape, and no body breaks the server."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError as ModelValidationError
from django.http import Http404
from pytest_django import Settings
from rest_framework import exceptions
from rest_framework.test import APIClient

from conversations.admission import RunActive
from conversations.idempotency import KeyReused
from providers import errors
from tests.factories import make_user
from wizsite.rest import exception_handler

pytestmark = pytest.mark.django_db

JSON = "application/json"


@pytest.fixture
def api() -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(make_user())
    return client


def all_provider_errors(
    root: type[errors.ProviderError] = errors.ProviderError,
) -> Iterator[type[errors.ProviderError]]:
    """The whole tree."""
    for child in root.__subclasses__():
        yield child
        yield from all_provider_errors(child)


def handle(error: Exception) -> tuple[int, dict[str, object]]:
    """Status and error object of the answer to an exception."""
    response = exception_handler(error, {})
    assert response is not None
    assert set(response.data) == {"error"}
    assert set(response.data["error"]) == {"code", "message", "detail"}
    return response.status_code, response.data["error"]


@pytest.mark.parametrize("kind", sorted(set(all_provider_errors()), key=str))
def test_each_provider_error_keeps_its_code_and_tells_what_to_do(kind: type[errors.ProviderError]) -> None:
    status, error = handle(kind(provider="Mine", model="m", detail="their words"))
    assert 400 <= status < 600
    assert status not in {401, 403, 500}, "that would speak of the caller's own log-in, or of a bug"
    assert error["code"] == kind.code
    assert error["message"]
    assert isinstance(error["detail"], dict)
    assert error["detail"]["hint"]


@pytest.mark.parametrize("kind", sorted(set(all_provider_errors()), key=str))
def test_each_provider_error_is_the_same_without_the_provider_s_words(kind: type[errors.ProviderError]) -> None:
    error = kind(provider="Mine", model="m", status=400, retry_after=2.0, detail="their words")
    kept = "their words" if kind is errors.RequestRefused else ""  # these words are Wiz's own
    assert error.without_detail().record() == {**error.record(), "detail": kept}
    assert type(error.without_detail()) is kind


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.AuthFailed(), 502),
        (errors.RateLimited(), 429),
        (errors.Overloaded(), 503),
        (errors.ProviderTimeout(phase="idle"), 504),
        (errors.ConnectionFailed(), 502),
        (errors.ContextTooLong(), 400),
    ],
)
def test_a_provider_s_failure_has_a_sensible_status(error: errors.ProviderError, status: int) -> None:
    assert handle(error)[0] == status


@pytest.mark.parametrize(("told", "shown"), [(7.2, "7"), (None, "1")])
def test_a_rate_limit_says_when_to_come_back_even_if_the_provider_does_not(told: float | None, shown: str) -> None:
    response = exception_handler(errors.RateLimited(retry_after=told), {})
    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (429, shown)


def test_our_own_throttle_says_when_to_come_back() -> None:
    response = exception_handler(exceptions.Throttled(wait=12), {})
    assert response is not None
    assert (response.status_code, response["Retry-After"]) == (429, "12")
    assert response.data["error"]["code"] == "throttled"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RunActive(), 409, "run_active"),
        (KeyReused(), 422, "key_reused"),
        (Http404(), 404, "not_found"),
        (exceptions.PermissionDenied(), 403, "permission_denied"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.UnsupportedMediaType("text/html"), 415, "unsupported_media_type"),
        (exceptions.ParseError(), 400, "parse_error"),
    ],
)
def test_other_errors_have_their_status_and_code(error: Exception, status: int, code: str) -> None:
    shown_status, shown = handle(error)
    assert (shown_status, shown["code"]) == (status, code)
    assert shown["message"]


def test_validation_names_fields() -> None:
    for error in (
        exceptions.ValidationError({"name": ["No."]}),
        ModelValidationError({"name": ["No."]}),
    ):
        status, shown = handle(error)
        assert (status, shown["code"], shown["detail"]) == (400, "validation_error", {"name": ["No."]})


def test_what_nobody_expected_is_a_json_500_without_its_reason(
    api: APIClient, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.DEBUG_PROPAGATE_EXCEPTIONS = False

    def explode(*_: object) -> None:
        raise RuntimeError("canary-4711")

    monkeypatch.setattr("accounts.api.MeView.get", explode)
    response = api.get("/api/v1/me/")
    assert response.status_code == 500
    assert response["Content-Type"].startswith(JSON)
    assert response.json()["error"]["code"] == "internal_error"
    assert b"canary" not in response.content


@pytest.mark.parametrize(
    "path", ["/api/", "/api/v1/", "/api/v1/nothing/", "/api/v2/me/", "/api/v1/me/x", "/api/nothing"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_is_a_json_404(api: APIClient, path: str, method: str) -> None:
    response = getattr(api, method)(path)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_anonymous_gets_a_json_404_too() -> None:
    assert APIClient().get("/api/v1/nothing/").json()["error"]["code"] == "not_found"


def post_bytes(api: APIClient, url: str, body: bytes, kind: str = JSON) -> Any:
    """Send a body as it is."""
    send: Any = api.generic
    return send("POST", url, body, content_type=kind)


HOSTILE_BODIES = {
    "nothing that is JSON": b"{",
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a little too deep": b"[" * 80 + b"]" * 80,
    "NUL": rb'{"name": "a\u0000b"}',
    "raw NUL": b'{"name": "a\x00b"}',
    "NUL in a name": rb'{"\u0000": 1}',
    "lone surrogate": rb'{"name": "\ud800"}',
    "low surrogate in a list": rb'{"name": ["\udfff"]}',
    "bad UTF-8": b'{"name": "\xff\xfe"}',
    "UTF-16": '{"name": "x"}'.encode("utf-16"),
    "NaN": b'{"name": NaN}',
    "infinity": b'{"name": -Infinity}',
    "number beyond range": b'{"name": 1e999}',
    "endless number": b'{"name": ' + b"9" * 10_000 + b"}",
    "list": b"[]",
    "text": b'"x"',
    "number": b"1",
    "null": b"null",
    "wrong type": b'{"name": {"a": [1]}}',
    "missing field": b"{}",
    "byte order mark": b'\xef\xbb\xbf{"name": "x"}',
}


@pytest.mark.parametrize("url", ["tokens/", "providers/", "agents/"])
@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_a_hostile_body_is_400(api: APIClient, url: str, name: str) -> None:
    """S30."""
    response = post_bytes(api, f"/api/v1/{url}", HOSTILE_BODIES[name])
    assert response.status_code == 400
    error = json.loads(response.content)["error"]
    assert error["code"] in {"parse_error", "validation_error"}
    assert error["message"]
    assert len(response.content) < 2000


def test_a_body_over_the_limit_is_413(api: APIClient, settings: Settings) -> None:
    """S30."""
    body = b'{"name": "' + b"x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE + b'"}'
    response = post_bytes(api, "/api/v1/tokens/", body)
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "x"]
)
def test_another_content_type_is_415(api: APIClient, kind: str) -> None:
    response = post_bytes(api, "/api/v1/tokens/", b"name=x", kind)
    assert response.status_code == 415
    assert response.json()["error"]["code"] == "unsupported_media_type"


def test_a_refused_method_is_a_json_405(api: APIClient) -> None:
    response = api.put("/api/v1/me/", {}, format="json")
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*"])
def test_a_client_that_wants_no_json_gets_json_or_406(api: APIClient, accept: str) -> None:
    response = api.get("/api/v1/me/", headers={"Accept": accept})
    assert response.status_code in {200, 406}
    assert response["Content-Type"].startswith(JSON)


def test_a_format_in_the_query_string_changes_nothing_dangerous(api: APIClient) -> None:
    assert api.get("/api/v1/me/?format=api").status_code == 404
