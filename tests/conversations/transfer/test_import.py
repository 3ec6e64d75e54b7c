"""Files of other programs and of strangers become one's own conversations, or are refused by their place."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from conversations.branch import active_branch
from conversations.finding import find
from conversations.models import Conversation, Folder, Generation, Message
from conversations.transfer import checking, reading, storing
from conversations.transfer.reading import TooLarge
from conversations.transfer.reporting import sentences
from conversations.transfer.storing import import_file
from conversations.transfer.tree import ImportProblem
from providers.models import UsageRecord
from tests.conversations.transfer.samples import CHATGPT, CLAUDE, OPENWEBUI, message, own, take
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


def shown(conversation: Conversation) -> list[tuple[str, str]]:
    return [(row.role, row.content) for row in active_branch(conversation)]


def test_chatgpt_s_tree_comes_with_its_versions_and_thoughts(owner: User) -> None:
    report = take(owner, CHATGPT)
    conversation = Conversation.objects.get()
    assert (conversation.title, conversation.owner, conversation.is_archived) == ("Sourdough", owner, True)
    assert shown(conversation) == [("user", "How is it made?"), ("assistant", "Flour, water, time.")]
    question, answer = active_branch(conversation)
    assert (answer.reasoning, answer.agent_name) == ("Think of flour.", "ChatGPT")
    assert answer.run is not None
    assert answer.run.model == "o3"
    assert len(answer.sibling_ids) == 2
    assert question.created_at == datetime(2023, 11, 14, 22, 13, 21, tzinfo=UTC)
    assert conversation.updated_at == datetime(2023, 11, 14, 22, 23, 20, 250_000, tzinfo=UTC)
    assert (report.source, report.conversations, report.messages) == ("chatgpt", 1, 3)
    assert answer.tool_calls == [{"id": "", "name": "web", "arguments": "search('flour')", "result": "Results"}]
    assert report.left_out == {"attachment": 1, "hidden": 1}
    assert any("1 attachments" in sentence for sentence in sentences(report))


def test_claude_s_list_comes_with_texts_of_attachments(owner: User) -> None:
    report = take(owner, CLAUDE)
    conversation = Conversation.objects.get()
    first, answer, last = active_branch(conversation)
    assert first.content == "Read this\n\nnotes.md\n````\n```\ncode\n```\n````"
    assert (answer.content, answer.reasoning, answer.agent_name) == ("I have read it.", "Hm.", "Claude")
    assert last.content == "Old style"
    assert answer.tool_calls == [{"id": "", "name": "repl", "arguments": "{}", "result": ""}]
    assert report.left_out == {"attachment": 1}


def test_open_webui_s_reasoning_is_taken_out_of_the_text(owner: User) -> None:
    take(owner, OPENWEBUI)
    conversation = Conversation.objects.get()
    answer = active_branch(conversation)[1]
    assert (answer.content, answer.reasoning) == ("Yes.", "Seven has\nno divisors.")
    assert answer.agent_name == "deepseek-r1"
    assert len(answer.sibling_ids) == 2
    assert conversation.is_pinned
    assert [tag.name for tag in conversation.tags.all()] == ["maths"]


def test_a_zip_file_is_opened(owner: User) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/conversations.json", json.dumps(CLAUDE))
        archive.writestr("users.json", "[]")
    assert import_file(user=owner, body=packed.getvalue()).conversations == 1


@pytest.mark.parametrize("names", [[], ["users.json"]])
def test_a_zip_file_without_conversations_is_refused(owner: User, names: list[str]) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("other.txt", "x")
    with pytest.raises(ImportProblem, match=r"conversations\.json"):
        import_file(user=owner, body=packed.getvalue())
    with pytest.raises(ImportProblem, match="cannot be opened"):
        import_file(user=owner, body=packed.getvalue()[:40])


def test_a_zip_file_that_blows_up_is_too_large(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LIMIT", 10_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", " " * 1_000_000)
    assert len(packed.getvalue()) < 10_000
    with pytest.raises(TooLarge):
        import_file(user=owner, body=packed.getvalue())


def test_several_messages_in_a_row_become_one_and_nothing_is_lost(owner: User) -> None:
    def entry(parent: str | None, role: str, text: str) -> dict[str, Any]:
        return {
            "parent": parent,
            "message": {"author": {"role": role}, "content": {"content_type": "text", "parts": [text]}},
        }

    mapping = {
        "a": entry(None, "assistant", "Welcome."),
        "b": entry("a", "user", "One"),
        "c": entry("b", "user", "Two"),
        "d": entry("c", "assistant", "First"),
        "e": entry("d", "assistant", "Second"),
        "f": entry("d", "assistant", "Another"),
        "g": entry("b", "assistant", "Aside"),
    }
    take(owner, [{"title": "x", "mapping": mapping, "current_node": "f"}])
    conversation = Conversation.objects.get()
    assert [text for _role, text in shown(conversation)] == [
        "(no question)",
        "Welcome.",
        "One\n\nTwo",
        "First\n\nAnother",
    ]
    everything = "\n".join(Message.objects.values_list("content", flat=True))
    for word in ("Welcome.", "One", "Two", "First", "Second", "Another", "Aside"):
        assert word in everything


def test_what_makes_no_sense_is_skipped_by_its_place_and_the_rest_taken(owner: User) -> None:
    circle = {"title": "Round", "mapping": {"a": {"parent": "b"}, "b": {"parent": "a"}}}
    content = [
        CHATGPT[0],
        {"title": "Mystery", "words": []},
        circle,
        {"mapping": []},
        7,
        {"name": "Empty", "chat_messages": []},
    ]
    report = take(owner, content)
    assert report.conversations == 1
    assert [(skip.place, skip.title) for skip in report.skipped] == [
        ("conversations[1]", "Mystery"),
        ("conversations[2]", "Round"),
        ("conversations[3]", ""),
        ("conversations[4]", ""),
        ("conversations[5]", "Empty"),
    ]


NO_EXPORTS = [
    b"", b"{", b"[", b"nonsense", b"\xff\xfe", b"[1]", b'{"a": 1}', b"null", b"[" * 100_000, b'{"format": 1}',
    b'[{"title": "\xff"}]',
]  # fmt: skip


@pytest.mark.parametrize("body", NO_EXPORTS)
def test_what_is_no_export_is_refused_in_words(owner: User, body: bytes) -> None:
    with pytest.raises(ImportProblem):
        import_file(user=owner, body=body)


def with_run(**run: Any) -> dict[str, Any]:
    """A file of Wiz whose answer has this run."""
    return own(messages=[message("1"), message("2", "1", "assistant", runs=[{"status": "completed", **run}])])


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (own(messages=[message("1"), message("1")]), ".messages[1].id"),
        (own(messages=[message("1", "2", "user"), message("2", "1", "assistant")]), ".messages[0].parent"),
        (own(messages=[message("1", "1")]), ".messages[0].parent"),
        (own(messages=[message("1", "elsewhere")]), ".messages[0].parent"),
        (own(messages=[message("1"), message("2", "1", "user")]), ".messages[1].role"),
        (own(messages=[message("1", None, "assistant")]), ".messages[0].role"),
        (own(messages=[message("1", None, "system")]), ".messages[0].role"),
        (own(head="3"), ".head"),
        (own(title=["x"]), ".title"),
        (own(title="x" * 201), ".title"),
        (own(created_at="yesterday"), ".created_at"),
        (own(created_at="2025-01-01T00:00:00"), ".created_at"),
        (with_run(status="owned"), ".messages[1].runs[0].status"),
        (with_run(attempt=-1), ".messages[1].runs[0].attempt"),
        (with_run(usage={"input_tokens": "x"}), ".messages[1].runs[0].usage.input_tokens"),
        (with_run(usage={"cost": "NaN"}), ".messages[1].runs[0].usage.cost"),
        (with_run(receipt={"left_out": {"a": "b"}}), ".messages[1].runs[0].receipt.left_out[...]"),
        (with_run(hops=[{"message": {}}]), ".messages[1].runs[0].hops[0].message"),
    ],
)
def test_a_file_of_ours_that_was_tampered_with_is_refused_by_its_place(owner: User, content: Any, place: str) -> None:
    """S32."""
    good = own()["conversations"]
    with pytest.raises(ImportProblem) as caught:
        take(owner, {**content, "conversations": [*good, *content["conversations"]]})
    assert caught.value.place == "conversations[1]" + place
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()


def test_a_version_that_is_not_known_is_refused(owner: User) -> None:
    with pytest.raises(ImportProblem) as caught:
        take(owner, {**own(), "version": 2})
    assert caught.value.place == "version"


def test_ids_owners_and_states_of_a_file_mean_nothing(owner: User) -> None:
    """S32."""
    theirs = Conversation.objects.create(owner=make_user("outsider@example.org"), title="Theirs")
    victim = Message.objects.create(conversation=theirs, role="user", content="original")
    future = (timezone.now() + timedelta(days=900)).isoformat()
    content = own(
        id=str(theirs.pk),
        owner=str(theirs.owner_id),
        head=str(victim.pk),
        updated_at=future,
        messages=[
            message(str(victim.pk), content="hijacked", conversation=str(theirs.pk)),
            message("2", str(victim.pk), "assistant", runs=[{"status": "running", "attempt": 3}, {"status": "queued"}]),
        ],
    )
    take(owner, content)
    victim.refresh_from_db()
    assert victim.content == "original"
    mine = Conversation.objects.get(owner=owner)
    assert mine.pk != theirs.pk
    assert mine.updated_at <= timezone.now()
    assert not Generation.objects.active().exists()
    assert {run.status for run in Generation.objects.all()} == {"interrupted"}
    assert not UsageRecord.objects.exists(), "nobody pays for what a file claims"


def test_texts_are_made_fit_for_storing_and_stay_what_they_are(owner: User) -> None:
    """S32."""
    evil = "<script>alert(1)</script>\0 [x](javascript:alert(1)) \u202e"
    take(owner, own(title=" a\0 <b>  ", messages=[message("1", content=evil), message("2", "1", "assistant")]))
    conversation = Conversation.objects.get()
    assert conversation.title == "a <b>"
    assert shown(conversation)[0][1] == evil.replace("\0", "")
    raw = json.dumps(CLAUDE).replace("Old style", "half \\ud83d pair").encode()
    with pytest.raises(ImportProblem):
        import_file(user=owner, body=raw)


def test_free_parts_are_bounded(owner: User) -> None:
    deep: Any = "x"
    for _ in range(50):
        deep = {"more": deep}
    run = {
        "status": "failed",
        "error": {"code": "x", "message": "y" * 50_000, "extra": deep},
        "receipt": {"new": list(range(5000))},
    }
    take(owner, own(messages=[message("1"), message("2", "1", "assistant", runs=[run])]))
    stored = Generation.objects.get()
    assert len(json.dumps(stored.error)) < 12_000
    assert len(stored.receipt["new"]) == checking.WIDEST


def test_a_failure_halfway_leaves_nothing(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """S32."""
    monkeypatch.setattr(storing, "TOGETHER", 1)
    monkeypatch.setattr(storing, "make_title", lambda _: 1 / 0)
    content = own()
    content["conversations"].append({"title": "", "messages": [message("1")]})
    with pytest.raises(ZeroDivisionError):
        take(owner, content)
    assert not Conversation.objects.exists()


def test_what_came_in_is_found_and_goes_on(owner: User) -> None:
    take(owner, CHATGPT)
    hit = find(owner, "flour water", Conversation.objects.visible_to(owner)).hits[0]
    assert hit.conversation.title == "Sourdough"


def test_folders_are_found_by_name_or_made(owner: User) -> None:
    folder = {"name": "Cooking", "instructions": "Metric."}
    take(owner, own(folder=folder))
    take(owner, own(folder={"name": "cooking", "instructions": "Imperial."}))
    assert Folder.objects.get().instructions == "Metric."
    assert Conversation.objects.filter(folder=Folder.objects.get()).count() == 2


def test_too_many_conversations_are_refused(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_CONVERSATIONS", 1)
    monkeypatch.setattr(reading, "MOST_MESSAGES", 1)
    for content in ([*CHATGPT, *CHATGPT], CLAUDE, own()):
        with pytest.raises(ImportProblem, match="more than 1"):
            take(owner, content)


def test_a_long_conversation_is_taken_in_order(owner: User) -> None:
    rows = [message("0")]
    rows += [message(str(n), str(n - 1), "assistant" if n % 2 else "user") for n in range(1, 5000)]
    take(owner, own(messages=list(reversed(rows))))
    assert [text for _role, text in shown(Conversation.objects.get())] == [f"text {n}" for n in range(5000)]
