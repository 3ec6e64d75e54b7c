"""REST: text and objects straight from a provider, over a real socket, against the practice provider."""

import asyncio
import base64
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from django.test import Client

from accounts.models import ApiToken, User
from accounts.services import revoke_token
from providers import engine, event_stream
from providers.images import SIZE_LIMIT
from providers.models import Provider, ProviderModel, UsageRecord
from providers.practice import running_practice
from tests.factories import make_provider, make_user
from tests.live import calling, events_in, read_events, serving_site
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
MODEL = "practice-fast"
SLOWNESS = 3  # how much slower than promised a busy machine may be where many things happen at once
TEXT, OBJECT = "generate/text/", "generate/object/"
PNG = "data:image/png;base64,iVBORw0KGgo="
CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def practice_url() -> Iterator[str]:
    with running_practice() as url:
        yield url


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving_site() as address:
        yield address


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def provider(owner: User, practice_url: str) -> Provider:
    httpx2.delete(f"{practice_url}/log", trust_env=False)
    return make_provider(owner, base_url=f"{practice_url}/v1", api_key="practice")


@pytest.fixture
def api(site: str, owner: User) -> Iterator[httpx2.Client]:
    with calling(site, owner) as client:
        yield client


def asking(provider: Provider, content: str | None = "Hello", **fields: Any) -> dict[str, Any]:
    return {"provider": str(provider.pk), "model": MODEL, "prompt": content, **fields}


def log(practice_url: str) -> list[dict[str, Any]]:
    entries = httpx2.get(f"{practice_url}/log", trust_env=False).json()
    return [entry for entry in entries if entry["method"] == "POST"]


def hung_up(practice_url: str) -> list[float]:
    """When the provider lost its callers."""
    return [entry["end"] for entry in log(practice_url) if entry["ended"] == "client hung up"]


def error_of(response: httpx2.Response) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"code", "message", "detail"}
    return error


def test_a_whole_answer_is_told_with_its_usage_and_booked(api: httpx2.Client, provider: Provider, owner: User) -> None:
    answer = api.post(TEXT, json=asking(provider, "echo: 👩‍🚀 ok")).json()
    assert (answer["text"], answer["finish_reason"], answer["raw_reason"]) == ("👩‍🚀 ok", "stop", "stop")
    assert (answer["model"], answer["dropped"], answer["tool_calls"], answer["hops"]) == (MODEL, [], [], [])
    record = UsageRecord.objects.get(user=owner)
    assert (record.provider, record.model, record.is_certain) == (provider, MODEL, True)
    assert answer["usage"] == {
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "reasoning_tokens": 0,
        "cost": None,
        "certain": True,
    }
    assert record.output_tokens > 0


def test_every_parameter_arrives_and_zero_is_a_value(api: httpx2.Client, provider: Provider, practice_url: str) -> None:
    given: dict[str, Any] = {"temperature": 0, "top_p": 0, "max_tokens": 1, "seed": 0, "reasoning_effort": "low"}
    answer = api.post(TEXT, json=asking(provider, **given, stop="END", system_prompt="Be brief.")).json()
    assert answer["finish_reason"] == "length"
    body = log(practice_url)[0]["body"]
    assert {name: body[name] for name in given} == given
    assert (body["stop"], body["messages"][0]) == (["END"], {"role": "system", "content": "Be brief."})


def test_a_stream_says_the_same_as_a_whole_answer(api: httpx2.Client, provider: Provider) -> None:
    body = asking(provider, "Show me a Markdown tour 🦉")
    whole = api.post(TEXT, json=body).json()
    events = read_events(api, TEXT, body)
    text = ""
    for name, data in events[:-1]:
        assert name == "text-delta"
        assert data["offset"] == len(text.encode("utf-16-le")) // 2
        text += data["text"]
    assert text == whole["text"]
    name, end = events[-1]
    assert (name, end["status"], end["error"]) == ("generation-end", "completed", None)
    shared = ("finish_reason", "raw_reason", "usage", "model", "dropped", "hops")
    assert {key: end[key] for key in shared} == {key: whole[key] for key in shared}


