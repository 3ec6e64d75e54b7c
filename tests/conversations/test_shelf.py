"""Trash, folders, tags, temporary conversations and drafts: the services and the runs that feel them."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db.models.functions import Now

from accounts.models import User
from agents.models import Agent
from conversations import shelf
from conversations.models import Conversation, Folder, Generation, Message, SearchEntry
from conversations.plan import make_plan
from conversations.queueing import Sent
from conversations.receipt import add_attempt
from conversations.services import edit_message, regenerate, send_message, start_conversation
from conversations.tasks import purge_expired
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def agent(owner: User) -> Agent:
    return make_agent(owner, make_provider(owner), system_prompt="Be brief.")


@pytest.fixture
def sent(owner: User, agent: Agent) -> Sent:
    return send_message(user=owner, conversation=start_conversation(user=owner, agent=agent), content="Hello")


def conversation_of(sent: Sent) -> Conversation:
    return Conversation.objects.get(pk=sent.message.conversation_id)


def test_the_trash_stops_the_run_and_hides_everything(owner: User, sent: Sent) -> None:
    shelf.trash_conversation(conversation=conversation_of(sent))
    assert Generation.objects.get(pk=sent.generation.pk).status == "cancelled"
    for rows in (Conversation.objects, Message.objects, Generation.objects):
        assert not rows.visible_to(owner).exists()
    assert Conversation.objects.trashed_by(owner).get() == conversation_of(sent)
    shelf.restore_conversation(conversation=conversation_of(sent))
    assert Message.objects.visible_to(owner).count() == 2


def test_the_trash_is_emptied_after_thirty_days_and_not_before(owner: User, sent: Sent) -> None:
    fresh, live = start_conversation(user=owner, agent=None), start_conversation(user=owner, agent=None)
    Conversation.objects.filter(pk=live.pk).update(updated_at=Now() - timedelta(days=400))
    shelf.trash_conversation(conversation=fresh)
    Conversation.objects.filter(pk=fresh.pk).update(trashed_at=Now() - timedelta(days=29, hours=23))
    Conversation.objects.filter(pk=sent.message.conversation_id).update(trashed_at=Now() - timedelta(days=30, hours=1))
    purge_expired()
    assert set(Conversation.objects.all()) == {fresh, live}


def test_emptying_the_trash_leaves_everybody_else_s(owner: User, sent: Sent) -> None:
    theirs = start_conversation(user=make_user("outsider@example.org"), agent=None)
    for conversation in (theirs, conversation_of(sent)):
        shelf.trash_conversation(conversation=conversation)
    kept = start_conversation(user=owner, agent=None)
    assert shelf.empty_trash(user=owner) == 1
    assert set(Conversation.objects.all()) == {theirs, kept}


def test_a_temporary_conversation_leaves_no_trace(owner: User, agent: Agent) -> None:
    temporary = start_conversation(user=owner, agent=agent, is_temporary=True)
    sent = send_message(user=owner, conversation=temporary, content="walnuts")
    Generation.objects.filter(pk=sent.generation.pk).update(status="completed")
    assert not SearchEntry.objects.exists()
    assert not Conversation.objects.listed_for(owner).exists()
    assert Conversation.objects.get().title == "Temporary conversation"
    shelf.trash_conversation(conversation=temporary)
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()


def test_a_temporary_conversation_that_was_left_alone_for_an_hour_ends(owner: User) -> None:
    old, young = (start_conversation(user=owner, agent=None, is_temporary=True) for _ in range(2))
    Conversation.objects.filter(pk=old.pk).update(updated_at=Now() - timedelta(minutes=61))
    purge_expired()
    assert set(Conversation.objects.all()) == {young}


def test_a_folder_s_instructions_are_added_and_the_receipt_counts_them(owner: User, sent: Sent, agent: Agent) -> None:
    folder = shelf.create_folder(user=owner, name="Cooking", instructions="Metric units.")
    Conversation.objects.filter(pk=sent.message.conversation_id).update(folder=folder)
    run = Generation.objects.get(pk=sent.generation.pk)
    assert make_plan(run).request.system_prompt == "Be brief.\n\nMetric units."
    plan = make_plan(run)
    assert plan.request.system_prompt == "Be brief.\n\nMetric units.", "nothing is added twice"
    receipt = add_attempt(run, plan, "ok")
    assert receipt["folder_instructions"] == len("Metric units.")
    assert "Metric" not in str(receipt)
    assert Agent.objects.get(pk=agent.pk).system_prompt == "Be brief."


def test_without_instructions_nothing_changes(sent: Sent) -> None:
    plan = make_plan(Generation.objects.get(pk=sent.generation.pk))
    assert plan.request.system_prompt == "Be brief."
    assert "folder_instructions" not in add_attempt(sent.generation, plan, "ok")


def test_a_folder_s_name_is_given_once_whatever_its_case(owner: User) -> None:
    shelf.create_folder(user=owner, name="Cooking")
    shelf.create_folder(user=make_user("outsider@example.org"), name="Cooking")
    for name in ("cooking", " COOKING  ", "", "x" * 101):
        with pytest.raises(ValidationError) as caught:
            shelf.create_folder(user=owner, name=name)
        assert list(caught.value.message_dict) == ["name"]


def test_deleting_a_folder_keeps_its_conversations(owner: User, sent: Sent) -> None:
    folder = shelf.create_folder(user=owner, name="Cooking")
    Conversation.objects.update(folder=folder)
    shelf.delete_folder(folder=folder)
    assert conversation_of(sent).folder is None
    assert not Folder.objects.exists()


def test_tags_are_a_set_of_words_in_lower_case(owner: User) -> None:
    conversation = start_conversation(user=owner, agent=None)
    shelf.tag_conversation(conversation=conversation, tags=["Work", "#work", " to  do ", "", "ÉTÉ"])
    assert [tag.name for tag in conversation.tags.all()] == ["to do", "work", "été"]
    shelf.tag_conversation(conversation=conversation, tags=["work"])
    assert [tag.name for tag in conversation.tags.all()] == ["work"]
    for wrong in (["x" * 51], [f"tag{number}" for number in range(21)], ["a\0b"]):
        with pytest.raises(ValidationError, match="tag"):
            shelf.tag_conversation(conversation=conversation, tags=wrong)


def test_a_draft_is_kept_until_something_is_sent(owner: User, agent: Agent) -> None:
    conversation = start_conversation(user=owner, agent=agent)
    shelf.keep_draft(conversation=conversation, text="half a th\0ought")
    conversation.refresh_from_db()
    assert conversation.draft == "half a thought"
    send_message(user=owner, conversation=conversation, content="Whole")
    conversation.refresh_from_db()
    assert conversation.draft == ""
    with pytest.raises(ValidationError):
        shelf.keep_draft(conversation=conversation, text="x" * 200_001)


def test_a_draft_outlives_another_answer_and_an_edit(owner: User, sent: Sent) -> None:
    conversation = conversation_of(sent)
    shelf.keep_draft(conversation=conversation, text="half a thought")
    Generation.objects.update(status="completed")
    regenerate(user=owner, message=sent.reply)
    Generation.objects.update(status="completed")
    edit_message(user=owner, message=sent.message, content="Good evening")
    conversation.refresh_from_db()
    assert conversation.draft == "half a thought"
