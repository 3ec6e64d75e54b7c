"""What a file may cost: strange times, and little text that stands for much work or memory."""

import copy
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.utils import timezone
from django.utils.translation import gettext

from accounts.models import User
from conversations.branch import active_branch
from conversations.models import Conversation, Generation
from conversations.transfer import openwebui, reading
from conversations.transfer.archive import ToolCallRecord
from conversations.transfer.storing import import_file
from conversations.transfer.tools import ToolResult, answered
from conversations.transfer.tree import ImportProblem, Node, Talk, straighten
from tests.conversations.transfer.samples import CLAUDE, OPENWEBUI, message, own, take
from tests.factories import make_user

OWN = b'{"format": "wiz-conversations", "version": 1, "exported_at": null, "conversations": [%b]}'
pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


@contextmanager
def quickly() -> Iterator[None]:
    """Fails if the block takes three seconds of the processor's time: what the square of a size costs takes more."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 3


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Fails if the block takes more bytes of memory at once."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_times_that_no_clock_has_shown_keep_nobody_from_reading(owner: User, moment: str) -> None:
    """S32."""
    theirs = copy.deepcopy(CLAUDE)
    theirs[0] |= {"created_at": moment, "updated_at": moment}
    theirs[0]["chat_messages"][0]["created_at"] = moment
    take(owner, theirs)
    run = {"status": "completed", "queued_at": moment, "finished_at": moment}
    answer = message("2", "1", "assistant", runs=[run], created_at=moment)
    take(owner, own(messages=[message("1", created_at=moment), answer], created_at=moment, updated_at=moment))
    for row in Conversation.objects.all():
        for read in (row.created_at, row.updated_at, *(said.created_at for said in active_branch(row))):
            assert 1970 <= read.year <= timezone.now().year
    stored = Generation.objects.get()
    assert stored.finished_at is not None
    assert 1970 <= stored.queued_at.year == stored.finished_at.year


@pytest.mark.parametrize(
    "content",
    [
        '<details type="reasoning"><summary>' * 4000,
        '<details type="reasoning"' * 32_000,
        '<details type="tool_calls">' * 4000,
        f'<details type="tool_calls" {"a" * 30_000}>\n</details>',
    ],
    ids=["summaries", "openings", "calls", "attribute"],
)
def test_an_answer_of_unfinished_blocks_is_read_as_quickly_as_any(owner: User, content: str) -> None:
    theirs = copy.deepcopy(OPENWEBUI)
    theirs[0]["chat"]["history"]["messages"]["d"]["content"] = content
    with quickly():
        take(owner, theirs)


def test_arguments_of_calls_are_not_built_to_be_looked_at() -> None:
    arguments = "[" + "{}," * 100_000 + "{}]"
    with at_most(1_000_000):
        assert openwebui._decoded(arguments) == arguments


def chain(length: int) -> dict[str, object]:
    """A conversation of questions below each other, each with an answer of its own."""
    tree = {}
    for number in range(length):
        above = f"q{number - 1}" if number else None
        tree[f"q{number}"] = {"parentId": above, "role": "user", "content": "x" * 100}
        tree[f"a{number}"] = {"parentId": f"q{number}", "role": "assistant", "content": "y"}
    return {"title": "Chain", "chat": {"history": {"messages": tree}}}


def test_a_conversation_whose_versions_repeat_each_other_without_end_is_skipped(owner: User) -> None:
    with at_most(20_000_000):
        report = take(owner, [chain(1000), *CLAUDE])
    assert [(skip.place, skip.title) for skip in report.skipped] == [("conversations[0]", "Chain")]
    assert report.skipped[0].reason == gettext("Its versions repeat too much of each other.")
    assert report.conversations == 1


def test_what_the_conversations_of_a_file_repeat_is_counted_together(owner: User) -> None:
    report = take(owner, [chain(400)] * 4)
    assert [skip.place for skip in report.skipped] == ["conversations[3]"]


def test_a_message_without_a_name_in_its_file_is_not_its_own_parent(owner: User) -> None:
    tree = {"": {"role": "user", "content": "Who am I?"}}
    take(owner, [{"title": "x", "chat": {"history": {"messages": tree}}}])
    assert [row.content for row in active_branch(Conversation.objects.get())] == ["Who am I?"]


def test_every_answer_without_a_question_gets_one_whatever_the_file_calls_its_messages(owner: User) -> None:
    tree = {key: {"role": role, "content": key} for key, role in (("a", "assistant"), ("above a", "user"))}
    take(owner, [{"title": "x", "chat": {"history": {"messages": tree}}}])
    roots = Conversation.objects.get().messages.filter(parent=None)
    assert {row.content for row in roots} == {"above a", gettext("(no question)")}


def test_questions_above_many_answers_cost_no_look_at_all_messages() -> None:
    talk = Talk("", [Node(str(number), None, "assistant", "x") for number in range(20_000)])
    with quickly():
        straighten(talk)
    assert len(talk.nodes) == 40_000


def test_messages_are_counted_before_they_are_put_together(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_MESSAGES", 1999)
    monkeypatch.setattr(reading, "straighten", lambda *_: pytest.fail("too late"))
    with pytest.raises(ImportProblem, match="1999"):
        take(owner, [chain(1000)])


@pytest.mark.parametrize("name", ["", "find"])
def test_results_of_tools_find_their_calls_without_a_look_at_all_of_them(name: str) -> None:
    calls = [ToolCallRecord(name="find", id=f"call {number}") for number in range(5000)]
    results = [ToolResult("", name, "x") for _ in range(10_000)]
    with quickly():
        found = answered([*calls, *results])
    assert [len(call.result or "") for call in found] == [*[1] * 4999, 3 * 5001 - 2]


@pytest.mark.parametrize(
    ("frame", "entry", "limit"),
    [
        (OWN, b"{}", "20000"),
        (b"[%b]", b"{}", "20000"),
        (b"[%b]", b"7", "20000"),
        (b'[{"chat_messages": [%b]}]', b'{"sender": "human"}', "500000"),
        (b'[{"title": [%b], "mapping": {}}]', b"[]", "500000"),
    ],
    ids=["own", "others", "numbers", "messages", "parts"],
)
def test_what_a_file_holds_is_counted_before_it_is_decoded(
    owner: User, monkeypatch: pytest.MonkeyPatch, frame: bytes, entry: bytes, limit: str
) -> None:
    monkeypatch.setattr(reading, "MOST_PARTS", 600_002 if limit == "20000" else 500_000)
    body = frame % b",".join([entry] * 600_000)
    with at_most(20_000_000), pytest.raises(ImportProblem, match=limit):
        import_file(user=owner, body=body)


def test_braces_in_texts_are_no_parts_of_a_file(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    words = r'[{"[{\"[{'
    content = own(messages=[message(words, content=words)])
    monkeypatch.setattr(reading, "MOST_PARTS", 5)
    take(owner, content)
    assert Conversation.objects.get().messages.get().content == words
    monkeypatch.setattr(reading, "MOST_PARTS", 4)
    with pytest.raises(ImportProblem, match="4"):
        take(owner, content)


def test_what_is_wrong_with_a_file_of_ours_is_named_by_its_place(owner: User) -> None:
    places = {
        "version": {**own(), "version": 2},
        "conversations": {**own(), "conversations": {}},
        "conversations[0]": {**own(), "conversations": [7]},
        "conversations[1]": {**own(), "conversations": [{}, []]},
        "conversations[0].head": own(head=1),
    }
    for place, content in places.items():
        with pytest.raises(ImportProblem) as caught:
            take(owner, content)
        assert caught.value.place == place
