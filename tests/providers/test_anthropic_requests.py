"""What is sent in the messages dialect."""

from dataclasses import replace
from typing import Any, cast

import httpx2
import pytest

from providers.practice import running_practice
from providers.types import (
    ChatMessage,
    ChatRequest,
    ImagePart,
    TextPart,
    ToolCall,
    ToolDefinition,
)
from tests.providers.wire import KEY, ask, config, events_of


async def sent(request: ChatRequest) -> tuple[dict[str, object], dict[str, str]]:
    with running_practice() as base:
        await events_of(config(base, "anthropic"), request)
        async with httpx2.AsyncClient(trust_env=False) as client:
            entry = (await client.get(f"{base}/log")).json()[0]
            return entry["body"], entry["headers"]


async def test_only_what_was_set_is_sent_and_a_limit_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "operators-own")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
    body, headers = await sent(ask("echo: hi"))
    assert body == {
        "model": "practice-fast",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "echo: hi"}]}],
        "stream": True,
    }
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["anthropic-version"]
    assert not [name for name in headers if name.startswith("x-stainless")]


async def test_sampling_parameters_are_never_sent() -> None:
    request = replace(ask("echo: hi"), temperature=0, top_p=0.5, seed=1, json_mode=True, stop=("END",), max_tokens=9)
    body, _ = await sent(request)
    assert set(body) == {"model", "max_tokens", "messages", "stream", "stop_sequences"}
    assert (body["max_tokens"], body["stop_sequences"]) == (9, ["END"])


async def test_turns_are_merged_and_empty_ones_dropped() -> None:
    messages = (
        ChatMessage("assistant", "trimmed start"),
        ChatMessage("user", "a"),
        ChatMessage("user", " \n"),
        ChatMessage("assistant", ""),
        ChatMessage("user", (TextPart("b"), ImagePart("image/png", "aGk="))),
        ChatMessage("system", "and kind"),
        ChatMessage("assistant", "call", tool_calls=(ToolCall("1", "f", '{"x": 1}'), ToolCall("2", "g", "broken"))),
        ChatMessage("tool", "one", tool_call_id="1"),
        ChatMessage("tool", "two", tool_call_id="2"),
        ChatMessage("user", "echo: c"),
    )
    body, _ = await sent(ChatRequest(model="practice-fast", messages=messages, system_prompt="Be brief."))
    assert body["system"] == "Be brief.\n\nand kind"
    turns = cast("list[dict[str, Any]]", body["messages"])
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    first, opening, second, call, results = turns
    assert first["content"][0]["text"]
    assert opening["content"][0]["text"] == "trimmed start"
    assert [block["type"] for block in second["content"]] == ["text", "text", "image"]
    assert second["content"][2]["source"] == {"type": "base64", "media_type": "image/png", "data": "aGk="}
    assert [block.get("input") for block in call["content"]] == [None, {"x": 1}, {}]
    assert [block["type"] for block in results["content"]] == ["tool_result", "tool_result", "text"]


@pytest.mark.parametrize(
    ("before", "system", "roles"),
    [
        ((), "Be brief.", ["user"]),
        ((ChatMessage("user", " "),), "Be brief.", ["user"]),
        ((ChatMessage("user", "a"), ChatMessage("assistant", "b")), "Be brief.", ["user", "assistant", "user"]),
        ((ChatMessage("user", "a"),), "Be brief.\n\necho: c", ["user"]),
    ],
)
async def test_the_system_asks_where_nobody_else_does(
    before: tuple[ChatMessage, ...], system: str, roles: list[str]
) -> None:
    messages = (*before, ChatMessage("system", "echo: c"))
    body, _ = await sent(ChatRequest(model="practice-fast", messages=messages, system_prompt="Be brief."))
    turns = cast("list[dict[str, Any]]", body["messages"])
    assert (body["system"], [turn["role"] for turn in turns]) == (system, roles)
    assert turns[-1]["content"][-1]["text"] == ("a" if "echo" in system else "echo: c")


async def test_strict_tools_and_failed_results_take_the_dialects_form() -> None:
    schema = {"type": "object", "properties": {}}
    messages = (
        ChatMessage("user", "echo: hi"),
        ChatMessage("assistant", "", tool_calls=(ToolCall("1", "f", "{}"), ToolCall("2", "f", "{}"))),
        ChatMessage("tool", "no such city", tool_call_id="1", is_error=True),
        ChatMessage("tool", "sunny", tool_call_id="2"),
    )
    tools = (ToolDefinition("f", "does", schema, strict=True),)
    body, _ = await sent(ChatRequest(model="practice-fast", messages=messages, tools=tools))
    assert body["tools"] == [{"name": "f", "description": "does", "input_schema": schema, "strict": True}]
    failed, succeeded = cast("list[dict[str, Any]]", body["messages"])[-1]["content"]
    assert failed == {"type": "tool_result", "tool_use_id": "1", "content": "no such city", "is_error": True}
    assert succeeded == {"type": "tool_result", "tool_use_id": "2", "content": "sunny"}


async def test_tools_schemas_and_effort_take_the_dialects_form() -> None:
    schema = {"type": "object", "properties": {}}
    request = replace(
        ask("echo: hi"),
        tools=(ToolDefinition("f", "does", schema),),
        tool_choice="required",
        response_schema=schema,
        reasoning_effort="high",
    )
    body, _ = await sent(request)
    assert body["tools"] == [{"name": "f", "description": "does", "input_schema": schema}]
    assert body["tool_choice"] == {"type": "any"}
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": schema}, "effort": "high"}
    assert body["thinking"] == {"type": "adaptive"}
