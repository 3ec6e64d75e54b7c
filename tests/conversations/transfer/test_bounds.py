"""What a file may cost: strange times, and little text that stands for much work or memory."""

import copy

import pytest
from django.utils import timezone

from accounts.models import User
from conversations.branch import active_branch
from conversations.models import Conversation, Generation
from tests.conversations.transfer.samples import CLAUDE, message, own, take
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


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
