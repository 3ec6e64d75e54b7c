"""A model may give a conversation its title, in the background, once, and never over a person's own."""

import pytest
from pytest_django import Settings

from accounts.models import User
from conversations import titles
from conversations.models import Conversation
from conversations.services import rename_conversation, send_message
from providers import broker
from providers.models import Provider, UsageRecord
from tests.conversations.conftest import Calls, run_to_end
from tests.conversations.test_engine import Say
from tests.factories import make_provider


@pytest.fixture
def wishes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The tasks that were sent."""
    sent: list[tuple[str, ...]] = []
    monkeypatch.setattr(broker, "send_task", lambda *task: sent.append(task))
    return sent


@pytest.fixture(autouse=True)
def title_provider(person: User, practice_url: str, settings: Settings) -> Provider:
    provider = make_provider(None, name="Cheap", base_url=practice_url)
    settings.TITLE_MODEL = f"{provider.slug}/practice-fast"
    return provider


def conversation() -> Conversation:
    return Conversation.objects.get()


def test_the_first_answer_asks_for_a_title_and_the_second_does_not(say: Say, wishes: list[tuple[str, ...]]) -> None:
    sent = say("How do lighthouses work?")
    assert conversation().title == "How do lighthouses work?"
    run_to_end(sent.generation)
    assert wishes == [(titles.TITLE_TASK, str(conversation().pk))]
    titles.write_title(conversation().pk)
    later = send_message(user=conversation().owner, conversation=conversation(), content="And foghorns?")
    run_to_end(later.generation)
    assert len(wishes) == 1


def test_the_title_is_stored_and_booked_apart(say: Say, title_provider: Provider, calls: Calls) -> None:
    sent = say("How do lighthouses work?")
    run_to_end(sent.generation)
    titles.write_title(conversation().pk)
    assert (conversation().title, conversation().is_title_automatic) == ("Here is a small program:", False)
    record = UsageRecord.objects.get(agent_name="Title")
    assert (record.provider, record.user, record.generation_id) == (title_provider, conversation().owner, None)
    asked = calls.bodies()[-1]["messages"][-1]["content"]
    assert "How do lighthouses work?" in asked
    titles.write_title(conversation().pk)
    assert len(calls.models) == 2, "a second delivery asks nobody"


def test_a_title_that_a_person_gave_stays(say: Say, wishes: list[tuple[str, ...]], calls: Calls) -> None:
    sent = say("How do lighthouses work?")
    rename_conversation(conversation=conversation(), title="Mine")
    run_to_end(sent.generation)
    titles.write_title(conversation().pk)
    assert wishes == []
    assert conversation().title == "Mine"
    assert len(calls.models) == 1


def test_without_the_setting_nobody_is_asked(say: Say, wishes: list[tuple[str, ...]], settings: Settings) -> None:
    settings.TITLE_MODEL = ""
    run_to_end(say("plain").generation)
    assert wishes == []


@pytest.mark.parametrize("model", ["practice-503", "practice-html", "practice-silent"])
def test_a_title_model_that_fails_is_logged_once_and_changes_nothing(
    say: Say, settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, model: str
) -> None:
    settings.TITLE_MODEL = settings.TITLE_MODEL.replace("practice-fast", model)
    monkeypatch.setattr(titles, "LIMIT", 1.0)
    run_to_end(say(f"fails with {model}").generation)
    caplog.clear()
    titles.write_title(conversation().pk)
    warnings = [record for record in caplog.records if record.name == titles.__name__]
    assert len(warnings) == 1
    assert conversation().title == f"fails with {model}"
    assert conversation().is_title_automatic


def test_a_private_provider_is_never_used_for_titles(say: Say, provider: Provider, settings: Settings) -> None:
    settings.TITLE_MODEL = f"{provider.slug}/practice-fast"
    run_to_end(say("private").generation)
    titles.write_title(conversation().pk)
    assert conversation().title == "private"


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ('"Lighthouse Keeping"', "Lighthouse Keeping"),
        ("\n**Lighthouses at night.**\nHere is why", "Lighthouses at night"),
        ("# 灯台の話", "灯台の話"),
        ("x" * 500, "x" * titles.LONGEST),
        ("\u202e\x00 ", ""),
    ],
)
def test_what_models_write_around_a_title_is_taken_away(written: str, title: str) -> None:
    assert titles.clean_title(written) == title