def test_a_stream_is_not_to_be_buffered_and_starts_at_once(api: httpx2.Client, provider: Provider) -> None:
    body = asking(provider, "Write a long story", model="practice-slow", stream=True)
    started = time.monotonic()
    with api.stream("POST", TEXT, json=body, headers={"Accept": "text/event-stream"}) as response:
        assert (response.headers["x-accel-buffering"], response.headers["cache-control"]) == ("no", "no-store")
        assert next(events_in(response.iter_lines()))[0] == "text-delta"
    assert time.monotonic() - started < 10


def test_reasoning_is_told_apart(api: httpx2.Client, provider: Provider) -> None:
    body = asking(provider, model="practice-reasoning")
    whole = api.post(TEXT, json=body).json()
    assert whole["reasoning"]
    assert whole["usage"]["reasoning_tokens"] > 0
    thoughts = [data["text"] for name, data in read_events(api, TEXT, body) if name == "reasoning-delta"]
    assert "".join(thoughts) == whole["reasoning"]


def test_tools_images_and_results_travel_both_ways(api: httpx2.Client, provider: Provider, practice_url: str) -> None:
    parts = [{"type": "text", "text": "Ask the clock"}, {"type": "image_url", "image_url": {"url": PNG}}]
    question = {"role": "user", "content": parts}
    body = {"provider": str(provider.pk), "model": MODEL, "messages": [question], "tools": [CLOCK]}
    first = api.post(TEXT, json={**body, "tool_choice": {"type": "function", "function": {"name": "clock"}}}).json()
    assert first["finish_reason"] == "tool_calls"
    (call,) = first["tool_calls"]
    assert call == {"id": "call_practice", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    told = dict(read_events(api, TEXT, body))
    assert told["tool-call"] == call
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "content": "noon", "tool_call_id": call["id"]}
    second = api.post(TEXT, json={**body, "messages": [question, asked, result]})
    assert second.json()["finish_reason"] == "stop"
    sent = log(practice_url)[-1]["body"]["messages"]
    assert sent == [question, {**asked, "content": ""}, result]


def test_what_is_dropped_is_told_whole_and_in_the_stream(api: httpx2.Client, provider: Provider) -> None:
    ProviderModel.objects.create(provider=provider, model_id=MODEL, capabilities={"sampling": False})
    body = asking(provider, temperature=0, top_p=1)
    assert api.post(TEXT, json=body).json()["dropped"] == ["temperature", "top_p"]
    (_, notice), *_, (_, end) = read_events(api, TEXT, body)
    assert notice["dropped"] == end["dropped"] == ["temperature", "top_p"]
    assert MODEL in notice["text"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider": "00000000-0000-4000-8000-000000000000"}, "provider"),
        ({"provider": None}, "provider"),
        ({"model": ""}, "model"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": "warm"}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"seed": 2**63}, "seed"),
        ({"reasoning_effort": "heroic"}, "reasoning_effort"),
        ({"stop": [1]}, "stop"),
        ({"stream": "perhaps"}, "stream"),
        ({"messages": "x"}, "messages"),
        ({"messages": [{"role": "owl", "content": "x"}]}, "messages"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "audio"}]}]}, "messages"),
        ({"messages": [{"role": "user", "content": "x", "name": "y"}]}, "messages"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tool_choice": {"type": "any"}}, "tool_choice"),
        ({"base_url": "http://evil.example"}, "base_url"),
        ({"api_key": "sk-x"}, "api_key"),
        ({"response_format": {}}, "response_format"),
    ],
)
def test_a_wrong_field_is_named(
    api: httpx2.Client, provider: Provider, practice_url: str, change: dict[str, Any], field: str
) -> None:
    """S34."""
    response = api.post(TEXT, json={**asking(provider), **change})
    assert response.status_code == 400
    error = error_of(response)
    assert (error["code"], list(error["detail"])) == ("validation_error", [field])
    assert log(practice_url) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prompt": None}, "either a prompt or messages"),
        ({"messages": [{"role": "user", "content": "x"}]}, "either a prompt or messages"),
        ({"prompt": " "}, "no message of the user"),
        ({"prompt": None, "messages": [{"role": "assistant", "content": "x"}]}, "no message of the user"),
        ({"tool_choice": "required"}, "needs tools"),
        ({"tools": [CLOCK, CLOCK]}, "same name"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_with_a_sentence(
    api: httpx2.Client, provider: Provider, practice_url: str, change: dict[str, Any], words: str
) -> None:
    response = api.post(TEXT, json={**asking(provider), **change})
    assert response.status_code == 400
    error = error_of(response)
    assert error["code"] == "invalid_request"
    assert words in error["detail"]["provider_message"]
    assert log(practice_url) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://example.org/cat.png", "fetches no images"),
        ("data:image/svg+xml;base64,PHN2Zy8+", "SVG"),
        ("data:image/gif;base64,iVBORw0KGgo=", "it is image/png"),
    ],
)
def test_an_image_that_is_none_is_refused(api: httpx2.Client, provider: Provider, url: str, words: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}]
    response = api.post(
        TEXT, json=asking(provider) | {"prompt": None, "messages": [{"role": "user", "content": content}]}
    )
    assert response.status_code == 400
    assert words in str(error_of(response)["detail"]["messages"])


