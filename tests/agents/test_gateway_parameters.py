"""Nothing that bends a call is let in at any depth of a body, in any dialect, and what is without effect stays here."""

import copy
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.agents.conftest import asked

pytestmark = pytest.mark.django_db(transaction=True)

FAST = "practice/practice-fast"
SCHEMA: dict[str, object] = {"type": "object", "properties": {}}
FREE = {"parameters", "input_schema", "schema"}
"""Where a body holds a JSON schema, which is the caller's own."""
BODIES: dict[str, dict[str, Any]] = {
    "chat/completions": {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "x"}]},
            {
                "role": "assistant",
                "content": [{"type": "refusal", "refusal": "no"}],
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": "y"},
        ],
        "stream": False,
        "stream_options": {"include_usage": True},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}},
    },
    "responses": {
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "y"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": SCHEMA}],
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}},
        "reasoning": {"effort": "low"},
    },
    "messages": {
        "max_tokens": 50,
        "system": [{"type": "text", "text": "x"}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "x"}]},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "y"}]},
        ],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "f"},
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        "thinking": {"type": "disabled"},
    },
}
WITHOUT_EFFECT: dict[str, list[str]] = {
    "chat/completions": ["user", "metadata", "store", "safety_identifier", "prompt_cache_key", "service_tier"],
    "responses": ["user", "metadata", "store", "include", "service_tier", "truncation", "stream_options"],
    "messages": ["metadata", "service_tier", "cache_control"],
}
CANARY = {"api_base": "http://canary.example"}


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object whose fields the gateway knows."""
    if isinstance(value, dict):
        yield value
        for name, inner in value.items():
            if name not in FREE and not (name == "input" and value.get("type") == "tool_use"):
                yield from objects_in(inner)
    elif isinstance(value, list):
        for item in value:
            yield from objects_in(item)


@pytest.mark.parametrize("path", BODIES)
def test_an_unknown_parameter_is_refused_at_any_depth(bare: httpx2.Client, practice_url: str, path: str) -> None:
    """S42."""
    body = {"model": FAST, **BODIES[path]}
    places = len(list(objects_in(body)))
    assert places > 8
    for place in range(places):
        for name in ("base_url", "api_key", "extra_body"):
            bent = copy.deepcopy(body)
            list(objects_in(bent))[place][name] = "http://evil.example"
            answer = bare.post(path, json=bent)
            assert (answer.status_code, name in answer.json()["error"]["message"]) == (400, True), (place, name)
    assert asked(practice_url) == []
    assert bare.post(path, json=body).status_code == 200


@pytest.mark.parametrize("path", BODIES)
def test_a_strict_tool_is_passed_on_as_one(bare: httpx2.Client, practice_url: str, path: str) -> None:
    body = copy.deepcopy({"model": FAST, **BODIES[path]})
    (tool,) = body["tools"]
    tool.get("function", tool)["strict"] = True
    assert bare.post(path, json=body).status_code == 200
    assert asked(practice_url)[-1]["body"]["tools"][0]["function"]["strict"] is True
    tool.get("function", tool)["strict"] = "very"
    assert bare.post(path, json=body).status_code == 400


@pytest.mark.parametrize(("is_error", "told"), [(True, "Error: y"), (False, "y"), (None, "y")])
def test_a_failed_tool_is_told_as_one(bare: httpx2.Client, practice_url: str, is_error: bool | None, told: str) -> None:
    body = copy.deepcopy({"model": FAST, **BODIES["messages"]})
    body["messages"][-1]["content"][0]["is_error"] = is_error
    assert bare.post("messages", json=body).status_code == 200
    assert asked(practice_url)[-1]["body"]["messages"][-1]["content"] == told


@pytest.mark.parametrize("path", BODIES)
def test_what_is_without_effect_is_never_sent_on(bare: httpx2.Client, practice_url: str, path: str) -> None:
    """S42."""
    body = {"model": FAST, **BODIES[path]} | dict.fromkeys(WITHOUT_EFFECT[path], CANARY)
    assert bare.post(path, json=body).status_code == 200
    assert "canary.example" not in str(asked(practice_url))
