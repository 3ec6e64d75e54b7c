"""The chat completions dialect, over HTTP (P2 to P5, P7, P12, P17)."""

import json
import time

import pytest

from providers import errors
from providers.types import (
    Finish,
    FinishReason,
    Ping,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
)
from tests.providers.wire import answering, ask, config, connected, events_of, http, text_in

FINISHED = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


def delta(**fields: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": fields}]}).encode() + b"\n\n"


def said(text: str) -> bytes:
    return delta(content=text)


async def read(body: bytes, **server: str) -> list[object]:
    async with answering(http(body, **server)) as base:
        return list(await events_of(config(base), ask("hi")))


async def text_of(body: bytes) -> str:
    return text_in(await read(body))  # type: ignore[arg-type]


async def test_an_answer_streams_to_its_finish_with_usage(practice: str) -> None:
    events = await events_of(config(practice), ask("echo: one two three four"))
    assert text_in(events) == "one two three four"
    assert len([event for event in events if isinstance(event, TextDelta)]) > 2
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.raw_reason, finish.model) == (FinishReason.STOP, "stop", "practice-fast")
    assert finish.usage is not None
    assert finish.usage.output > 0


@pytest.mark.parametrize("text", ["🦉 👩‍👩‍👧", "a\r\nb", "tab\tbell\x07", "x" * 100_000, " lead", "trail \n"])
async def test_text_arrives_exactly(practice: str, text: str) -> None:
    async with connected(config(practice)) as client:
        assert (await client.complete(ask(f"echo: {text}"))).text == text


@pytest.mark.parametrize("mode", ["crlf", "onebyte", "no-done", "no-usage", "longline", "surrogates"])
async def test_odd_but_honest_servers_are_understood(practice: str, mode: str) -> None:
    events = await events_of(config(practice), ask(f"echo: hi fault: {mode}"))
    text = text_in(events)
    assert isinstance(events[-1], Finish)
    expected = {"longline": 1_040_000, "surrogates": len("hi fault: surrogates 🦉")}
    assert len(text) == expected.get(mode, len(f"hi fault: {mode}"))
    assert text.isprintable()


async def test_reasoning_comes_apart_from_the_text(practice: str) -> None:
    async with connected(config(practice)) as client:
        completion = await client.complete(ask("echo: hi", "practice-reasoning"))
    assert completion.text == "hi"
    assert completion.reasoning.startswith("The question is short")
    assert completion.usage is not None
    assert 0 < completion.usage.reasoning < completion.usage.output


async def test_tool_calls_are_put_together(practice: str) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = ToolDefinition("get_weather", "The weather", schema)
    async with connected(config(practice)) as client:
        completion = await client.complete(ask("call get_weather", tools=(tool,)))
    assert completion.finish_reason is FinishReason.TOOL_CALLS
    assert completion.tool_calls == (ToolCall("call_practice", "get_weather", '{"city": "practice"}'),)


