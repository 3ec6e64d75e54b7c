"""The gateway stands beside Django's middleware, and keeps what that keeps: hosts, HTTPS, headers, sizes of bodies."""

import httpx2
import pytest
from pytest_django import Settings

from providers.models import Provider
from tests.agents.conftest import asked

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = ["chat/completions", "responses", "messages", "embeddings"]
OPENAI = {"message", "type", "param", "code"}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "a b", "127.0.0.1@evil.example", "[::1"])
def test_a_foreign_host_is_refused(bare: httpx2.Client, provider: Provider, host: str) -> None:
    for path in ("models", "chat/completions"):
        answer = bare.request("GET" if path == "models" else "POST", path, headers={"Host": host})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "host_not_allowed")
    answer = bare.post("messages", headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (400, "error")


def test_a_site_for_https_only_refuses_http_and_says_so(settings: Settings, bare: httpx2.Client) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = bare.get("models")
    assert (answer.status_code, answer.json()["error"]["code"], set(answer.json()["error"])) == (
        403,
        "https_required",
        OPENAI,
    )
    assert "strict-transport-security" not in answer.headers


def test_a_proxy_s_word_for_https_counts_only_where_a_proxy_was_named(settings: Settings, bare: httpx2.Client) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 60
    secure = {"X-Forwarded-Proto": "https"}
    assert bare.get("models", headers=secure).status_code == 403
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    answer = bare.get("models", headers=secure)
    assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, "max-age=60")
    assert bare.get("models", headers={"X-Forwarded-Proto": "http"}).status_code == 403
    wrong = bare.post("chat/completions", headers=secure, content=b"{")
    assert (wrong.status_code, wrong.headers["strict-transport-security"]) == (400, "max-age=60")
    large = bare.post("chat/completions", headers=secure, content=b"x" * 17_000_000)
    assert (large.status_code, large.headers["strict-transport-security"]) == (413, "max-age=60")


def test_every_answer_forbids_guessing_and_keeping(bare: httpx2.Client) -> None:
    for answer in (bare.get("models"), bare.get("nothing"), bare.post("chat/completions", content=b"{")):
        assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b'{"model": "x", "input": "\\ud800", "messages": []}', 400),
        (b"\xff\xfe", 400),
        (b'{"model": "x", "input": ' + b"[" * 100_000, 400),
        (b"x" * 50_000_000, 413),
    ],
)
def test_what_is_no_body_is_refused_in_the_dialect_s_shape(
    bare: httpx2.Client, practice_url: str, path: str, content: bytes, status: int
) -> None:
    """S30."""
    answer = bare.post(path, content=content)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == ({"type", "message"} if path == "messages" else OPENAI)
    assert asked(practice_url) == []


@pytest.mark.parametrize("path", PATHS)
def test_a_body_in_chunks_has_the_same_limit(bare: httpx2.Client, path: str) -> None:
    answer = bare.post(path, content=iter([b"x" * 1_000_000] * 17))
    assert answer.status_code == 413
