"""The messages dialect, over HTTP; the faults that both dialects share are in ``test_openai_adapter``."""

import json

import pytest

from providers import errors
from providers.types import (
    Capability,
    Finish,
    FinishReason,
    Ping,
    ReasoningDelta,
    ToolCall,
    ToolCallDelta,
    ToolDefinition,
    Usage,
)
from tests.providers.wire import answering, ask, config, connected, events_of, http, text_in


def event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def said(text: str, kind: str = "text_delta", field: str = "text") -> bytes:
    return event("content_block_delta", index=0, delta={"type": kind, field: text})


def start(**usage: object) -> bytes:
    return event("message_start", message={"model": "claude-x", "usage": usage})


def end(reason: str = "end_turn", **usage: object) -> bytes:
    return event("message_delta", delta={"stop_reason": reason}, usage=usage)


STOP = event("message_stop")


async def read(body: bytes) -> list[object]:
    async with answering(http(body)) as base:
        return list(await events_of(config(base, "anthropic"), ask("hi")))


async def finish_of(body: bytes) -> Finish:
    last = (await read(body))[-1]
    assert isinstance(last, Finish)
    return last


@pytest.mark.parametrize("mode", ["plain", "crlf", "onebyte", "no-done"])
async def test_an_answer_streams_to_its_finish_with_usage(practice: str, mode: str) -> None:
    events = await events_of(config(practice, "anthropic"), ask(f"echo: one 🦉 three fault: {mode}"))
    assert text_in(events) == f"one 🦉 three fault: {mode}"
    assert Ping() in events
    finish = events[-1]
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.raw_reason, finish.model) == (FinishReason.STOP, "end_turn", "practice-fast")
    assert finish.usage is not None
    assert finish.usage.certain


async def test_thinking_comes_apart_from_the_text(practice: str) -> None:
    async with connected(config(practice, "anthropic")) as client:
        completion = await client.complete(ask("echo: hi", "practice-reasoning"))
    assert completion.text == "hi"
    assert completion.reasoning.startswith("The question is short")


async def test_tool_calls_are_put_together(practice: str) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    tool = ToolDefinition("get_weather", "The weather", schema)
    async with connected(config(practice, "anthropic")) as client:
        completion = await client.complete(ask("call get_weather", tools=(tool,)))
    assert completion.finish_reason is FinishReason.TOOL_CALLS
    assert completion.tool_calls == (ToolCall("toolu_practice", "get_weather", '{"city": "practice"}'),)


async def test_two_tool_calls_keep_apart() -> None:
    def tool(identity: str) -> bytes:
        head = event(
            "content_block_start", content_block={"type": "tool_use", "id": identity, "name": "f", "input": {}}
        )
        return head + said("{}", "input_json_delta", "partial_json")

    calls = [
        item for item in await read(tool("a") + tool("b") + end("tool_use") + STOP) if isinstance(item, ToolCallDelta)
    ]
    assert [(call.index, call.id, call.arguments) for call in calls] == [
        (0, "a", ""),
        (0, "", "{}"),
        (1, "b", ""),
        (1, "", "{}"),
    ]


async def test_surrogate_halves_are_joined_and_nul_is_dropped() -> None:
    assert text_in(await read(said("a\ud83e") + said("\udd89\x00") + end() + STOP)) == "a🦉"  # type: ignore[arg-type]
    assert text_in(await read(said("a\ud83e") + end() + STOP)) == "a\ufffd"  # type: ignore[arg-type]
    thoughts = await read(said("\ud83e", "thinking_delta", "thinking") + said("x") + end() + STOP)
    assert [item.text for item in thoughts if isinstance(item, ReasoningDelta)] == ["\ufffd"]


