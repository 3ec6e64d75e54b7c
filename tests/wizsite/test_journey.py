"""The whole main job over HTTP: separate provider processes that check a key, real workers, exact text."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.stack import ADMIN_EMAIL, Stack, practice_process
from tests.talking import Caller

KEY = "sk-practice-0123456789abcdef"
TEXTS = {
    "emoji": "👩‍🚀 😀 é 漢字",
    "line ends": "one\r\ntwo\rthree\nfour",
    "control characters": "bell \x07 escape \x1b tab \t feed \x0c unit \x1f delete \x7f ls \u2028 end",
    "a very long line": "x" * 40_000 + " end",
}


@pytest.fixture(scope="module")
def locked_server() -> Iterator[str]:
    """A provider in a process of its own that checks its key; yields its address without a path."""
    with practice_process(KEY) as address:
        yield address


@pytest.fixture(scope="module")
def caller(stack: Stack) -> Iterator[Caller]:
    with Caller.of(stack, ADMIN_EMAIL) as caller:
        yield caller


def unlike(name: str) -> str:
    """This name with something that no other has."""
    return f"{name} {uuid4().hex[:8]}"


def address(server: str, kind: str) -> str:
    return server if kind == "anthropic" else f"{server}/v1"


@pytest.mark.parametrize("kind", ["openai-compatible", "openai", "deepseek", "anthropic"])
def test_an_answer_streams_from_a_separate_server_and_is_stored_exactly(
    caller: Caller, locked_server: str, kind: str
) -> None:
    base_url = address(locked_server, kind)
    provider = caller.add_provider(name=unlike(f"Good {kind}"), kind=kind, base_url=base_url, api_key=KEY)
    assert caller.post(f"providers/{provider}/test/", {"model": "practice-fast"})["ok"] is True
    agent = caller.add_agent(name=unlike(f"Good {kind}"), provider=provider, model="practice-fast")
    for text in TEXTS.values():
        sent = caller.say(agent, f"echo: {text}")
        seen, end = caller.read(sent)
        assert end["status"] == "completed", end
        assert seen == text
        assert caller.stored(sent)["content"] == seen


@pytest.mark.parametrize("kind", ["openai-compatible", "anthropic"])
def test_a_wrong_key_ends_in_a_sentence_not_in_an_empty_answer(caller: Caller, locked_server: str, kind: str) -> None:
    base_url = address(locked_server, kind)
    provider = caller.add_provider(
        name=unlike(f"Bad {kind}"), kind=kind, base_url=base_url, api_key="sk-wrong-0123456789"
    )
    test = caller.post(f"providers/{provider}/test/", {"model": "practice-fast"})
    assert (test["ok"], test["code"]) == (False, "auth_failed")
    agent = caller.add_agent(name=unlike(f"Bad {kind}"), provider=provider, model="practice-fast")
    sent = caller.say(agent, "hello")
    text, end = caller.read(sent)
    assert (text, end["status"], end["error"]["code"]) == ("", "failed", "auth_failed")
    assert "refused the key" in end["error"]["message"]
    assert "sk-wrong" not in str(end)


def test_twenty_thousand_tokens_arrive_whole_and_again_from_the_middle(caller: Caller, stack: Stack) -> None:
    provider = next(row["id"] for row in caller.get("providers/")["results"] if row["name"] == "Practice")
    agent = caller.add_agent(name=unlike("Long"), provider=provider, model="practice-fast")
    sent = caller.say(agent, "tokens=20000")
    text, end = caller.read(sent)
    assert end["status"] == "completed"
    assert caller.stored(sent)["content"] == text
    events = list(caller.follow(sent["generation"]["id"]))
    middle = len(events) // 2
    rest = list(caller.follow(sent["generation"]["id"], events[middle].id))
    assert rest == events[middle + 1 :]


def test_waiting_for_the_answer_returns_it_finished(caller: Caller) -> None:
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide")})["id"]
    body = caller.post(f"conversations/{conversation}/messages/?wait=true", {"content": "hello"})
    assert body["generation"]["status"] == "completed"
    assert body["reply"]["content"]


def test_the_same_key_sends_once(caller: Caller) -> None:
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide")})["id"]
    path = f"conversations/{conversation}/messages/"
    key = {"Idempotency-Key": unlike("one")}
    first = caller.post(path, {"content": "hello"}, **key)
    again = caller.post(path, {"content": "hello"}, **key)
    assert first["message"]["id"] == again["message"]["id"]
    changed = caller.http.post(f"/api/v1/{path}", json={"content": "other"}, headers=key)
    assert changed.status_code == 422
    caller.read(first)
