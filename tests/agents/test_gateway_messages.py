"""The gateway for Anthropic's own client, over a real socket, against the practice provider in both dialects."""

import base64
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import pytest

from accounts.models import User
from providers.models import Provider, UsageRecord
from tests.agents.conftest import asked
from tests.agents.gateway import anthropic_client
from tests.factories import make_agent, make_provider
from tests.live import LIMIT
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

HELLO: list[Any] = [{"role": "user", "content": "echo: 👩‍🚀 hello"}]
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 16).decode()
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def claude(site: str, token: str, provider: Provider) -> Iterator[anthropic.Anthropic]:
    with anthropic_client(site, api_key=token) as client:
        yield client


@pytest.fixture(params=["practice", "vendor"])
def fast(request: pytest.FixtureRequest, owner: User, provider: Provider, practice_url: str) -> str:
    """The same model behind a provider of either dialect."""
    make_provider(owner, name="Vendor", kind="anthropic", base_url=practice_url, api_key="practice")
    return f"{request.param}/practice-fast"


def test_a_message_is_answered_and_booked(claude: anthropic.Anthropic, owner: User, fast: str) -> None:
    message = claude.messages.create(model=fast, max_tokens=100, messages=HELLO, system="Be brief.")
    (block,) = message.content
    assert block.type == "text"
    assert (block.text, message.stop_reason, message.model, message.role) == (
        "👩‍🚀 hello",
        "end_turn",
        fast,
        "assistant",
    )
    wait_for(UsageRecord.objects.filter(user=owner).exists, LIMIT, "the entry in the ledger")
    record = UsageRecord.objects.get(user=owner)
    assert (record.input_tokens, record.output_tokens) == (message.usage.input_tokens, message.usage.output_tokens)
    assert record.output_tokens > 0


def test_a_stream_adds_up_to_the_same(claude: anthropic.Anthropic, fast: str) -> None:
    question: list[Any] = [{"role": "user", "content": "Show me a table"}]
    whole = claude.messages.create(model=fast, max_tokens=500, messages=question)
    with claude.messages.stream(model=fast, max_tokens=500, messages=question) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert whole.content[0].type == "text"
    assert text == whole.content[0].text
    assert len(final.content) == len(whole.content) == 1
    assert (final.stop_reason, final.usage.output_tokens) == (whole.stop_reason, whole.usage.output_tokens)
    assert final.usage.input_tokens == whole.usage.input_tokens


