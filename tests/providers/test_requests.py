"""The one door to a ``ChatRequest``: what makes no sense is refused before anything is sent."""

import copy
from typing import Any

import pytest

from providers.errors import InvalidRequest, RequestRefused
from providers.requests import make_request
from providers.types import ChatMessage, ImagePart, TextPart, ToolCall, ToolDefinition

SYSTEM = ChatMessage("system", "Tell the time.")
USER = ChatMessage("user", "Hello")
CALL = ChatMessage("assistant", "", tool_calls=(ToolCall("c1", "clock", "{}"),))
RESULT = ChatMessage("tool", "noon", tool_call_id="c1")
CLOCK = ToolDefinition("clock", "Tells the time.", {"type": "object"})
PICTURE = ImagePart("image/png", "eA==")
NAN, INFINITY = float("nan"), float("inf")


def refusal(model: str = "m", **question: Any) -> str:
    with pytest.raises(RequestRefused) as error:
        make_request(model, **question)
    assert (error.value.code, error.value.retryable) == (InvalidRequest.code, False)
    assert error.value.detail.endswith(".")
    return error.value.detail


def test_a_prompt_is_one_message_of_the_user() -> None:
    assert make_request("m", prompt="Hello").messages == (USER,)


def test_zero_one_and_nothing_are_values() -> None:
    request = make_request("m", prompt="x", temperature=0, top_p=0, max_tokens=1, seed=0, stop=[])
    assert (request.temperature, request.top_p, request.max_tokens, request.seed, request.stop) == (0, 0, 1, 0, ())
    assert make_request("m", prompt="x").temperature is None


def test_one_stop_text_is_not_taken_apart() -> None:
    assert make_request("m", prompt="x", stop="END").stop == ("END",)


def test_what_was_passed_in_stays_as_it_was() -> None:
    question: dict[str, Any] = {
        "messages": [USER, CALL, RESULT],
        "stop": ["a"],
        "tools": [ToolDefinition("clock", "", {"type": "object", "properties": {}})],
    }
    before = copy.deepcopy(question)
    request = make_request("m", **question)
    question["messages"].append(USER)
    question["stop"].append("b")
    assert (len(request.messages), request.stop) == (3, ("a",))
    question["messages"].pop()
    question["stop"].pop()
    assert question == before


@pytest.mark.parametrize("question", [{}, {"prompt": "x", "messages": [USER]}, {"prompt": None, "messages": None}])
def test_either_a_prompt_or_messages_are_needed(question: dict[str, Any]) -> None:
    assert "either a prompt or messages" in refusal(**question)


@pytest.mark.parametrize("model", ["", " ", "x" * 201, "a\nb", None])
def test_a_model_has_a_name(model: Any) -> None:
    assert "model" in refusal(model, prompt="x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", NAN),
        ("temperature", INFINITY),
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", "0"),
        ("temperature", True),
        ("top_p", NAN),
        ("top_p", 1.1),
        ("max_tokens", 0),
        ("max_tokens", -1),
        ("max_tokens", 1.5),
        ("max_tokens", True),
        ("max_tokens", 10**9),
        ("seed", 2**63),
        ("seed", 1.0),
        ("reasoning_effort", "heroic"),
        ("stop", [""]),
        ("stop", ["x"] * 17),
        ("stop", [1]),
        ("stop", ["x" * 501]),
    ],
)
def test_a_number_out_of_range_is_named(name: str, value: Any) -> None:
    assert name in refusal(prompt="x", **{name: value})


@pytest.mark.parametrize(
    ("messages", "word"),
    [
        ([], "no message of the user"),
        ([ChatMessage("user", " ")], "no message of the user"),
        ([ChatMessage("system", " ")], "no message of the user"),
        ([USER, ChatMessage("assistant", "Hi")], "last message"),
        ([USER, ChatMessage("owl", "x")], "'owl'"),  # type: ignore[arg-type]
        ([USER, RESULT], "answers no tool call"),
        ([USER, CALL], "last message"),
        ([USER, CALL, USER], "before the result of the tool call 'c1'"),
        ([USER, CALL, RESULT, RESULT], "answers no tool call"),
        ([ChatMessage("user", "x", tool_calls=CALL.tool_calls)], "only the assistant"),
        ([ChatMessage("user", "x", tool_call_id="c1")], "tool_call_id"),
        ([USER, ChatMessage("assistant", "", tool_calls=(ToolCall("", "a", "{}"),))], "id of its own"),
        ([USER, ChatMessage("assistant", "", tool_calls=CALL.tool_calls * 2)], "id of its own"),
        ([{"role": "user", "content": "x"}], "ChatMessage"),
        ([ChatMessage("user", 7)], "ChatMessage"),  # type: ignore[arg-type]
        ([ChatMessage("user", ("x",))], "ChatMessage"),  # type: ignore[arg-type]
    ],
)
def test_roles_in_an_order_that_makes_no_sense_are_refused(messages: list[Any], word: str) -> None:
    assert word in refusal(messages=messages)


@pytest.mark.parametrize(
    "messages",
    [[SYSTEM], [USER, SYSTEM], [USER, ChatMessage("assistant", "Hi"), SYSTEM], [ChatMessage("user", ""), SYSTEM]],
)
def test_the_system_may_ask_too(messages: list[ChatMessage]) -> None:
    assert make_request("m", messages=messages).messages == tuple(messages)


def test_a_finished_tool_call_is_in_order() -> None:
    assert make_request("m", messages=[USER, CALL, RESULT], tools=[CLOCK]).messages[-1] == RESULT
    told = [USER, CALL, RESULT, ChatMessage("assistant", "Noon."), USER]
    assert make_request("m", messages=told).messages == tuple(told)


@pytest.mark.parametrize(
    ("tools", "choice", "word"),
    [
        ([], "required", "needs tools"),
        ([CLOCK], "calendar", "clock"),
        ([CLOCK, CLOCK], None, "same name"),
        ([ToolDefinition("a b", "", {})], None, "name"),
        ([ToolDefinition("a", "", "x")], None, "JSON schema"),  # type: ignore[arg-type]
        ([ToolDefinition(f"t{number}", "", {}) for number in range(129)], None, "128"),
    ],
)
def test_tools_that_no_dialect_takes_are_refused(tools: list[ToolDefinition], choice: str | None, word: str) -> None:
    assert word in refusal(prompt="x", tools=tools, tool_choice=choice)


def test_images_are_the_user_s_and_not_too_many() -> None:
    twenty = ChatMessage("user", (TextPart("Look"), *[PICTURE] * 20))
    assert make_request("m", messages=[twenty]).messages == (twenty,)
    assert "at most 20" in refusal(messages=[twenty, ChatMessage("user", (PICTURE,))])
    assert "only the user's" in refusal(messages=[USER, ChatMessage("assistant", (PICTURE,)), USER])
