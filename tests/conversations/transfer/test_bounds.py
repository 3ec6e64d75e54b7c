"""What a file may cost: strange times, and little text that stands for much work or memory."""

import copy
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.utils import timezone

from accounts.models import User
from conversations.branch import active_branch
from conversations.models import Conversation, Generation
from conversations.transfer import openwebui
from tests.conversations.transfer.samples import CLAUDE, OPENWEBUI, message, own, take
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


@contextmanager
def at_most(*, seconds: float = 60, size: int = 2**30) -> Iterator[None]:
    """Fails if the block takes more of the processor's time, or more bytes of memory at once."""
    tracemalloc.start()
    start = time.process_time()
    try:
        yield
        taken, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (taken < seconds, peak < size) == (True, True), f"{taken} s, {peak} bytes"


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
    with at_most(seconds=2):
        take(owner, theirs)


def test_arguments_of_calls_are_not_built_to_be_looked_at() -> None:
    arguments = "[" + "{}," * 100_000 + "{}]"
    with at_most(size=1_000_000):
        assert openwebui._decoded(arguments) == arguments


def test_a_message_without_a_name_in_its_file_is_not_its_own_parent(owner: User) -> None:
    tree = {"": {"role": "user", "content": "Who am I?"}}
    take(owner, [{"title": "x", "chat": {"history": {"messages": tree}}}])
    assert [row.content for row in active_branch(Conversation.objects.get())] == ["Who am I?"]
