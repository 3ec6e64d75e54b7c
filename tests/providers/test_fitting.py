"""What a model does not take is left out by name or refused, in one place, and what is really sent shows it."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from providers import engine
from providers.errors import RequestRefused
from providers.fitting import LONGEST_ANSWER
from providers.generation import generate_text, stream_text
from providers.images import image_from_bytes
from providers.models import Provider, ProviderModel
from providers.practice import running_practice
from providers.structured import generate_object
from providers.types import ChatMessage, Completion, Finish, FinishReason, TextPart, ToolCall, ToolDefinition
from tests.factories import make_provider

pytestmark = pytest.mark.django_db(transaction=True)
MODEL = "practice-fast"
PICTURE = image_from_bytes(b"\x89PNG\r\n\x1a\n")
CLOCK = ToolDefinition("clock", "Tells the time.", {"type": "object", "properties": {"zone": {"type": "string"}}})
USER = ChatMessage("user", "Hello")


@pytest.fixture(scope="module")
def practice_url() -> Iterator[str]:
    with running_practice() as url:
        yield url


@pytest.fixture(params=["openai-compatible", "openai", "deepseek", "anthropic"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def provider(practice_url: str, kind: str) -> Provider:
    return provider_of(practice_url, kind)


def provider_of(practice_url: str, kind: str) -> Provider:
    httpx2.delete(f"{practice_url}/log", trust_env=False)
    base_url = practice_url if kind == "anthropic" else f"{practice_url}/v1"
    return make_provider(kind=kind, base_url=base_url, api_key="practice")


def bodies(practice_url: str) -> list[dict[str, Any]]:
    entries = httpx2.get(f"{practice_url}/log", trust_env=False).json()
    return [entry["body"] for entry in entries if entry["method"] == "POST"]


def ask(provider: Provider, model: str = MODEL, **question: Any) -> Completion:
    return engine.run(generate_text(provider, model, **question), timeout=20)


def test_zero_and_one_are_really_sent(practice_url: str) -> None:
    provider = provider_of(practice_url, "openai-compatible")
    answer = ask(provider, prompt="Hello", temperature=0, top_p=0, max_tokens=1, seed=0, stop=[])
    (body,) = bodies(practice_url)
    assert {name: body[name] for name in ("temperature", "top_p", "max_tokens", "seed")} == {
        "temperature": 0,
        "top_p": 0,
        "max_tokens": 1,
        "seed": 0,
    }
    assert "stop" not in body
    assert (answer.finish_reason, answer.dropped) == (FinishReason.LENGTH, ())


def test_what_the_anthropic_dialect_does_not_take_is_told_and_not_sent(practice_url: str) -> None:
    provider = provider_of(practice_url, "anthropic")
    answer = ask(provider, prompt="Hello", temperature=0, top_p=0.5, max_tokens=1, seed=0, stop=["END"])
    assert answer.dropped == ("temperature", "top_p", "seed")
    (body,) = bodies(practice_url)
    assert not {"temperature", "top_p", "seed"} & set(body)
    assert (body["max_tokens"], body["stop_sequences"]) == (1, ["END"])


def test_what_the_model_does_not_take_is_told_in_the_stream_too(provider: Provider, practice_url: str) -> None:
    ProviderModel.objects.create(provider=provider, model_id=MODEL, capabilities={"reasoning": False})

    async def last() -> object:
        events = [event async for event in stream_text(provider, MODEL, prompt="Hello", reasoning_effort="high")]
        return events[-1]

    finish = engine.run(last(), timeout=20)
    assert isinstance(finish, Finish)
    assert finish.dropped == ("reasoning_effort",)
    (body,) = bodies(practice_url)
    assert not {"reasoning_effort", "thinking", "output_config"} & set(body)


def test_an_object_tells_what_was_dropped(practice_url: str) -> None:
    provider = provider_of(practice_url, "anthropic")
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    asking = generate_object(provider, MODEL, prompt="Who are you?", schema=schema, temperature=0)
    made = engine.run(asking, timeout=20)
    assert (made.object, made.dropped) == ({"answer": "practice"}, ("temperature",))


@pytest.mark.parametrize(
    ("told", "asked", "sent"),
    [(64_000, None, LONGEST_ANSWER), (4_096, None, 4_096), (4_096, 1, 1), (None, None, 8_192)],
)
def test_an_open_limit_becomes_the_model_s_own(
    practice_url: str, told: int | None, asked: int | None, sent: int
) -> None:
    provider = provider_of(practice_url, "anthropic")
    ProviderModel.objects.create(provider=provider, model_id=MODEL, max_output_tokens=told)
    ask(provider, prompt="Hello", max_tokens=asked)
    assert bodies(practice_url)[0]["max_tokens"] == sent


def test_a_limit_stays_open_where_the_dialect_allows_it(practice_url: str) -> None:
    provider = provider_of(practice_url, "openai")
    ProviderModel.objects.create(provider=provider, model_id=MODEL, max_output_tokens=4_096)
    ask(provider, prompt="Hello")
    assert not {"max_tokens", "max_completion_tokens"} & set(bodies(practice_url)[0])


def test_a_model_that_cannot_see_is_not_called(provider: Provider, practice_url: str) -> None:
    ProviderModel.objects.create(provider=provider, model_id=MODEL, capabilities={"vision": False})
    question = ChatMessage("user", (TextPart("What is this?"), PICTURE))
    with pytest.raises(RequestRefused) as error:
        ask(provider, messages=[question])
    assert "cannot see images. Choose a model that can" in error.value.detail
    assert bodies(practice_url) == []


def test_a_model_that_calls_no_tools_is_not_called(provider: Provider, practice_url: str) -> None:
    ProviderModel.objects.create(provider=provider, model_id=MODEL, capabilities={"tools": False})
    with pytest.raises(RequestRefused, match="cannot be sent"):
        ask(provider, prompt="Hello", tools=[CLOCK])
    assert bodies(practice_url) == []


def test_a_request_that_makes_no_sense_makes_no_call(provider: Provider, practice_url: str) -> None:
    with pytest.raises(RequestRefused):
        ask(provider, prompt="Hello", temperature=float("nan"))
    assert bodies(practice_url) == []


def test_an_image_arrives_in_each_dialect(provider: Provider, practice_url: str, kind: str) -> None:
    question = ChatMessage("user", (TextPart("What is this?"), PICTURE))
    assert ask(provider, messages=[question]).text
    parts = bodies(practice_url)[0]["messages"][-1]["content"]
    if kind == "anthropic":
        source = {"type": "base64", "media_type": "image/png", "data": PICTURE.data}
        assert parts == [{"type": "text", "text": "What is this?"}, {"type": "image", "source": source}]
    else:
        url = {"url": f"data:image/png;base64,{PICTURE.data}"}
        assert parts == [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": url}]


def test_a_tool_is_offered_called_and_answered(provider: Provider, practice_url: str, kind: str) -> None:
    question = ChatMessage("user", "Ask the clock, please.")
    first = ask(provider, messages=[question], tools=[CLOCK], tool_choice="clock")
    assert first.finish_reason is FinishReason.TOOL_CALLS
    (call,) = first.tool_calls
    assert (call.name, call.arguments) == ("clock", '{"zone": "practice"}')
    asked = ChatMessage("assistant", first.text, tool_calls=first.tool_calls)
    result = ChatMessage("tool", "noon", tool_call_id=call.id)
    second = ask(provider, messages=[question, asked, result], tools=[CLOCK])
    assert second.finish_reason is FinishReason.STOP
    offered, answered = bodies(practice_url)
    if kind == "anthropic":
        assert offered["tools"][0]["input_schema"] == CLOCK.parameters
        assert offered["tool_choice"] == {"type": "tool", "name": "clock"}
        use = {"type": "tool_use", "id": call.id, "name": "clock", "input": {"zone": "practice"}}
        assert answered["messages"][1:] == [
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "noon"}]},
        ]
    else:
        assert offered["tools"][0]["function"]["parameters"] == CLOCK.parameters
        assert offered["tool_choice"] == {"type": "function", "function": {"name": "clock"}}
        function = {"name": "clock", "arguments": call.arguments}
        made = [{"id": call.id, "type": "function", "function": function}]
        assert answered["messages"][1:] == [
            {"role": "assistant", "content": "", "tool_calls": made},
            {"role": "tool", "content": "noon", "tool_call_id": call.id},
        ]


def test_the_system_prompt_stands_where_the_dialect_wants_it(provider: Provider, practice_url: str, kind: str) -> None:
    ask(provider, prompt="Hello", system_prompt="Be brief.")
    (body,) = bodies(practice_url)
    if kind == "anthropic":
        assert (body["system"], [message["role"] for message in body["messages"]]) == ("Be brief.", ["user"])
    else:
        assert body["messages"][0] == {"role": "system", "content": "Be brief."}


def test_empty_and_repeated_roles_are_made_right_for_anthropic(practice_url: str) -> None:
    provider = provider_of(practice_url, "anthropic")
    messages = [
        ChatMessage("assistant", "Welcome."),
        USER,
        ChatMessage("assistant", " "),
        ChatMessage("user", "Are you there?"),
        ChatMessage("system", "Be kind."),
        ChatMessage("user", "Well?"),
    ]
    ask(provider, messages=messages)
    (body,) = bodies(practice_url)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]
    assert [part["text"] for part in body["messages"][2]["content"]] == ["Hello", "Are you there?", "Well?"]
    assert body["system"] == "Be kind."


def test_what_is_said_beside_a_tool_call_is_sent_with_it(provider: Provider, practice_url: str) -> None:
    asked = ChatMessage("assistant", "Let me look.", tool_calls=(ToolCall("c1", "clock", "{}"),))
    ask(provider, messages=[USER, asked, ChatMessage("tool", "noon", tool_call_id="c1")], tools=[CLOCK])
    assert "Let me look." in str(bodies(practice_url)[0]["messages"])