def test_a_model_that_cannot_see_is_not_asked(api: httpx2.Client, provider: Provider, practice_url: str) -> None:
    ProviderModel.objects.create(provider=provider, model_id=MODEL, capabilities={"vision": False})
    content = [{"type": "image_url", "image_url": {"url": PNG}}]
    response = api.post(
        TEXT, json=asking(provider) | {"prompt": None, "messages": [{"role": "user", "content": content}]}
    )
    assert (response.status_code, error_of(response)["code"]) == (400, "invalid_request")
    assert "cannot see images" in error_of(response)["detail"]["provider_message"]
    assert log(practice_url) == []


@pytest.mark.parametrize("path", [TEXT, OBJECT])
def test_a_foreign_provider_does_not_exist(site: str, provider: Provider, practice_url: str, path: str) -> None:
    """S2."""
    with calling(site, make_user("outsider@example.org")) as outsider:
        response = outsider.post(path, json=asking(provider) | ({"schema": SCHEMA} if path == OBJECT else {}))
    assert response.status_code == 400
    assert list(error_of(response)["detail"]) == ["provider"]
    assert log(practice_url) == []


@pytest.mark.parametrize("path", [TEXT, OBJECT])
def test_nobody_gets_in_without_a_token(site: str, provider: Provider, path: str) -> None:
    """S24."""
    for headers in ({}, {"Authorization": "Bearer wiz_nonsense"}):
        response = httpx2.post(f"{site}/api/v1/{path}", json=asking(provider), headers=headers, trust_env=False)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
    assert httpx2.get(f"{site}/api/v1/{path}", trust_env=False).status_code == 401


