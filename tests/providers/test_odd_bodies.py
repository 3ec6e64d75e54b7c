"""Bodies packed though nobody asked, in another charset, in pieces, too large: understood or typed (P4, P5, P7)."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from providers import errors
from providers.adapters.sse import BODY_LIMIT, LINE_LIMIT
from tests.providers.wire import answering, ask, config, connected, events_of, http, serving, text_in

DIALECTS = ["openai-compatible", "anthropic"]
QUICK = {"first_event": 10.0, "idle": 10.0, "total": 20.0}


def said(dialect: str, text: str) -> bytes:
    if dialect == "anthropic":
        delta = {"type": "text_delta", "text": text}
        value: object = {"type": "content_block_delta", "index": 0, "delta": delta}
    else:
        value = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def stream(dialect: str, *texts: str) -> bytes:
    """A whole stream, with everything that a server sends."""
    body = b"".join(said(dialect, text) for text in texts)
    if dialect == "anthropic":
        end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}}
        return body + f"data: {json.dumps(end)}\n\n".encode() + b'data: {"type": "message_stop"}\n\n'
    return body + b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


def models(*names: str) -> bytes:
    return json.dumps({"data": [{"id": name} for name in names]}, ensure_ascii=False).encode()


async def text_of(base: str, dialect: str) -> str:
    return text_in(await events_of(config(base, dialect, limits=QUICK), ask("hi")))


async def models_of(base: str, dialect: str) -> list[str]:
    async with connected(config(base, dialect, limits=QUICK)) as client:
        return [model.id for model in await client.list_models()]


async def failure_of(base: str, dialect: str, *, listing: bool = False) -> errors.ProviderError:
    with pytest.raises(errors.ProviderError) as caught:
        async with connected(config(base, dialect, limits=QUICK)) as client:
            await (client.list_models() if listing else client.complete(ask("hi")))
    assert caught.value.provider == "Practice"
    return caught.value


@asynccontextmanager
async def dripping(answer: bytes, size: int) -> AsyncIterator[str]:
    """A server that sends the answer in pieces of ``size`` bytes, each in a packet of its own as far as it can."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        for start in range(0, len(answer), size):
            writer.write(answer[start : start + size])
            await writer.drain()
            await asyncio.sleep(0)

    async with serving(serve) as port:
        yield f"http://127.0.0.1:{port}"


PACKED = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "gzip, twice": lambda body: gzip.compress(gzip.compress(body)),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("way", PACKED)
async def test_an_answer_that_is_packed_although_we_asked_for_none_of_it_is_understood(dialect: str, way: str) -> None:
    encoding = "gzip, gzip" if way == "gzip, twice" else way
    head = f"Content-Encoding: {encoding}\r\n"
    async with answering(http(PACKED[way](stream(dialect, "é", "🦉")), extra=head)) as base:
        assert await text_of(base, dialect) == "é🦉"
    async with answering(http(PACKED[way](models("a", "ü")), kind="application/json", extra=head)) as base:
        assert await models_of(base, dialect) == ["a", "ü"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("listing", [False, True])
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", b"this is not gzip"),
        ("gzip", gzip.compress(b"data: {}\n\n" * 100, mtime=0)[:30]),
        ("gzip", gzip.compress(b"x", mtime=0)[:5]),
        ("br", b"\x0b\x02\x80hello\x03"),
        ("unheard-of", b"\x00\x01\x02"),
    ],
)
async def test_a_packed_answer_that_is_broken_is_a_bad_response(
    dialect: str, encoding: str, body: bytes, *, listing: bool
) -> None:
    async with answering(http(body, extra=f"Content-Encoding: {encoding}\r\n")) as base:
        failure = await failure_of(base, dialect, listing=listing)
    assert failure.code in {"bad_response", "incomplete"}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_small_answer_that_unfolds_without_end_is_refused(dialect: str) -> None:
    bomb = gzip.compress(b"data: " + b"x" * (4 * LINE_LIMIT))
    async with answering(http(bomb, extra="Content-Encoding: gzip\r\n")) as base:
        assert (await failure_of(base, dialect)).code == "bad_response"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_packed_refusal_keeps_its_code_and_shows_no_noise(dialect: str) -> None:
    body = gzip.compress(json.dumps({"error": {"message": "No such key."}}).encode())
    async with answering(http(body, "401 No", "application/json", "Content-Encoding: gzip\r\n")) as base:
        failure = await failure_of(base, dialect)
    assert failure.code == "auth_failed"
    assert failure.detail == "An answer that is not text."


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("charset", "code"), [("utf-8", ""), ("utf-8-sig", ""), ("latin-1", "bad_response"), ("utf-16", "bad_response")]
)
async def test_a_stream_is_utf_8_whatever_its_head_says(dialect: str, charset: str, code: str) -> None:
    body = stream(dialect, "é").decode().encode(charset)
    async with answering(http(body, kind=f"text/event-stream; charset={charset}")) as base:
        if code:
            assert (await failure_of(base, dialect)).code == code
        else:
            assert await text_of(base, dialect) == "é"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("charset", ["latin-1", "utf-16", "cp1251", "no-such-charset"])
