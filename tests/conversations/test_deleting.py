"""A message is deleted with everything below it; what is shown then is beside it or above it."""

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from conversations.branch import active_branch
from conversations.branching import delete_message
from conversations.models import Conversation, Generation, Message
from tests.conversations.test_windows import make_long
from tests.factories import make_answer, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def conversation(owner: User) -> Conversation:
    """Four messages; the second question has two answers, of which the first is shown."""
    conversation, messages = make_long(owner, 4)
    Message.objects.create(conversation=conversation, parent=messages[2], role="assistant", content="other")
    return conversation


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


def words(conversation: Conversation) -> list[str]:
    return [message.content for message in active_branch(Conversation.objects.get(pk=conversation.pk))]


def find(content: str) -> Message:
    return Message.objects.get(content=content)


def test_the_other_version_is_shown_in_place_of_a_deleted_answer(conversation: Conversation) -> None:
    delete_message(message=find("**number** 3"))
    assert words(conversation) == ["**number** 0", "**number** 1", "**number** 2", "other"]


def test_a_question_goes_with_all_its_answers(conversation: Conversation) -> None:
    delete_message(message=find("**number** 2"))
    assert words(conversation) == ["**number** 0", "**number** 1"]
    assert Message.objects.count() == 2


def test_what_is_not_shown_can_go_without_a_change_of_what_is(conversation: Conversation) -> None:
    delete_message(message=find("other"))
    assert words(conversation) == [f"**number** {n}" for n in range(4)]


def test_the_first_message_takes_all_but_the_conversation(conversation: Conversation, client: Client) -> None:
    delete_message(message=find("**number** 0"))
    assert words(conversation) == []
    client.force_login(conversation.owner)
    assert client.get(f"/c/{conversation.pk}/").status_code == 200


def test_two_thousand_messages_below_are_deleted_at_once(owner: User) -> None:
    conversation, messages = make_long(owner, 2000)
    delete_message(message=messages[1])
    assert words(conversation) == ["**number** 0"]


def test_a_run_below_is_stopped_and_gone(conversation: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[object] = []
    monkeypatch.setattr("conversations.services.publish_stop", stopped.append)
    answer = make_answer(conversation, parent=find("**number** 3"))
    run = Generation.objects.create(conversation=conversation, message=answer, status="running", attempt=1)
    delete_message(message=find("**number** 3"))
    assert stopped == [run.pk]
    assert not Generation.objects.exists()


def test_the_page_says_what_goes_along_and_does_it(conversation: Conversation, client: Client) -> None:
    client.force_login(conversation.owner)
    path = f"/c/{conversation.pk}/messages/{find('**number** 2').pk}/delete/"
    assert "the 2 messages below it" in client.get(path).content.decode()
    assert "<html" not in client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert Message.objects.count() == 5
    assert client.post(path)["Location"] == f"/c/{conversation.pk}/"
    assert words(conversation) == ["**number** 0", "**number** 1"]


def test_the_api_deletes_one_s_own_messages_only(conversation: Conversation) -> None:
    api, path = APIClient(), f"/api/v1/messages/{find('**number** 2').pk}/"
    api.force_authenticate(make_user("outsider@example.org"))
    assert api.delete(path).status_code == 404
    api.force_authenticate(conversation.owner)
    assert api.delete(path).status_code == 204
    assert api.delete(path).status_code == 404
    assert words(conversation) == ["**number** 0", "**number** 1"]
