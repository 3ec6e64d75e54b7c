"""The gateway for OpenAI's own sdk: chat completions over a real socket, against the practice provider."""

import asyncio
import base64
import json
import time
from typing import Any

import httpx2
import openai
import pytest
from pydantic import BaseModel

from accounts.models import User
from providers.models import Provider, ProviderModel, UsageRecord
from tests.agents.conftest import asked
from tests.agents.gateway import openai_client
from tests.factories import make_agent, make_provider
from tests.live import LIMIT
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

FAST = "practice/practice-fast"
HELLO: list[Any] = [{"role": "user", "content": "echo: 👩‍🚀 Grüße"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 16).decode()


class City(BaseModel):
    name: str
    people: int


def booked(user: User) -> UsageRecord:
    """The one entry of the ledger; it is written right after the answer."""
    records = UsageRecord.objects.filter(user=user)
    wait_for(records.exists, LIMIT, "the entry in the ledger")
    return records.get()


def test_a_completion_has_all_that_clients_look_for(sdk: openai.OpenAI, owner: User, provider: Provider) -> None:
    answer = sdk.chat.completions.create(model=FAST, messages=HELLO)
    (choice,) = answer.choices
    assert (choice.message.content, choice.message.role, choice.finish_reason) == ("👩‍🚀 Grüße", "assistant", "stop")
    assert (answer.model, answer.object, answer.id[:9]) == (FAST, "chat.completion", "chatcmpl-")
    raw: Any = answer.to_dict()
    assert raw["choices"][0]["message"]["refusal"] is None
    assert raw["choices"][0]["logprobs"] is None
    record = booked(owner)
    assert answer.usage is not None
    assert (record.provider, record.model, record.agent_name) == (provider, "practice-fast", "")
    assert (record.input_tokens, record.output_tokens) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    assert record.output_tokens > 0


def test_a_stream_says_the_same_in_whole_chunks(sdk: openai.OpenAI, owner: User) -> None:
    question: list[Any] = [{"role": "user", "content": "Show me a table"}]
    whole = sdk.chat.completions.create(model=FAST, messages=question)
    stream = sdk.chat.completions.create(
        model=FAST, messages=question, stream=True, stream_options={"include_usage": True}
    )
    told: list[Any] = [chunk.to_dict() for chunk in stream]
    *chunks, last = told
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content") or "" for delta in deltas) == whole.choices[0].message.content
    assert {chunk["id"] for chunk in chunks} == {last["id"]}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"][0]["finish_reason"]] == [
        "stop"
    ]
    for chunk in chunks:
        assert set(chunk) == {"id", "object", "created", "model", "choices", "usage"}
        assert set(chunk["choices"][0]) == {"index", "delta", "finish_reason", "logprobs"}
        assert (chunk["object"], chunk["model"], chunk["usage"]) == ("chat.completion.chunk", FAST, None)
    assert (last["choices"], last["usage"]) == ([], whole.usage.to_dict() if whole.usage else None)
    wait_for(lambda: UsageRecord.objects.filter(user=owner).count() == 2, LIMIT, "both entries in the ledger")


def test_without_the_option_a_stream_tells_no_usage(sdk: openai.OpenAI) -> None:
    chunks = list(sdk.chat.completions.create(model=FAST, messages=HELLO, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


@pytest.mark.parametrize("before", [[], HELLO, [*HELLO, {"role": "assistant", "content": "Hello!"}]])
@pytest.mark.parametrize("role", ["system", "developer"])
def test_the_system_may_speak_last(sdk: openai.OpenAI, practice_url: str, role: str, before: list[Any]) -> None:
    messages: list[Any] = [*before, {"role": role, "content": "Say hello."}]
    assert sdk.chat.completions.create(model=FAST, messages=messages).choices[0].message.content
    assert asked(practice_url)[-1]["body"]["messages"] == [*before, {"role": "system", "content": "Say hello."}]


def test_tools_are_called_and_their_results_are_taken(sdk: openai.OpenAI, practice_url: str) -> None:
    question: list[Any] = [{"role": "user", "content": "Please get_weather for me"}]
    choice = sdk.chat.completions.create(model=FAST, messages=question, tools=[WEATHER]).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    (call,) = choice.message.tool_calls
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "practice"})
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny"}
    messages = [*question, choice.message, result]
    after = sdk.chat.completions.create(
        model=FAST,
        messages=messages,
        tools=[WEATHER],
        parallel_tool_calls=False,
    )
    assert after.choices[0].message.content
    sent = asked(practice_url)[-1]["body"]
    assert sent["messages"][-1] == result
    assert sent["messages"][-2]["tool_calls"][0]["id"] == call.id
    assert sent["tools"] == [WEATHER]
    assert sent["parallel_tool_calls"] is False


