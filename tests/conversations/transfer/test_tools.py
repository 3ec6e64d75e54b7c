"""Calls of tools in the files of other programs: each comes with its result, wherever the file has that."""

import copy
import html
import json
from typing import Any

import pytest

from accounts.models import User
from conversations.branch import active_branch
from conversations.models import Conversation, Message
from conversations.tool_calls import MOST, StoredCall
from conversations.transfer.archive import ToolCallRecord
from conversations.transfer.reporting import sentences
from conversations.transfer.storing import import_file
from conversations.transfer.tools import ToolResult, answered, text_of
from tests.conversations.transfer.samples import CLAUDE, OPENWEBUI
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def calls_in(content: object) -> list[StoredCall]:
    """What the last answer of the only conversation in a file has called."""
    import_file(user=make_user(), body=json.dumps(content).encode())
    answers = [message for message in active_branch(Conversation.objects.get()) if message.role == "assistant"]
    return list(answers[-1].tool_calls)


def node(key: str, parent: str, role: str, recipient: str = "all", name: str = "", **content: Any) -> dict[str, Any]:
    """A message in the file of ChatGPT."""
    author = {"role": role, "name": name or None}
    return {key: {"parent": parent, "message": {"author": author, "recipient": recipient, "content": content}}}


def chatgpt(*nodes: dict[str, Any]) -> list[dict[str, Any]]:
    mapping = node("q", "root", "user", content_type="text", parts=["Well?"])
    for entry in nodes:
        mapping |= entry
    return [{"title": "T", "mapping": mapping}]


def test_chatgpt_s_tools_answer_in_messages_of_their_own() -> None:
    calls = calls_in(
        chatgpt(
            node("a", "q", "assistant", "python", content_type="code", text="1 + 1"),
            node("b", "a", "tool", "assistant", "python", content_type="execution_output", text="2"),
            node("c", "b", "assistant", "web.run", content_type="text", parts=['{"q": "two"}']),
            node("d", "c", "tool", "all", "web", content_type="tether_browsing_display", result="One page"),
            node("e", "d", "tool", "all", "web", content_type="text", parts=["Another page"]),
            node("f", "e", "assistant", content_type="text", parts=["Two."]),
        )
    )
    assert calls == [
        {"id": "", "name": "python", "arguments": "1 + 1", "result": "2"},
        {"id": "", "name": "web.run", "arguments": '{"q": "two"}', "result": "One page\n\nAnother page"},
    ]
    assert Message.objects.get(role="assistant").content == "Two."


def test_an_answer_that_is_a_call_alone_is_kept_and_versions_share_their_calls() -> None:
    calls = calls_in(
        chatgpt(
            node("a", "q", "assistant", "bio", content_type="text", parts=["Likes tea"]),
            node("b", "a", "tool", "all", "bio", content_type="text", parts=["Saved"]),
            node("c", "b", "assistant", content_type="text", parts=["One."]),
            node("d", "b", "assistant", content_type="text", parts=["Other."]),
        )
    )
    assert calls == [{"id": "", "name": "bio", "arguments": "Likes tea", "result": "Saved"}]
    assert [row.tool_calls for row in Message.objects.filter(role="assistant")] == [calls, calls]


def test_a_call_without_anything_else_is_an_answer() -> None:
    calls = calls_in(chatgpt(node("a", "q", "assistant", "dalle.text2im", content_type="code", text="a cat")))
    assert calls == [{"id": "", "name": "dalle.text2im", "arguments": "a cat", "result": None}]
    assert Message.objects.get(role="assistant").content == ""


def test_a_hidden_call_stays_out() -> None:
    hidden = node("a", "q", "assistant", "bio", content_type="text", parts=["x"])
    hidden["a"]["message"]["metadata"] = {"is_visually_hidden_from_conversation": True}
    assert calls_in(chatgpt(hidden, node("b", "a", "assistant", content_type="text", parts=["Yes."]))) == []


