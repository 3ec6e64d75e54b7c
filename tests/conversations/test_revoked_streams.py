"""A stream of a run that says nothing ends by itself, and whole, when its caller may not listen any more."""

import time

import pytest

from accounts.models import ApiToken, User
from accounts.services import revoke_token
from conversations.models import Conversation, Generation
from tests.factories import make_answer, make_user
from tests.live import calling, serving_site

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT = 5.0  # seconds: one, and room for a busy machine


def waiting_run(owner: User) -> Generation:
    """A run that no worker takes."""
    conversation = Conversation.objects.create(owner=owner)
    return Generation.objects.create(conversation=conversation, message=make_answer(conversation))


@pytest.mark.parametrize("ending", ["revoked", "switched off"])
def test_a_silent_stream_ends_soon_after_its_caller_may_not_listen_any_more(ending: str) -> None:
    """S6."""
    owner = make_user()
    run = waiting_run(owner)
    with serving_site() as site, calling(site, owner) as api, api.stream("GET", f"generations/{run.pk}/events/") as sse:
        lines = sse.iter_lines()
        assert next(lines) == "retry: 1000"
        if ending == "revoked":
            revoke_token(token=ApiToken.objects.get())
        else:
            User.objects.filter(pk=owner.pk).update(is_active=False)
        started = time.monotonic()
        assert "generation-end" not in "".join(lines)
        assert time.monotonic() - started < LIMIT


def test_another_caller_of_the_same_run_listens_on() -> None:
    owner = make_user()
    run = waiting_run(owner)
    path = f"generations/{run.pk}/events/"
    with (
        serving_site() as site,
        calling(site, owner) as first,
        calling(site, owner) as second,
        first.stream("GET", path) as ended,
        second.stream("GET", path) as kept,
    ):
        lines, others = ended.iter_lines(), kept.iter_lines()
        assert (next(lines), next(others)) == ("retry: 1000", "retry: 1000")
        revoke_token(token=ApiToken.objects.order_by("created_at")[0])
        assert "".join(lines) == ""
        revoke_token(token=ApiToken.objects.get())
        started = time.monotonic()
        assert "".join(others) == ""
        assert time.monotonic() - started < LIMIT, "it was still open, and ends by its own token"