def test_a_session_needs_the_csrf_token(owner: User, provider: Provider, practice_url: str) -> None:
    """S29."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(owner)
    response = browser.post(f"/api/v1/{TEXT}", asking(provider), content_type="application/json")
    assert response.status_code == 403
    assert log(practice_url) == []


def test_an_image_of_full_size_fits_into_a_body(api: httpx2.Client, provider: Provider, practice_url: str) -> None:
    """S30: other addresses and larger bodies are refused."""
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n".ljust(SIZE_LIMIT, b"x")).decode()
    content = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}]
    body = asking(provider, None, messages=[{"role": "user", "content": content}])
    assert api.post(TEXT, json=body).status_code == 200
    assert picture[:10_000] in str(log(practice_url)[0]["body"])
    for path, size in ((TEXT, 20_000_000), ("providers/", 3_000_000)):
        headers = {"Content-Type": "application/json"}
        response = api.post(path, content=b"[" + b" " * size + b"]", headers=headers)
        assert (response.status_code, error_of(response)["code"]) == (413, "too_large")


def test_other_methods_and_bodies_that_are_no_json_are_refused(api: httpx2.Client) -> None:
    assert api.get(TEXT).status_code == 405
    assert api.post(TEXT, content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert api.post(TEXT, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("practice-400", (400, "invalid_request")),
        ("practice-401", (502, "auth_failed")),
        ("practice-quota", (402, "quota_exceeded")),
        ("practice-context", (400, "context_length")),
        ("no-such-model", (404, "model_not_found")),
        ("practice-html", (502, "bad_response")),
    ],
)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_failure_before_the_first_word_is_an_http_status(
    api: httpx2.Client, provider: Provider, model: str, expected: tuple[int, str], is_streamed: bool
) -> None:
    response = api.post(TEXT, json=asking(provider, model=model, stream=is_streamed))
    assert (response.status_code, error_of(response)["code"]) == expected
    assert response.headers["content-type"] == "application/json"
    assert error_of(response)["detail"]["hint"]
    assert not UsageRecord.objects.exists()


def test_a_rate_limit_is_waited_for_and_then_answered(
    api: httpx2.Client, provider: Provider, practice_url: str
) -> None:
    started = time.monotonic()
    assert api.post(TEXT, json=asking(provider, model="practice-429")).json()["finish_reason"] == "stop"
    assert time.monotonic() - started >= 4
    assert len(log(practice_url)) == 3
    assert UsageRecord.objects.count() == 1


@pytest.mark.parametrize(
    ("model", "code"), [("practice-error-event", "server_error"), ("practice-cut", "connection_failed")]
)
def test_a_failure_in_the_middle_ends_the_stream_and_is_booked_by_estimate(
    api: httpx2.Client, provider: Provider, practice_url: str, model: str, code: str
) -> None:
    *deltas, (_, end) = read_events(api, TEXT, asking(provider, "Write a long story", model=model))
    assert "".join(data["text"] for _, data in deltas)
    assert (end["status"], end["finish_reason"]) == ("failed", "error")
    assert end["error"]["code"] in {code, "incomplete", "bad_response"}
    assert end["error"]["hint"]
    record = UsageRecord.objects.get()
    assert (record.is_certain, end["usage"]["certain"]) == (False, False)
    assert record.output_tokens > 0
    assert len(log(practice_url)) == 1


def test_usage_that_was_not_told_is_estimated(api: httpx2.Client, provider: Provider) -> None:
    usage = api.post(TEXT, json=asking(provider, model="practice-no-usage")).json()["usage"]
    assert usage["certain"] is False
    assert usage["output_tokens"] > 0


def test_a_reader_who_leaves_takes_the_upstream_call_along(
    api: httpx2.Client, provider: Provider, practice_url: str
) -> None:
    """R34."""
    body = asking(provider, "Write a long story", model="practice-endless", stream=True)
    with api.stream("POST", TEXT, json=body) as response:
        next(response.iter_lines())
    left = time.time()
    (end,) = wait_for(lambda: hung_up(practice_url), 10, "the end of the upstream call")
    assert end - left < 5
    (record,) = wait_for(lambda: list(UsageRecord.objects.all()), 10, "the booking")
    assert (record.is_certain, record.output_tokens > 0) == (False, True)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_caller_who_leaves_before_the_first_word_does_so_too(
    api: httpx2.Client, provider: Provider, practice_url: str, is_streamed: bool
) -> None:
    """R34."""
    with pytest.raises(httpx2.ReadTimeout):
        api.post(TEXT, json=asking(provider, model="practice-silent", stream=is_streamed), timeout=1.5)
    left = time.time()
    (end,) = wait_for(lambda: hung_up(practice_url), 10, "the end of the upstream call")
    assert end - left < 5
    (record,) = wait_for(lambda: list(UsageRecord.objects.all()), 10, "the booking")
    assert (record.is_certain, record.output_tokens) == (False, 0)


def test_a_silent_stream_is_kept_alive_by_comments(
    api: httpx2.Client, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "FIRST_LOOK", 0.2)
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.5)
    body = asking(provider, model="practice-silent", stream=True)
    with api.stream("POST", TEXT, json=body) as response:
        assert next(response.iter_lines()) == ": still here"


def test_a_stream_ends_when_its_token_is_revoked(api: httpx2.Client, provider: Provider, practice_url: str) -> None:
    body = asking(provider, "Write a long story", model="practice-endless", stream=True)
    with api.stream("POST", TEXT, json=body) as response:
        events = events_in(response.iter_lines())
        next(events)
        revoked = time.monotonic()
        revoke_token(token=ApiToken.objects.get())
        *_, (name, end) = events
    assert time.monotonic() - revoked < 5, "a second, and room for a busy machine"
    assert (name, end["status"], end["error"]["code"]) == ("generation-end", "cancelled", "cancelled")
    wait_for(lambda: hung_up(practice_url), 10, "the end of the upstream call")


async def wait_in_vain(api: httpx2.Client, body: dict[str, Any], count: int) -> None:
    """So many callers at once, half of them for a stream; cancelling this hangs them all up."""
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=api.base_url, headers=api.headers, timeout=None, limits=limits, trust_env=False
    ) as client:
        callers = (client.post(TEXT, json={**body, "stream": number % 2 == 0}) for number in range(count))
        await asyncio.gather(*callers)


def test_a_hundred_waiting_callers_leave_other_pages_quick(
    api: httpx2.Client, provider: Provider, practice_url: str
) -> None:
    """R34."""
    waiting = engine.submit(wait_in_vain(api, asking(provider, model="practice-silent"), 100))
    wait_for(lambda: len(log(practice_url)) == 100 or waiting.done(), 60, "a hundred calls")
    times = []
    for _ in range(9):
        started = time.monotonic()
        assert api.get("providers/").status_code == 200
        times.append(time.monotonic() - started)
    assert sorted(times)[4] < 1
    assert not waiting.done()
    waiting.cancel()
    left = time.time()
    wait_for(lambda: len(hung_up(practice_url)) == 100, 30, "the end of all upstream calls")
    assert max(hung_up(practice_url)) - left < 5 * SLOWNESS
    wait_for(lambda: UsageRecord.objects.count() == 100, 30, "a hundred bookings")


def test_an_object_is_valid_and_its_calls_are_booked(api: httpx2.Client, provider: Provider) -> None:
    made = api.post(OBJECT, json=asking(provider, schema=SCHEMA, temperature=0)).json()
    assert made["object"] == {"answer": "practice"}
    assert (made["repairs"], made["dropped"]) == (0, [])
    assert made["strategy"] in {"native", "tool", "json_mode"}
    assert made["usage"]["output_tokens"] == UsageRecord.objects.get().output_tokens > 0


def test_a_repair_is_told_and_booked_as_a_call_of_its_own(api: httpx2.Client, provider: Provider) -> None:
    made = api.post(OBJECT, json=asking(provider, schema=SCHEMA, model="practice-bad-json-then-ok")).json()
    assert made["repairs"] == 1
    records = UsageRecord.objects.all()
    assert len(records) == 2
    assert made["usage"]["input_tokens"] == sum(record.input_tokens for record in records)


def test_no_object_at_all_is_a_typed_error_with_the_raw_answer_and_the_place(
    api: httpx2.Client, provider: Provider
) -> None:
    body = asking(provider, schema=SCHEMA, model="practice-always-bad-json", max_repairs=0)
    response = api.post(OBJECT, json=body)
    error = error_of(response)
    assert (response.status_code, error["code"]) == (502, "invalid_object")
    assert error["detail"]["provider_message"].startswith('{"wrong"')
    assert error["detail"]["path"] == "$"
    assert error["detail"]["problem"]
    assert UsageRecord.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"schema": {"$ref": "https://example.org/schema"}}, (400, "invalid_schema")),
        ({"schema": {"type": "nonsense"}}, (400, "invalid_schema")),
        ({"schema": "x"}, (400, "validation_error")),
        ({"max_repairs": 6}, (400, "validation_error")),
        ({"max_repairs": -1}, (400, "validation_error")),
        ({"stream": True}, (400, "validation_error")),
        ({"prompt": None}, (400, "invalid_request")),
    ],
)
def test_a_schema_or_a_question_that_cannot_be_used_makes_no_call(
    api: httpx2.Client, provider: Provider, practice_url: str, change: dict[str, Any], expected: tuple[int, str]
) -> None:
    response = api.post(OBJECT, json={**asking(provider, schema=SCHEMA), **change})
    assert (response.status_code, error_of(response)["code"]) == expected
    assert log(practice_url) == []


def test_leaving_ends_the_call_for_an_object(api: httpx2.Client, provider: Provider, practice_url: str) -> None:
    """R34."""
    with pytest.raises(httpx2.ReadTimeout):
        api.post(OBJECT, json=asking(provider, schema=SCHEMA, model="practice-silent"), timeout=1.5)
    left = time.time()
    (end,) = wait_for(lambda: hung_up(practice_url), 10, "the end of the upstream call")
    assert end - left < 5