def test_claude_s_blocks_are_paired_by_their_ids() -> None:
    content = copy.deepcopy(CLAUDE)
    content[0]["chat_messages"] = content[0]["chat_messages"][:2]
    content[0]["chat_messages"][1]["content"] = [
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "one", "name": "web_search", "input": {"q": "é", "n": 10**30}},
        {"type": "tool_use", "id": "two", "name": "web_search", "input": {}},
        {"type": "tool_result", "tool_use_id": "two", "content": "Nothing"},
        {"type": "tool_result", "tool_use_id": "one", "content": [{"type": "text", "text": "A"}, {"type": "image"}]},
        {"type": "text", "text": "Done."},
    ]
    assert calls_in(content) == [
        {
            "id": "one",
            "name": "web_search",
            "arguments": '{"q": "é", "n": 1000000000000000000000000000000}',
            "result": 'A\n\n{"type": "image"}',
        },
        {"id": "two", "name": "web_search", "arguments": "{}", "result": "Nothing"},
    ]
    assert Message.objects.get(role="assistant").content == "I look.\n\nDone."


def details(arguments: str, *, result: str | None = None, body: str = "", done: str = "true") -> str:
    """A call as Open WebUI writes it into an answer."""
    told = f' result="{html.escape(result)}"' if result is not None else ""
    return (
        f'<details type="tool_calls" done="{done}" id="call_1" name="find" '
        f'arguments="{html.escape(arguments)}"{told}>\n'
        f"<summary>Tool Executed</summary>\n{html.escape(body)}\n</details>\n"
    )


@pytest.mark.parametrize(
    ("block", "arguments", "result"),
    [
        (details(json.dumps('{"q": "<b>"}'), result=json.dumps('It\'s "it"')), '{"q": "<b>"}', 'It\'s "it"'),
        (details('{"q": 1}', result='["a"]'), '{"q": 1}', '["a"]'),
        (details("", body='{"found": "<i>"}'), "", '{"found": "<i>"}'),
        (details("", body=""), "", ""),
        (details('{"q": 1}', done="false"), '{"q": 1}', None),
    ],
)
def test_open_webui_s_blocks_are_taken_out_of_the_text(block: str, arguments: str, result: str | None) -> None:
    content = copy.deepcopy(OPENWEBUI)
    content[0]["chat"]["history"]["messages"]["d"]["content"] = f"First.\n{block}Then."
    content[0]["chat"]["history"]["messages"]["a"]["content"] = block
    assert calls_in(content) == [{"id": "call_1", "name": "find", "arguments": arguments, "result": result}]
    question, answer = active_branch(Conversation.objects.get())
    assert answer.content == "First.\nThen."
    assert question.content == block, "what a person wrote stays as it is"


def test_results_without_ids_go_to_the_first_call_that_waits_and_strangers_stay_apart() -> None:
    one, two = ToolCallRecord(name="a", arguments="1"), ToolCallRecord(name="a", arguments="2")
    found = answered([one, two, ToolResult("", "a", "x"), ToolResult("", "", "y"), ToolResult("", "b", "z")])
    assert [(call.arguments, call.result) for call in found] == [("1", "x"), ("2", "y"), ("", "z")]
    assert (one.result, two.result) == (None, None), "versions of an answer share the records"
    assert text_of({"a": "é"}) == '{"a": "é"}'


def test_calls_are_bounded_and_made_fit_for_storing() -> None:
    content = copy.deepcopy(CLAUDE)
    block = {"type": "tool_use", "id": "i" * 500, "name": "n\0" * 500, "input": {"t": "\0"}}
    content[0]["chat_messages"][1]["content"] = [block] * (MOST + 3)
    owner = make_user()
    report = import_file(user=owner, body=json.dumps(content).encode())
    assert report.left_out["tool"] == 3
    assert any("3 calls of tools" in sentence for sentence in sentences(report))
    answer = Message.objects.get(role="assistant")
    assert len(answer.tool_calls) == MOST
    assert {len(answer.tool_calls[0][name]) for name in ("id", "name")} == {200, 100}
    assert "\0" not in str(answer.tool_calls)


@pytest.mark.parametrize(
    "call", [{"name": 1}, {"name": "a", "arguments": {}}, {"name": "a", "result": 1}, {}, {"name": "a" * 201}]
)
def test_a_file_of_ours_says_what_is_wrong_with_a_call(call: dict[str, Any]) -> None:
    owner: User = make_user()
    question = {"id": "1", "role": "user", "content": "q"}
    answer = {"id": "2", "parent": "1", "role": "assistant", "content": "a", "tool_calls": [call]}
    body = {
        "format": "wiz-conversations",
        "version": 1,
        "exported_at": None,
        "conversations": [{"messages": [question, answer]}],
    }
    with pytest.raises(Exception, match=r"conversations\[0\].messages\[1\].tool_calls|tool_calls\[0\]"):
        import_file(user=owner, body=json.dumps(body).encode())
