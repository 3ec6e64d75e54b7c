"""The gateway for clients that speak OpenAI's responses, over a real socket, against the practice provider."""

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from accounts.models import User
from providers.models import Provider, UsageRecord
from tests.agents.conftest import asked
from tests.factories import make_agent
from tests.live import LIMIT
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

FAST = "practice/practice-fast"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": False,
}


class City(BaseModel):
    name: str
    people: int


def test_a_text_is_answered_and_booked(sdk: openai.OpenAI, owner: User, practice_url: str) -> None:
    response = sdk.responses.create(model=FAST, input="echo: hello", instructions="Be brief.", max_output_tokens=50)
    assert (response.output_text, response.status, response.store) == ("hello", "completed", False)  # type: ignore[attr-defined]
    assert (response.model, response.instructions, response.error) == (FAST, "Be brief.", None)
    body = asked(practice_url)[-1]["body"]
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["max_tokens"] == 50
    wait_for(UsageRecord.objects.filter(user=owner).exists, LIMIT, "the entry in the ledger")
    record = UsageRecord.objects.get(user=owner)
    assert response.usage is not None
    assert (record.input_tokens, record.output_tokens) == (response.usage.input_tokens, response.usage.output_tokens)


def test_a_stream_tells_its_events_in_the_documented_order(sdk: openai.OpenAI) -> None:
    with sdk.responses.stream(model=FAST, input="Show me a table") as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    before, after = [kind for kind in kinds if "delta" not in kind][:4], [k for k in kinds if "delta" not in k][4:]
    assert before == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert after == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == final.output_text
    assert final.usage is not None
    assert final.usage.output_tokens > 0


def test_a_tool_is_called_and_its_result_is_taken_without_any_memory(sdk: openai.OpenAI, practice_url: str) -> None:
    question: list[Any] = [{"role": "user", "content": [{"type": "input_text", "text": "Please get_weather"}]}]
    first = sdk.responses.create(model=FAST, input=question, tools=[WEATHER])
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "practice"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    items: list[Any] = [*question, *first.output, result]
    again = sdk.responses.create(model=FAST, input=items, tools=[WEATHER])
    assert again.output_text
    messages = asked(practice_url)[-1]["body"]["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"] == call.call_id


def test_a_streamed_tool_call_comes_with_its_arguments(sdk: openai.OpenAI) -> None:
    choice: Any = {"type": "function", "name": "get_weather"}
    with sdk.responses.stream(model=FAST, input="hi", tools=[WEATHER], tool_choice=choice) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert "response.function_call_arguments.delta" in kinds
    assert "response.function_call_arguments.done" in kinds
    (call,) = [item for item in final.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"city": "practice"}


def test_structured_output_is_parsed_by_the_client(sdk: openai.OpenAI) -> None:
    assert isinstance(sdk.responses.parse(model=FAST, input="hi", text_format=City).output_parsed, City)


def test_reasoning_is_an_item_that_can_be_sent_back(sdk: openai.OpenAI) -> None:
    first = sdk.responses.create(model="practice/practice-reasoning", input="echo: x")
    assert [item.type for item in first.output] == ["reasoning", "message"]
    more: list[Any] = [{"role": "user", "content": "echo: x"}, *first.output, {"role": "user", "content": "echo: y"}]
    assert sdk.responses.create(model=FAST, input=more, store=False).output_text == "y"
    with sdk.responses.stream(model="practice/practice-reasoning", input="echo: x") as stream:
        kinds = {event.type for event in stream}
    assert "response.reasoning_summary_text.delta" in kinds


def test_an_agent_answers_without_showing_its_prompt(sdk: openai.OpenAI, owner: User, provider: Provider) -> None:
    make_agent(owner, provider, name="Poet", model="practice-fast", system_prompt="Rhyme in secret.")
    response = sdk.responses.create(model="agent/poet", input="echo: hello")
    assert response.output_text == "hello"
    assert "secret" not in response.to_json()


def test_what_needs_memory_is_refused_with_a_sentence(sdk: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="stores no responses") as failure:
        sdk.responses.create(model=FAST, input="hi", previous_response_id="resp_1")
    assert failure.value.param == "previous_response_id"
    wrongs: list[dict[str, Any]] = [
        {"background": True},
        {"tools": [{"type": "web_search"}]},
        {"input": [{"type": "item_reference"}]},
    ]
    for wrong in wrongs:
        with pytest.raises(openai.BadRequestError):
            sdk.responses.create(**{"model": FAST, "input": "hi", **wrong})
    with pytest.raises(openai.NotFoundError):
        sdk.responses.retrieve("resp_1")


def test_an_answer_that_is_cut_off_is_incomplete(sdk: openai.OpenAI) -> None:
    response = sdk.responses.create(model=FAST, input="Write a long story", max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


def test_a_failure_in_the_middle_ends_the_response_as_failed(sdk: openai.OpenAI) -> None:
    events = list(sdk.responses.create(model="practice/practice-error-event", input="Write a story", stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error is not None
    assert events[-1].response.error.code == "server_error"


def test_a_failure_at_once_is_a_status(sdk: openai.OpenAI) -> None:
    for stream in (False, True):
        with pytest.raises(openai.RateLimitError):
            sdk.responses.create(model="practice/practice-quota", input="hi", stream=stream)