async def test_a_refusal_in_another_charset_keeps_its_code(dialect: str, charset: str) -> None:
    text = json.dumps({"error": {"message": "Schlüssel", "type": "x"}}, ensure_ascii=False)
    body = text.encode("latin-1" if charset in {"cp1251", "no-such-charset"} else charset)
    async with answering(http(body, "401 No", f"application/json; charset={charset}")) as base:
        failure = await failure_of(base, dialect)
    assert failure.code == "auth_failed"
    assert failure.detail.isprintable()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_an_answer_in_tiny_packets_is_understood(dialect: str, size: int) -> None:
    async with dripping(http(stream(dialect, "é", "🦉")), size) as base:
        assert await text_of(base, dialect) == "é🦉"
    async with dripping(http(gzip.compress(stream(dialect, "é")), extra="Content-Encoding: gzip\r\n"), size) as base:
        assert await text_of(base, dialect) == "é"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_line_of_nearly_a_megabyte_passes_and_one_beyond_is_a_bad_response(dialect: str) -> None:
    room = LINE_LIMIT - len(said(dialect, ""))
    async with answering(http(stream(dialect, "x" * room))) as base:
        assert len(await text_of(base, dialect)) == room
    async with answering(http(stream(dialect, "x" * (LINE_LIMIT + 1)))) as base:
        failure = await failure_of(base, dialect)
    assert (failure.code, failure.retryable) == ("bad_response", True)
    assert "longer than" in failure.detail


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_list_of_models_beyond_the_limit_is_a_bad_response(dialect: str) -> None:
    body = b'{"data": [' + b" " * (BODY_LIMIT + 1)
    async with answering(http(body, kind="application/json")) as base:
        failure = await failure_of(base, dialect, listing=True)
    assert failure.code == "bad_response"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_response"),
        (b"   ", "bad_response"),
        (b"<html><title>Sign in</title></html>", "bad_response"),
        (b"null", "bad_response"),
        (b"5", "bad_response"),
        (b'"text"', "bad_response"),
        (b"{}", "bad_response"),
        (b'{"data": null}', "bad_response"),
        (b'{"data": {"a": 1}}', "bad_response"),
        (b'{"data": [', "bad_response"),
        (b"[" * 100_000, "bad_response"),
        (b"\xff\xfe\x00", "bad_response"),
        (b'{"error": {"message": "x", "code": 401}}', "auth_failed"),
        (b'{"error": {"message": "x", "type": "insufficient_quota"}}', "quota_exceeded"),
    ],
)
async def test_a_list_of_models_that_is_none_is_typed(dialect: str, body: bytes, code: str) -> None:
    async with answering(http(body, kind="application/json")) as base:
        assert (await failure_of(base, dialect, listing=True)).code == code


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_what_is_no_model_in_a_list_is_skipped(dialect: str) -> None:
    items: list[object] = [
        None,
        5,
        "x",
        [],
        {},
        {"id": None},
        {"id": ""},
        {"id": ["a"]},
        {"id": "good"},
        {"id": "é\ud83e\x00"},
    ]
    body = json.dumps({"data": items}).encode()
    async with answering(http(body, kind="application/json")) as base:
        assert await models_of(base, dialect) == ["good", "é\ufffd"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_the_key_is_scrubbed_from_whatever_a_server_repeats(dialect: str) -> None:
    settings = config("http://127.0.0.1:1", dialect)
    escaped = "".join(f"\\u{ord(character):04x}" for character in settings.api_key)
    bodies = {
        "a refusal": http(f'{{"error": {{"message": "No {escaped}"}}}}'.encode(), "401 No", "application/json"),
        "an error with status 200": http(f'{{"error": {{"message": "No {settings.api_key}"}}}}'.encode()),
        "an error in a stream": http(f'data: {{"error": {{"message": "No {escaped}"}}}}\n\n'.encode()),
        "a broken stream": http(f"data: {{{'x' * 185}{settings.api_key}\n\n".encode()),
        "a web page": http(f"<title>{settings.api_key}</title>".encode()),
        "plain text": http(f"No {settings.api_key}".encode(), "500 No", "text/plain"),
        "a header line": f"HTTP/1.1 200 OK\r\n{settings.api_key}\r\n\r\n".encode(),
    }
    for place, body in bodies.items():
        for listing in (False, True):
            async with answering(body) as base:
                failure = await failure_of(base, dialect, listing=listing)
            assert settings.api_key[:8] not in str(failure.record()), place
            assert escaped[:12] not in str(failure.record()), place