def test_a_tool_call_streams_in_pieces(sdk: openai.OpenAI) -> None:
    choice: Any = {"type": "function", "function": {"name": "get_weather"}}
    with sdk.chat.completions.stream(model=FAST, messages=HELLO, tools=[WEATHER], tool_choice=choice) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert calls is not None
    assert json.loads(calls[0].function.arguments) == {"city": "practice"}
    assert calls[0].id
    assert final.choices[0].finish_reason == "tool_calls"


def test_structured_output_is_parsed_by_the_client(sdk: openai.OpenAI, practice_url: str) -> None:
    answer = sdk.chat.completions.parse(model=FAST, messages=HELLO, response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)
    sent = asked(practice_url)[-1]["body"]["response_format"]
    assert sent["json_schema"]["schema"]["required"] == ["name", "people"]


def test_json_mode_is_passed_on(sdk: openai.OpenAI) -> None:
    answer = sdk.chat.completions.create(model=FAST, messages=HELLO, response_format={"type": "json_object"})
    assert json.loads(answer.choices[0].message.content or "") == {"answer": HELLO[0]["content"]}


def test_parameters_and_images_arrive_and_what_has_no_effect_stays_here(sdk: openai.OpenAI, practice_url: str) -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}", "detail": "low"}}
    content: Any = [{"type": "text", "text": "echo: seen"}, image]
    sdk.chat.completions.create(
        model=FAST,
        messages=[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": content}],
        temperature=0,
        top_p=0.5,
        seed=7,
        stop=["END"],
        max_completion_tokens=40,
        n=1,
        user="somebody",
        store=True,
        metadata={"a": "b"},
    )
    body = asked(practice_url)[-1]["body"]
    assert (body["temperature"], body["top_p"], body["seed"], body["stop"]) == (0, 0.5, 7, ["END"])
    assert body["max_tokens"] == 40
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["messages"][1]["content"][1]["image_url"]["url"].endswith(PNG)
    assert not {"user", "store", "metadata", "n"} & set(body)


def test_an_agent_answers_with_its_prompt_first_its_parameters_and_its_fallbacks(
    sdk: openai.OpenAI, owner: User, provider: Provider, practice_url: str
) -> None:
    agent = make_agent(
        owner,
        provider,
        name="Poet",
        model="practice-503",
        system_prompt="Rhyme.",
        temperature=0,
        max_tokens=50,
        fallbacks=[{"provider": str(provider.pk), "model": "practice-fast"}],
    )
    messages: list[Any] = [{"role": "system", "content": "In English."}, *HELLO]
    answer = sdk.chat.completions.create(
        model=f"agent/{agent.slug}", messages=messages, temperature=1, max_tokens=500, top_p=0.5
    )
    assert (answer.choices[0].message.content, answer.model) == ("👩‍🚀 Grüße", "agent/poet")
    first, second = (entry["body"] for entry in asked(practice_url))
    assert (first["model"], second["model"]) == ("practice-503", "practice-fast")
    assert [message["content"] for message in second["messages"][:2]] == ["Rhyme.", "In English."]
    assert (second["temperature"], second["max_tokens"], second["top_p"]) == (0, 50, 0.5)
    assert "Rhyme" not in answer.to_json()
    assert booked(owner).agent_name == "Poet"


@pytest.mark.parametrize(
    "wish",
    [{}, {"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}],
)
def test_an_agent_s_schema_wins(
    bare: httpx2.Client, owner: User, provider: Provider, practice_url: str, wish: dict[str, object]
) -> None:
    schema = {"type": "object", "properties": {"rhyme": {"type": "string"}}, "required": ["rhyme"]}
    make_agent(owner, provider, name="Poet", model="practice-fast", response_schema=schema)
    body = {"model": "agent/poet", "messages": HELLO, **({"response_format": wish} if wish else {})}
    answer = bare.post("chat/completions", json=body)
    assert (answer.status_code, "wiz-dropped" in answer.headers) == (200, False)
    assert asked(practice_url)[-1]["body"]["response_format"]["json_schema"]["schema"] == schema


def test_an_agent_s_schema_is_left_out_where_its_model_does_not_take_it(
    bare: httpx2.Client, owner: User, provider: Provider, practice_url: str
) -> None:
    ProviderModel.objects.create(provider=provider, model_id="practice-fast", capabilities={"json_schema": False})
    make_agent(owner, provider, name="Poet", model="practice-fast", response_schema={"type": "object"})
    answer = bare.post("chat/completions", json={"model": "agent/poet", "messages": HELLO})
    assert (answer.status_code, answer.headers["wiz-dropped"]) == (200, "response_schema")
    assert "response_format" not in asked(practice_url)[-1]["body"]


def test_what_a_model_does_not_take_is_left_out_and_told(bare: httpx2.Client, provider: Provider) -> None:
    ProviderModel.objects.create(provider=provider, model_id="practice-fast", capabilities={"sampling": False})
    answer = bare.post("chat/completions", json={"model": FAST, "messages": HELLO, "temperature": 1, "top_p": 1})
    assert (answer.status_code, answer.headers["wiz-dropped"]) == (200, "temperature, top_p")


@pytest.mark.parametrize(
    ("model", "expected", "code"),
    [
        ("practice/practice-404", openai.NotFoundError, "model_not_found"),
        ("practice/practice-400", openai.BadRequestError, "invalid_request"),
        ("practice/practice-context", openai.BadRequestError, "context_length_exceeded"),
        ("practice/practice-403", openai.PermissionDeniedError, "permission_denied"),
        ("practice/practice-429", openai.RateLimitError, "rate_limit_exceeded"),
        ("practice/practice-quota", openai.RateLimitError, "insufficient_quota"),
        ("practice/practice-503", openai.InternalServerError, "overloaded"),
        ("practice/practice-401", openai.InternalServerError, "auth_failed"),
        ("practice/practice-html", openai.InternalServerError, "bad_response"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_s_failure_raises_the_client_s_own_exception(
    sdk: openai.OpenAI, model: str, expected: type[openai.APIStatusError], code: str, stream: bool
) -> None:
    with pytest.raises(expected) as failure:
        sdk.chat.completions.create(model=model, messages=HELLO, stream=stream)
    assert failure.value.code == code
    assert isinstance(failure.value.body, dict)
    assert set(failure.value.body) == {"message", "type", "param", "code"}


def test_too_many_requests_say_when_to_come_again_and_the_client_does(sdk: openai.OpenAI) -> None:
    fresh: list[Any] = [{"role": "user", "content": "echo: too fast"}]  # the fault counts by conversation
    with pytest.raises(openai.RateLimitError) as failure:
        sdk.chat.completions.create(model="practice/practice-429", messages=fresh)
    assert failure.value.response.headers["retry-after"] == "2"
    patient = sdk.with_options(max_retries=2)
    other: list[Any] = [{"role": "user", "content": "echo: patience"}]
    answer = patient.chat.completions.create(model="practice/practice-429-ms", messages=other)
    assert answer.choices[0].message.content == "patience"


def test_what_cannot_succeed_is_not_tried_again_by_the_client(sdk: openai.OpenAI, practice_url: str) -> None:
    with pytest.raises(openai.InternalServerError):
        sdk.with_options(max_retries=2).chat.completions.create(model="practice/practice-401", messages=HELLO)
    assert len(asked(practice_url)) == 1


def test_a_failure_in_the_middle_is_raised_after_what_was_said(sdk: openai.OpenAI, owner: User) -> None:
    question: list[Any] = [{"role": "user", "content": "Write a long story"}]
    said = []
    with pytest.raises(openai.APIError) as failure:
        for chunk in sdk.chat.completions.create(model="practice/practice-error-event", messages=question, stream=True):
            said.append(chunk.choices[0].delta.content or "")
    assert len("".join(said)) > 50
    assert failure.value.code == "server_error"
    assert not booked(owner).is_certain


def test_leaving_a_stream_ends_the_call(sdk: openai.OpenAI, owner: User, practice_url: str) -> None:
    stream = sdk.chat.completions.create(model="practice/practice-endless", messages=HELLO, stream=True)
    for _, chunk in zip(range(5), stream, strict=False):
        assert chunk.choices
    stream.close()
    left = time.time()
    wait_for(lambda: asked(practice_url)[-1]["ended"] == "client hung up", LIMIT, "the end of the upstream call")
    assert asked(practice_url)[-1]["end"] - left < 5
    assert not booked(owner).is_certain


def test_giving_up_on_a_whole_answer_ends_the_call(bare: httpx2.Client, practice_url: str) -> None:
    body = {"model": "practice/practice-silent", "messages": HELLO}
    with pytest.raises(httpx2.ReadTimeout):
        bare.post("chat/completions", json=body, timeout=1.5)
    wait_for(lambda: asked(practice_url)[-1]["ended"] == "client hung up", LIMIT, "the end of the upstream call")


def test_the_asynchronous_client_works_as_well(site: str, token: str, provider: Provider) -> None:
    async def ask() -> tuple[str, str]:
        async with openai.AsyncOpenAI(
            api_key=token, base_url=f"{site}/v1", http_client=httpx2.AsyncClient(trust_env=False, timeout=LIMIT)
        ) as sdk:
            whole = await sdk.chat.completions.create(model=FAST, messages=HELLO)
            stream = await sdk.chat.completions.create(model=FAST, messages=HELLO, stream=True)
            streamed = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return whole.choices[0].message.content or "", "".join(streamed)

    assert asyncio.run(ask()) == ("👩‍🚀 Grüße", "👩‍🚀 Grüße")


def test_reasoning_is_told_beside_the_answer(sdk: openai.OpenAI) -> None:
    message = sdk.chat.completions.create(model="practice/practice-reasoning", messages=HELLO).choices[0].message
    assert message.to_dict()["reasoning_content"]
    assert message.content == "👩‍🚀 Grüße"


def test_log_probabilities_are_passed_on_in_both_ways(sdk: openai.OpenAI, practice_url: str) -> None:
    whole = sdk.chat.completions.create(model=FAST, messages=HELLO, logprobs=True, top_logprobs=2).choices[0]
    assert whole.logprobs is not None
    assert whole.logprobs.content is not None
    assert "".join(token.token for token in whole.logprobs.content) == whole.message.content
    assert (whole.logprobs.refusal, len(whole.logprobs.content[0].top_logprobs)) == (None, 2)
    assert bytes(whole.logprobs.content[0].bytes or []).decode() == whole.logprobs.content[0].token
    sent = asked(practice_url)[-1]["body"]
    assert (sent["logprobs"], sent["top_logprobs"]) == (True, 2)
    told = []
    for chunk in sdk.chat.completions.create(model=FAST, messages=HELLO, logprobs=True, stream=True):
        choice = chunk.choices[0]
        tokens = (choice.logprobs and choice.logprobs.content) or []
        assert "".join(token.token for token in tokens) == (choice.delta.content or "")
        told += tokens
    assert "".join(token.token for token in told) == whole.message.content
    assert told[0].top_logprobs == []


def test_a_dialect_without_log_probabilities_says_so(
    site: str, token: str, owner: User, practice_url: str, private_providers_allowed: None
) -> None:
    make_provider(owner, name="Claude", kind="anthropic", base_url=practice_url, api_key="practice")
    with openai_client(site, token) as sdk, pytest.raises(openai.BadRequestError) as failure:
        sdk.chat.completions.create(model="claude/practice-fast", messages=HELLO, logprobs=True)
    assert (failure.value.param, failure.value.code) == ("logprobs", "invalid_request")
    assert "Anthropic" in failure.value.message