async def test_unknown_events_and_blocks_are_skipped() -> None:
    body = (
        start(input_tokens=1, output_tokens=1)
        + event("content_block_start", index=0, content_block={"type": "server_tool_use"})
        + event("content_block_delta", index=0, delta={"type": "citations_delta", "citation": {}})
        + event("content_block_delta", index=0, delta=None)
        + event("invented_tomorrow", anything=[1])
        + said("signed", "signature_delta", "signature")
        + said("a")
    )
    assert text_in(await read(body + end() + STOP)) == "a"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("tool_use", FinishReason.TOOL_CALLS),
        ("refusal", FinishReason.CONTENT_FILTER),
        ("pause_turn", FinishReason.OTHER),
    ],
)
async def test_stop_reasons_are_unified_and_kept_raw(raw: str, reason: FinishReason) -> None:
    finish = await finish_of(said("a") + end(raw) + STOP)
    assert (finish.reason, finish.raw_reason) == (reason, raw)


async def test_either_sign_of_the_end_is_enough() -> None:
    assert (await finish_of(said("a") + end())).reason is FinishReason.STOP
    assert (await finish_of(said("a") + STOP)).reason is FinishReason.STOP


async def test_input_includes_what_the_cache_served_and_took() -> None:
    body = start(input_tokens=10, cache_read_input_tokens=100, cache_creation_input_tokens=5, output_tokens=1)
    finish = await finish_of(body + end(output_tokens=20, output_tokens_details={"thinking_tokens": 4}) + STOP)
    assert finish.usage == Usage(115, 20, cache_read=100, cache_write=5, reasoning=4)


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (b"", None),
        (start(input_tokens=10, output_tokens=1), Usage(10, 0, certain=False)),
        (start(input_tokens=-1) + end(output_tokens="x"), Usage(certain=False)),
        (start(input_tokens=10) + end(output_tokens=5) + end(output_tokens=7, input_tokens=12), Usage(12, 7)),
    ],
)
async def test_missing_and_odd_usage_is_uncertain_and_the_last_figures_count(body: bytes, usage: Usage | None) -> None:
    assert (await finish_of(said("a") + body + STOP)).usage == usage


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (start() + said("a"), errors.Incomplete),
        (event("error", error={"type": "overloaded_error", "message": "busy"}), errors.Overloaded),
        (said("a") + event("error", error={"type": "rate_limit_error", "message": "slow"}), errors.RateLimited),
        (b'data: {"error": {"type": "authentication_error", "message": "no"}}\n\n', errors.AuthFailed),
        (b"data: {broken\n\n", errors.BadResponse),
        (b'{"type":"error","error":{"type":"billing_error","message":"x"}}', errors.QuotaExceeded),
        (b'{"type":"message","content":[]}', errors.BadResponse),
    ],
)
async def test_an_answer_that_is_none_is_never_a_success(body: bytes, kind: type[errors.ProviderError]) -> None:
    with pytest.raises(errors.ProviderError) as caught:
        await read(body)
    assert type(caught.value) is kind


async def test_models_are_listed_with_capabilities_and_limits(practice: str) -> None:
    async with connected(config(practice, "anthropic")) as client:
        models = {model.id: model for model in await client.list_models()}
    model = models["practice-reasoning"]
    assert (model.display_name, model.context_length, model.max_output_tokens) == (
        "Practice (reasoning)",
        128_000,
        32_000,
    )
    assert model.capabilities[Capability.REASONING]
    assert not models["practice"].capabilities[Capability.REASONING]
    assert not model.capabilities[Capability.SAMPLING]
    assert model.is_chat


async def test_lifecycle_and_retirement_are_read_from_the_list() -> None:
    item = {"id": "old", "lifecycle": "deprecated", "retires_at": "2027-01-14T00:00:00Z", "max_tokens": None}
    body = json.dumps({"data": [item], "has_more": False}).encode()
    async with answering(http(body, kind="application/json")) as base, connected(config(base, "anthropic")) as client:
        (model,) = await client.list_models()
    assert (model.lifecycle, model.shutdown_date, model.max_output_tokens) == ("deprecated", "2027-01-14", None)
