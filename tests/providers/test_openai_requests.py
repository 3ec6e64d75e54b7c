"""What is sent in the chat completions dialect."""

import asyncio
import json
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
from tests.providers.wire import ask, config, connected, events_of, http, serving

FINISHED = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}\n\n'


async def sent(request: ChatRequest, kind: str = "openai-compatible") -> dict[str, object]:
    with running_practice() as base:
        await events_of(config(base, kind), request)
        async with httpx2.AsyncClient(trust_env=False) as client:
            body: dict[str, object] = (await client.get(f"{base}/log")).json()[0]["body"]
            return body


async def test_only_what_was_set_is_sent() -> None:
    assert await sent(ask("echo: hi")) == {
        "model": "practice-fast",
        "messages": [{"role": "user", "content": "echo: hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_every_parameter_is_sent_and_zero_is_a_value() -> None:
    request = replace(
        ask("echo: hi"),
        system_prompt="Be brief.",
        temperature=0,
        top_p=0.5,
        max_tokens=10,
        seed=0,
        stop=("END",),
        reasoning_effort="low",
        json_mode=True,
    )
    body = await sent(request)
    assert body["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "echo: hi"}]
    assert (body["temperature"], body["top_p"], body["seed"], body["stop"]) == (0, 0.5, 0, ["END"])
    assert (body["max_tokens"], body["reasoning_effort"]) == (10, "low")
    assert body["response_format"] == {"type": "json_object"}
    assert "max_completion_tokens" not in body
    assert (await sent(request, "openai"))["max_completion_tokens"] == 10
    assert "max_tokens" not in await sent(request, "openai")


async def test_images_tools_and_schemas_take_the_dialects_form() -> None:
    schema = {"type": "object", "title": "My answer", "properties": {"a": {"type": "string"}}}
    closed = {**schema, "required": ["a"], "additionalProperties": False}
    messages = (
        ChatMessage("user", (TextPart("look"), ImagePart("image/png", "aGk="))),
        ChatMessage("assistant", "", tool_calls=(ToolCall("1", "f", "{}"),)),
        ChatMessage("tool", "sunny", tool_call_id="1"),
        ChatMessage("user", (TextPart("echo: "), TextPart("hi"))),
    )
    request = ChatRequest(
        model="practice-fast",
        messages=messages,
        tools=(ToolDefinition("f", "does", schema),),
        tool_choice="f",
        response_schema=closed,
    )
    body = await sent(request)
    look, call, result, last = cast("list[dict[str, Any]]", body["messages"])
    assert look["content"][1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    assert call["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert result == {"role": "tool", "content": "sunny", "tool_call_id": "1"}
    assert last["content"] == "echo: \nhi"
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "My_answer", "schema": closed, "strict": True},
    }
    loose = await sent(replace(request, response_schema=schema))
    assert loose["response_format"]["json_schema"]["strict"] is False  # type: ignore[index]


async def test_strict_tools_and_failed_results_take_the_dialects_form() -> None:
    schema = {"type": "object", "properties": {}}
    messages = (
        ChatMessage("user", "echo: hi"),
        ChatMessage("assistant", "", tool_calls=(ToolCall("1", "f", "{}"),)),
        ChatMessage("tool", "no such city", tool_call_id="1", is_error=True),
    )
    tools = (ToolDefinition("f", "does", schema, strict=True), ToolDefinition("g", "does", schema))
    body = await sent(ChatRequest(model="practice-fast", messages=messages, tools=tools))
    strict, loose = (tool["function"] for tool in cast("list[dict[str, Any]]", body["tools"]))
    assert strict == {"name": "f", "description": "does", "parameters": schema, "strict": True}
    assert loose == {"name": "g", "description": "does", "parameters": schema}
    failed = cast("list[dict[str, Any]]", body["messages"])[-1]
    assert failed == {"role": "tool", "content": "Error: no such city", "tool_call_id": "1"}


async def test_a_server_that_refuses_stream_options_is_asked_without_them() -> None:
    bodies: list[dict[str, object]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.loads(await reader.read(65536))
        bodies.append(body)
        refusal = b'{"error":{"message":"Unrecognized request argument: stream_options"}}'
        refused = http(refusal, "400 Bad Request", "application/json")
        writer.write(refused if "stream_options" in body else http(FINISHED))
        await writer.drain()

    async with serving(serve) as port, connected(config(f"http://127.0.0.1:{port}")) as client:
        assert (await client.complete(ask("hi"))).text == "a"
        assert (await client.complete(ask("hi"))).text == "a"
    assert ["stream_options" in body for body in bodies] == [True, False, False]


async def test_the_environment_lends_neither_key_nor_organisation(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "operators-own")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1")
    with running_practice() as base:
        await events_of(config(base, key=""), ask("echo: hi"))
        async with httpx2.AsyncClient(trust_env=False) as client:
            headers = (await client.get(f"{base}/log")).json()[0]["headers"]
    assert headers["authorization"] == "Bearer none"
    assert "operators-own" not in repr(headers)
