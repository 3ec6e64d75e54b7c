"""A model that calls a tool, which nobody has offered: the call is kept and shown, and the conversation goes on."""

import json
from collections.abc import Callable

import pytest
from django.template.loader import render_to_string
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from conversations.branch import active_branch
from conversations.branching import fork_conversation
from conversations.models import Generation, Message
from conversations.queueing import Sent
from conversations.services import send_message
from conversations.templatetags.conversations import CARD_LIMIT, cards
from conversations.tool_calls import MOST, with_calls
from providers.models import Provider, UsageRecord
from providers.types import ToolCall
from tests.conversations.conftest import Calls, read, run_to_end, stored
from tests.factories import make_provider

Say = Callable[..., Sent]
ASKED = 'tool: get_weather {"city": "Zürich", "days": 10.0}'
HOSTILE = "</code></pre><script>alert(1)</script>\u202e"


@pytest.fixture(params=["openai-compatible", "anthropic"])
def provider(request: pytest.FixtureRequest, person: User, practice_url: str) -> Provider:
    """In either dialect."""
    url = practice_url.removesuffix("/v1") if request.param == "anthropic" else practice_url
    return make_provider(person, base_url=url, kind=request.param, api_key="sk-anything")


@pytest.fixture
def asked(say: Say) -> Sent:
    """A question that was answered by a call."""
    sent = say(ASKED)
    run_to_end(sent.generation)
    return sent


def test_a_call_that_nobody_offered_ends_the_answer_and_is_kept(asked: Sent) -> None:
    generation = Generation.objects.get(pk=asked.generation.pk)
    assert (generation.status, generation.finish_reason, generation.error) == ("completed", "tool_calls", None)
    assert read(generation).end["finish_reason"] == "tool_calls"
    [call] = stored(asked).tool_calls
    assert (call["name"], call["result"]) == ("get_weather", None)
    assert json.loads(call["arguments"]) == {"city": "Zürich", "days": 10.0}
    assert call["id"]
    assert stored(asked).content == ""


def test_the_conversation_goes_on_without_the_call(asked: Sent, calls: Calls, person: User) -> None:
    Message.objects.filter(pk=asked.message.pk).update(content="A question")
    conversation = asked.generation.conversation
    again = send_message(user=person, conversation=conversation, content="echo: and now?")
    assert run_to_end(again.generation).status == "completed"
    sent = json.dumps(calls.bodies()[-1])
    assert "A question" in sent
    assert not any(word in sent for word in ("get_weather", "tool_call", "tool_use"))
    assert stored(again).tool_calls == []


def test_a_server_that_says_stop_behind_a_call_has_called_all_the_same(
    say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.practice.server.replace", lambda plan, **fields: plan.__class__(pieces=["Hm."]))
    sent = say(ASKED)
    assert run_to_end(sent.generation).finish_reason == "tool_calls"
    assert stored(sent).content == "Hm."
    assert len(stored(sent).tool_calls) == 1


@pytest.mark.parametrize("provider", ["openai-compatible"], indirect=True)
def test_a_call_that_is_not_counted_by_the_provider_is_estimated(say: Say) -> None:
    sent = say("tool: x " + "y" * 400, model="practice-no-usage")
    run_to_end(sent.generation)
    record = UsageRecord.objects.get(generation_id=sent.generation.pk)
    assert 50 < record.output_tokens < 200


def test_the_calls_of_an_answer_add_up_and_are_bounded() -> None:
    kept = with_calls([], [ToolCall("1", "a" * 300, "{}")])
    assert [len(call["name"]) for call in kept] == [200]
    both = with_calls(kept, [ToolCall(str(number), "b", "") for number in range(2 * MOST)])
    assert both[0] == kept[0]
    assert len(both) == MOST


def test_a_card_has_json_in_lines_and_shows_what_is_no_json() -> None:
    [card] = cards(with_calls([], [ToolCall("1", "a\u202eb", '{"x": 1.50, "y": "\\u202e"}')]))
    assert card == ("a⟨U+202E⟩b", '{\n  "x": 1.50,\n  "y": "\\u202e"\n}', None)
    texts = ["", "{", "[" * 5000, "plain", '"\\ud800"', "1e400"]
    assert [card.arguments for card in cards(with_calls([], [ToolCall("", "", text) for text in texts]))] == texts


def test_a_card_shortens_what_is_long() -> None:
    [card] = cards(with_calls([], [ToolCall("1", "a", "x" * (CARD_LIMIT + 5))]))
    assert card.arguments == "x" * CARD_LIMIT + "\n… and 5 more characters"


def test_hostile_calls_stay_text_wherever_they_are_shown(asked: Sent, person: User, client: Client) -> None:
    call = {"id": HOSTILE, "name": HOSTILE, "arguments": HOSTILE, "result": HOSTILE}
    Message.objects.filter(pk=asked.reply.pk).update(tool_calls=[call])
    client.force_login(person)
    url = f"/c/{asked.generation.conversation.pk}/"
    for page in (url, f"{url}print/", f"{url}messages/{asked.reply.pk}/"):
        html = client.get(page).content.decode()
        assert html.count("&lt;script&gt;alert(1)") == 3, page
        assert "<script>alert" not in html
        assert "\u202e" not in html
    markdown = client.get(f"{url}export/?as=markdown").content.decode()
    assert f"**Tool call: `{HOSTILE}`**" in markdown


def test_pages_say_how_it_ended_and_fold_the_card(asked: Sent, person: User, client: Client) -> None:
    client.force_login(person)
    url = f"/c/{asked.generation.conversation.pk}/"
    html = client.get(url).content.decode()
    assert "The model asked for a tool. None was run" in html
    assert '<details class="call"><summary>Tool call <code>get_weather</code> <span>no result</span></summary>' in html
    assert "&quot;city&quot;: &quot;Z" in html
    assert '<details class="call" open>' in client.get(f"{url}print/").content.decode()


def test_a_call_is_in_rest_and_in_a_fork(asked: Sent, person: User) -> None:
    api = APIClient()
    api.force_authenticate(person)
    conversation = asked.generation.conversation
    rows = api.get(f"/api/v1/conversations/{conversation.pk}/messages/").json()["results"]
    assert rows[0]["tool_calls"] == []
    assert rows[1]["tool_calls"] == stored(asked).tool_calls
    fork = fork_conversation(user=person, conversation=conversation, message=stored(asked))
    assert active_branch(fork)[1].tool_calls == stored(asked).tool_calls


def test_an_answer_without_calls_has_no_cards(say: Say) -> None:
    sent = say("echo: hello")
    run_to_end(sent.generation)
    assert render_to_string("conversations/_calls.html", {"message": stored(sent)}).strip() == ""