def test_the_events_come_in_the_documented_order(claude: anthropic.Anthropic, fast: str) -> None:
    events = [event.type for event in claude.messages.create(model=fast, max_tokens=9, messages=HELLO, stream=True)]
    once = [kind for kind in events if kind != "content_block_delta"]
    assert once == ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_tool_is_called_and_its_result_is_taken(
    claude: anthropic.Anthropic, fast: str, practice_url: str, is_streamed: bool
) -> None:
    question: list[Any] = [{"role": "user", "content": "Please get_weather for me"}]
    options: dict[str, Any] = {"model": fast, "max_tokens": 100, "tools": [WEATHER]}
    if is_streamed:
        with claude.messages.stream(messages=question, **options) as stream:
            message = stream.get_final_message()
    else:
        message = claude.messages.create(messages=question, **options)
    assert message.stop_reason == "tool_use"
    call = message.content[-1]
    assert call.type == "tool_use"
    assert (call.name, call.input) == ("get_weather", {"city": "practice"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "sunny"}]}
    messages = [*question, {"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    after = claude.messages.create(messages=messages, **options)
    assert after.stop_reason == "end_turn"
    assert "sunny" in str(asked(practice_url)[-1]["body"]["messages"][-1])


def test_structured_output_is_passed_on(claude: anthropic.Anthropic, fast: str, practice_url: str) -> None:
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    config: Any = {"format": {"type": "json_schema", "schema": schema}}
    message = claude.messages.create(model=fast, max_tokens=100, messages=HELLO, output_config=config)
    assert message.content[0].type == "text"
    assert message.content[0].text == '{"name": "practice"}'


def test_images_blocks_and_stop_sequences_arrive(
    claude: anthropic.Anthropic, provider: Provider, practice_url: str
) -> None:
    image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    text: Any = {"type": "text", "text": "echo: seen", "cache_control": {"type": "ephemeral"}}
    claude.messages.create(
        model="practice/practice-fast",
        max_tokens=10,
        messages=[{"role": "user", "content": [image, text]}],
        system=[{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}],
        stop_sequences=["END"],
        extra_body={"temperature": 0},
        metadata={"user_id": "x"},
    )
    body = asked(practice_url)[-1]["body"]
    assert body["messages"][0]["content"] == "One.\n\nTwo."
    assert body["messages"][1]["content"][0]["image_url"]["url"].endswith(PNG)
    assert (body["stop"], body["temperature"], body["max_tokens"]) == (["END"], 0, 10)


def test_thinking_is_told_to_who_asks_for_it(claude: anthropic.Anthropic, provider: Provider) -> None:
    options: dict[str, Any] = {"model": "practice/practice-reasoning", "max_tokens": 2000, "messages": HELLO}
    plain = claude.messages.create(**options)
    assert [block.type for block in plain.content] == ["text"]
    with claude.messages.stream(**options, thinking={"type": "adaptive"}) as stream:
        thought = stream.get_final_message()
    assert [block.type for block in thought.content] == ["thinking", "text"]
    again = [*HELLO, {"role": "assistant", "content": thought.content}, *HELLO]
    assert claude.messages.create(model="practice/practice-fast", max_tokens=50, messages=again).content


def test_an_agent_answers_under_its_own_name(claude: anthropic.Anthropic, owner: User, provider: Provider) -> None:
    make_agent(owner, provider, name="Poet", model="practice-fast", system_prompt="Rhyme.")
    assert claude.messages.create(model="agent/poet", max_tokens=50, messages=HELLO).model == "agent/poet"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("practice/practice-404", anthropic.NotFoundError),
        ("practice/practice-400", anthropic.BadRequestError),
        ("practice/practice-quota", anthropic.RateLimitError),
        ("practice/practice-403", anthropic.PermissionDeniedError),
        ("practice/practice-503", anthropic.InternalServerError),
        ("nothing", anthropic.NotFoundError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_failures_raise_the_client_s_own_exceptions(
    claude: anthropic.Anthropic, model: str, expected: type[anthropic.APIStatusError], stream: bool
) -> None:
    with pytest.raises(expected) as failure:
        claude.messages.create(model=model, max_tokens=50, messages=HELLO, stream=stream)
    assert isinstance(failure.value.body, dict)
    assert failure.value.body["type"] == "error"


def test_a_failure_in_the_middle_is_raised(claude: anthropic.Anthropic, provider: Provider) -> None:
    question: list[Any] = [{"role": "user", "content": "Write a long story"}]
    said: list[str] = []
    with (
        pytest.raises(anthropic.APIStatusError),
        claude.messages.stream(model="practice/practice-error-event", max_tokens=999, messages=question) as stream,
    ):
        for text in stream.text_stream:
            said.append(text)
    assert len("".join(said)) > 50


def test_both_headers_carry_the_token(site: str, token: str, provider: Provider) -> None:
    for credentials in ({"api_key": token}, {"auth_token": token, "api_key": None}):
        with anthropic_client(site, **credentials) as client:
            assert client.messages.create(model="practice/practice-fast", max_tokens=9, messages=HELLO).content
    with anthropic_client(site, api_key="wiz_wrong") as client, pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model="practice/practice-fast", max_tokens=9, messages=HELLO)


def test_the_list_of_models_is_read_by_this_client_too(
    claude: anthropic.Anthropic, owner: User, provider: Provider
) -> None:
    make_agent(owner, provider, name="Poet")
    assert [(model.id, model.display_name) for model in claude.models.list()] == [("agent/poet", "Poet")]


@pytest.mark.parametrize(
    "change",
    [
        {"max_tokens": None},
        {"messages": [], "system": "Be brief."},
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://x"}}]}]},
        {"tool_choice": {"type": "tool"}, "tools": [WEATHER]},
        {"top_k": 5},
        {"mcp_servers": []},
    ],
)
def test_what_cannot_be_honoured_is_refused_in_this_dialect(
    bare: httpx2.Client, practice_url: str, change: dict[str, object]
) -> None:
    body = {"model": "practice/practice-fast", "max_tokens": 9, "messages": HELLO} | change
    answer = bare.post("messages", json=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "error")
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert asked(practice_url) == []