async def test_parallel_tool_calls_keep_apart_even_without_an_index() -> None:
    body = (
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x'}}])
        + delta(tool_calls=[{"index": 0, "function": {"arguments": '":1}'}}])
        + delta(tool_calls=[{"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}}])
        + delta(tool_calls=[{"id": "c", "function": {"name": "h", "arguments": {"y": 2}}}])
    )
    calls = [event for event in await read(body + FINISHED) if isinstance(event, ToolCallDelta)]
    assert [(call.index, call.id, call.name, call.arguments) for call in calls] == [
        (0, "a", "f", '{"x'),
        (0, "", "", '":1}'),
        (1, "b", "g", "{}"),
        (2, "c", "h", '{"y": 2}'),
    ]


BODIES: dict[str, bytes] = {
    "null choices": b'data: {"choices":null}\n\n',
    "empty choices": b'data: {"choices":[]}\n\n',
    "a null choice": b'data: {"choices":[null]}\n\n',
    "a null delta": b'data: {"choices":[{"delta":null}]}\n\n',
    "null content": delta(content=None, role="assistant"),
    "an empty finish reason": b'data: {"choices":[{"delta":{},"finish_reason":""}]}\n\n',
    "an unknown event": b'event: thread.run.step\ndata: {"whatever":1}\n\n',
    "a number for content": delta(content=5),
    "NaN": b'data: {"choices":[{"delta":{"content":""},"logprobs":NaN}]}\n\n',
    "a second choice": b'data: {"choices":[{"index":1,"delta":{"content":"other"}}]}\n\n',
    "empty data": b"data:\n\n",
    "a comment": b": OPENROUTER PROCESSING\n\n",
    "a null error": b'data: {"error":null,"choices":[]}\n\n',
}


@pytest.mark.parametrize("name", BODIES)
async def test_strange_chunks_do_no_harm(name: str) -> None:
    assert await text_of(said("a") + BODIES[name] + said("b") + FINISHED + DONE) == "ab"


async def test_content_may_come_as_parts() -> None:
    assert (
        await text_of(delta(content=[{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]) + FINISHED) == "ab"
    )


async def test_comments_are_pings() -> None:
    assert Ping() in await read(b": ping\n\n" + said("a") + FINISHED)


async def test_surrogate_halves_are_joined_and_lone_ones_replaced() -> None:
    halves = delta(content="a\ud83e") + delta(content="\udd89b")
    assert await text_of(halves + FINISHED) == "a🦉b"
    assert await text_of(delta(content="a\ud83e") + said("b") + FINISHED) == "a\ufffdb"
    assert await text_of(delta(content="a\udd89b") + FINISHED) == "a\ufffdb"
    assert await text_of(said("a") + delta(content="\ud83e") + FINISHED) == "a\ufffd"


async def test_surrogate_halves_in_reasoning_do_not_mix_with_text() -> None:
    body = delta(reasoning="\ud83e") + delta(content="x") + delta(reasoning="\udd89") + FINISHED
    events = await read(body)
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == ["🦉"]
    assert text_in(events) == "x"  # type: ignore[arg-type]


async def test_nul_is_dropped() -> None:
    assert await text_of(said("a\x00b") + said("é\x00") + FINISHED) == "abé"


async def test_a_last_event_without_its_blank_line_counts() -> None:
    assert await text_of(said("a") + FINISHED.rstrip()) == "a"


@pytest.mark.parametrize(
    ("body", "server", "kind"),
    [
        (b"", {}, errors.BadResponse),
        (b"", {"status": "204 No Content"}, errors.BadResponse),
        (b"<html><title>Login</title></html>", {"kind": "text/html"}, errors.BadResponse),
        (b"  <!doctype html>", {}, errors.BadResponse),
        (b'{"choices":[{"message":{"content":"hi"}}]}', {"kind": "application/json"}, errors.BadResponse),
        (b'{"error":{"message":"x","code":"insufficient_quota"}}', {"kind": "application/json"}, errors.QuotaExceeded),
        (b'{"error":{"message":"x","code":429}}', {}, errors.RateLimited),
        (b"what is this\n\nno idea\n\n", {}, errors.BadResponse),
        (b": only\n\n: comments\n\n", {}, errors.BadResponse),
        (b"data: {broken\n\n", {}, errors.BadResponse),
        (b"data: []\n\n", {}, errors.BadResponse),
        (b'data: "text"\n\n', {}, errors.BadResponse),
        (b'data: {"choices":' + b"[" * 100_000 + b"\n\n", {}, errors.BadResponse),
        (b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n', {}, errors.BadResponse),
        (said("a"), {}, errors.Incomplete),
        (said("a") + DONE, {}, errors.Incomplete),
        (said("a") + b'data: {"choices":[{"del', {}, errors.Incomplete),
        (said("a") + b'data: {"error":{"message":"x","type":"server_error"}}\n\n', {}, errors.ServerError),
        (said("a") + b'event: error\ndata: {"message":"x","code":"rate_limit_exceeded"}\n\n', {}, errors.RateLimited),
    ],
)
async def test_an_answer_that_is_none_is_never_a_success(
    body: bytes, server: dict[str, str], kind: type[errors.ProviderError]
) -> None:
    with pytest.raises(errors.ProviderError) as caught:
        await read(body, **server)
    assert type(caught.value) is kind
    assert (caught.value.provider, caught.value.model) == ("Practice", "practice-fast")
    assert caught.value.__context__ is None


async def test_a_connection_that_breaks_after_the_finish_reason_loses_nothing() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99999\r\n\r\n"
    async with answering(head + said("a") + FINISHED) as base:
        assert text_in(await events_of(config(base), ask("hi"))) == "a"


async def test_the_cost_of_an_answer_grows_linearly_with_its_length(practice: str) -> None:
    async with connected(config(practice)) as client:

        async def cost(tokens: int) -> float:
            start = time.thread_time()
            async for _ in client.stream(ask(f"tokens={tokens}")):
                pass
            return time.thread_time() - start

        await cost(2000)
        assert min([await cost(20_000) for _ in range(2)]) < 8 * min([await cost(5_000) for _ in range(2)])
