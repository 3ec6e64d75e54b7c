"""The practice provider itself: dialects, pace, faults, log, command."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import httpx2
import pytest

from providers.practice import running_practice
from providers.practice.catalogue import FAULT_NAMES, PLEASANT
from providers.practice.faults import DESCRIPTIONS, MOVED_TO
from providers.practice.log import Entry

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "practice.md"


NOTHING: Mapping[str, object] = MappingProxyType({})


def chat(base: str, text: str, model: str = "practice-fast", fields: Mapping[str, object] = NOTHING) -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **fields}
    return httpx2.post(f"{base}/v1/chat/completions", json=body, trust_env=False, timeout=10)


def said(base: str, text: str, fields: Mapping[str, object] = NOTHING) -> str:
    return str(chat(base, text, fields=fields).json()["choices"][0]["message"]["content"])


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "🦉 emoji 👩‍👩‍👧",
        "a\r\nb\r\n",
        "\x01\x1b[31m\ttab",
        "x" * 50_000,
        "  leading",
        "trailing  \n\n",
        "e\u0301",
    ],
)
def test_echo_gives_the_rest_back_verbatim(practice: str, text: str) -> None:
    assert said(practice, f"echo: {text}") == text


def test_a_newcomer_gets_a_greeting_a_tour_code_and_a_friendly_answer(practice: str) -> None:
    assert "practice model" in said(practice, "Hello! What can you do?")
    tour = said(practice, "Show me a Markdown tour")
    for mark in ("# A Markdown tour", "| Model |", "- [x]", "> A quotation", "$$"):
        assert mark in tour
    assert "```python" in said(practice, "Write some Python code")
    answer = said(practice, "Why is the sky blue?")
    assert "> Why is the sky blue?" in answer
    assert "Providers" in answer


def test_answers_are_deterministic_and_long_ones_have_the_wanted_length(practice: str) -> None:
    assert said(practice, "Write a long story") == said(practice, "Write a long story")
    assert chat(practice, "tokens=5000").json()["usage"]["completion_tokens"] == 5000


def test_a_limit_cuts_the_answer(practice: str) -> None:
    choice = chat(practice, "tokens=100", fields={"max_tokens": 7}).json()["choices"][0]
    assert choice["finish_reason"] == "length"


def test_the_pleasant_models_are_listed_first_in_both_dialects(practice: str) -> None:
    for headers in ({}, {"anthropic-version": "2026-10-21"}):
        data = httpx2.get(f"{practice}/v1/models", headers=headers, trust_env=False).json()["data"]
        names = [item["id"] for item in data]
        assert names[:4] == ["practice", "practice-fast", "practice-slow", "practice-reasoning"]
        assert names[4:] == [f"practice-{name}" for name in FAULT_NAMES]
        assert "Practice" in data[0].values()


def test_every_fault_is_described_and_documented() -> None:
    assert set(DESCRIPTIONS) == set(FAULT_NAMES)
    documented = re.findall(r"`([^`\s]+)`", "".join(re.findall(r"^\| (`.*?) \|", DOCUMENT.read_text(), re.MULTILINE)))
    assert set(documented) - set(PLEASANT) == set(FAULT_NAMES)


@pytest.mark.parametrize("dialect", [{}, {"anthropic-version": "2026-10-21"}])
def test_a_fault_in_the_address_concerns_every_request(practice: str, dialect: dict[str, str]) -> None:
    base = f"{practice}/fault-401"
    assert httpx2.get(f"{base}/v1/models", headers=dialect, trust_env=False).status_code == 401
    assert chat(base, "hi").status_code == 401
    assert httpx2.get(f"{practice}/fault-unheard-of/v1/models", headers=dialect, trust_env=False).status_code == 404
    empty = httpx2.get(f"{practice}/fault-empty-list/v1/models", headers=dialect, trust_env=False).json()
    assert empty["data"] == []


@pytest.mark.parametrize("fault", ["cut", "rst"])
def test_a_list_of_models_may_end_in_the_middle(practice: str, fault: str) -> None:
    with pytest.raises(httpx2.TransportError):
        httpx2.get(f"{practice}/fault-{fault}/v1/models", trust_env=False)


def test_a_redirect_leads_to_the_practice_provider_itself(practice: str) -> None:
    for status in (301, 302, 303, 307, 308):
        response = chat(practice, f"fault: {status}")
        assert (response.status_code, response.headers["location"]) == (status, MOVED_TO)


def test_an_unknown_model_and_an_unknown_path_are_404(practice: str) -> None:
    response = chat(practice, "hi", "gpt-practice")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "model_not_found"
    assert httpx2.get(f"{practice}/elsewhere", trust_env=False).status_code == 404


def test_the_key_is_checked_when_there_is_one() -> None:
    with running_practice(api_key="right") as base:
        for headers, status in (
            ({"Authorization": "Bearer right"}, 200),
            ({"x-api-key": "right"}, 200),
            ({"Authorization": "Bearer wrong"}, 401),
            ({}, 401),
        ):
            assert httpx2.get(f"{base}/v1/models", headers=headers, trust_env=False).status_code == status


def test_the_rate_limit_gives_way_at_the_third_call_of_a_conversation(practice: str) -> None:
    responses = [chat(practice, "fault: 429 once upon a time") for _ in range(3)]
    assert [response.status_code for response in responses] == [429, 429, 200]
    assert responses[0].headers["retry-after"] == "2"
    assert [chat(practice, "hi", "practice-500-then-ok").status_code for _ in range(2)] == [500, 200]


def test_a_paced_answer_takes_its_time(practice: str) -> None:
    start = time.monotonic()
    with httpx2.stream(
        "POST",
        f"{practice}/v1/chat/completions",
        json={"model": "practice", "stream": True, "messages": [{"role": "user", "content": "tokens=31"}]},
        trust_env=False,
    ) as response:
        response.read()
    assert 0.45 < time.monotonic() - start < 2


def test_the_log_tells_at_once_who_hung_up() -> None:
    with running_practice() as base:
        host, _, port = base.removeprefix("http://").partition(":")
        body = b'{"model":"practice-silent","stream":true,"messages":[{"role":"user","content":"hi"}]}'
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with socket.create_connection((host, int(port))) as client:
            client.sendall(head + body)
            until(lambda: len(log(base)) == 1)
            assert log(base)[0]["ended"] == "open"
            closed = time.time()
        until(lambda: log(base)[0]["end"] is not None)
        entry = log(base)[0]
        assert entry["ended"] == "client hung up"
        assert entry["end"] is not None
        assert entry["end"] - closed < 0.3  # 1 ms on an idle machine
        assert "practice-silent" in str(entry["body"])
        chat(base, "echo: x")
        assert log(base)[-1]["ended"] == "completed"
        httpx2.delete(f"{base}/log", trust_env=False)
        assert log(base) == []


def log(base: str) -> list[Entry]:
    entries: list[Entry] = httpx2.get(f"{base}/log", trust_env=False).json()
    return entries


def test_structured_output_and_tools_are_answered_in_kind(practice: str) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "array", "items": {}}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    assert said(practice, "hi", {"response_format": form}) == '{"city": "practice", "days": ["practice"]}'
    tools = [{"type": "function", "function": {"name": "weather", "parameters": schema}}]
    choice = chat(practice, "call weather", fields={"tools": tools}).json()["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"][0]["function"]["name"] == "weather"


def test_the_command_prints_where_it_listens_and_stops_on_sigterm(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "practice", "--api-key", "k"],
        cwd=ROOT,
        env={**os.environ, "WIZ_DATA_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "wizsite.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Practice provider listening on http://127.0.0.1:")
        base = line.split()[-1]
        assert httpx2.get(f"{base}/v1/models", trust_env=False).status_code == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()
