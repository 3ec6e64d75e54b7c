"""The pages on which people and agents talk, without a worker: nothing answers here."""

import pytest
from django.test import Client

from accounts.models import User
from agents.models import Agent
from conversations.models import Conversation, Generation, Message
from conversations.services import Sent, send_message, start_conversation
from providers.errors import AuthFailed
from providers.models import Provider
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def owner() -> User:
    return make_user("owner@example.org")


@pytest.fixture
def outsider() -> User:
    return make_user("outsider@example.org")


@pytest.fixture
def talker(owner: User) -> Agent:
    return make_agent(owner, make_provider(owner), name="Quill", starters=["Start here"])


@pytest.fixture
def sent(owner: User, talker: Agent) -> Sent:
    conversation = start_conversation(user=owner, agent=talker)
    return send_message(user=owner, conversation=conversation, content="Hello <b>there</b>")


@pytest.fixture
def home(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def finish(sent: Sent, status: str = "completed", content: str = "", **fields: object) -> None:
    Message.objects.filter(pk=sent.reply.pk).update(content=content)
    Generation.objects.filter(pk=sent.generation.pk).update(status=status, **fields)


def url(sent: Sent, path: str = "") -> str:
    return f"/c/{sent.message.conversation_id}/{path}"


def test_without_an_agent_the_page_says_what_is_missing(home: Client) -> None:
    page = home.get("/c/").content.decode()
    assert "/providers/new/" in page
    assert "/agents/new/" in page
    assert 'id="composer"' not in page


def test_a_new_page_offers_starters_that_send_at_once(home: Client, talker: Agent, owner: User) -> None:
    assert '<button class="starter" type="submit" form="composer"' in home.get("/c/").content.decode()
    response = home.post("/c/", {"starter": "Start here", "content": "", "agent": str(talker.pk), "key": "k"})
    conversation = Conversation.objects.get(owner=owner)
    assert response.headers["Location"] == f"/c/{conversation.pk}/"
    assert conversation.messages.get(role="user").content == "Start here"


def test_sending_the_first_message_twice_makes_one_conversation(home: Client, talker: Agent) -> None:
    first = home.post("/c/", {"content": "Hi", "agent": str(talker.pk), "key": "same"})
    again = home.post("/c/", {"content": "Hi", "agent": str(talker.pk), "key": "same"})
    assert first.headers["Location"] == again.headers["Location"]
    assert Conversation.objects.count() == 1


@pytest.mark.parametrize(("text", "reason"), [("  ", "Write something first."), ("x" * 200_001, "200,000")])
def test_a_first_message_that_cannot_be_sent_stays_in_the_composer(
    home: Client, talker: Agent, text: str, reason: str
) -> None:
    response = home.post("/c/", {"content": text, "agent": str(talker.pk)})
    assert response.status_code == 422
    assert reason in response.content.decode()
    assert f">\n{text}</textarea>" in response.content.decode()
    assert not Conversation.objects.exists()


def test_the_page_of_a_running_answer_waits_for_the_socket(home: Client, sent: Sent) -> None:
    finish(sent, "running", "So far")
    page = home.get(url(sent)).content.decode()
    assert f'data-message="{sent.reply.pk}" data-status="running"' in page
    assert 'data-running="true"' in page
    assert '<div class="body" data-body></div>' in page
    assert "<noscript>" in page
    assert "Hello &lt;b&gt;there&lt;/b&gt;" in page


def test_a_finished_answer_is_complete_without_a_script(home: Client, sent: Sent) -> None:
    usage = {"input_tokens": 1204, "output_tokens": 12, "certain": True}
    finish(sent, content="It is **so**.\n\n<script>alert(1)</script>", usage=usage)
    page = home.get(url(sent)).content.decode()
    assert "1,204 in, 12 out" in page
    assert "<strong>so</strong>" in page
    assert "<script>alert" not in page


def test_an_error_says_what_happened_what_to_do_and_offers_it(home: Client, sent: Sent) -> None:
    finish(sent, "failed", error=AuthFailed(provider="Mine", status=401, detail="raw words").record())
    page = home.get(url(sent)).content.decode()
    assert "Mine refused the key" in page
    assert "Paste a new key under Providers" in page
    assert "raw words" in page
    assert 'href="/providers/"' in page
    assert f"/messages/{sent.reply.pk}/regenerate/" in page


def test_sending_with_htmx_returns_the_two_messages_and_a_new_key(home: Client, sent: Sent) -> None:
    finish(sent)
    response = home.post(url(sent, "messages/"), {"content": "More", "key": "one"}, headers=HTMX)
    page = response.content.decode()
    assert page.count("<article") == 2
    assert 'hx-swap-oob="true"' in page
    assert "<html" not in page
    assert 'value="one"' not in page


def test_sending_without_a_script_goes_back_to_the_page(home: Client, sent: Sent) -> None:
    finish(sent)
    assert home.post(url(sent, "messages/"), {"content": "More"}).headers["Location"] == url(sent)


def test_a_second_send_while_an_answer_is_written_keeps_the_text(home: Client, sent: Sent) -> None:
    response = home.post(url(sent, "messages/"), {"content": "Too early"}, headers=HTMX)
    assert response.status_code == 409
    assert response.headers["HX-Retarget"] == "#composer"
    assert "Too early</textarea>" in response.content.decode()
    plain = home.post(url(sent, "messages/"), {"content": "Too early"})
    assert plain.status_code == 409
    assert "Too early</textarea>" in plain.content.decode()


def test_a_provider_that_is_off_is_explained(home: Client, sent: Sent) -> None:
    finish(sent)
    Provider.objects.update(is_active=False)
    response = home.post(url(sent, "messages/"), {"content": "Hi"}, headers=HTMX)
    assert response.status_code == 422
    assert "is switched off" in response.content.decode()


def test_regenerating_shows_another_answer(home: Client, sent: Sent) -> None:
    finish(sent, content="First")
    page = home.post(url(sent, f"messages/{sent.reply.pk}/regenerate/"), headers=HTMX).content.decode()
    assert page.count("<article") == 2
    assert str(sent.reply.pk) not in page


def test_stop_is_remembered(home: Client, sent: Sent) -> None:
    finish(sent, "running")
    assert home.post(url(sent, "stop/"), headers=HTMX).status_code == 204
    assert Generation.objects.get(pk=sent.generation.pk).cancel_requested


def test_search_finds_words_and_the_rail_shows_only_those(home: Client, sent: Sent, talker: Agent, owner: User) -> None:
    finish(sent, content="A rare zebra")
    start_conversation(user=owner, agent=talker, title="Something else")
    page = home.get("/c/?q=zebra").content.decode()
    assert url(sent) in page
    assert "Something else" not in page


def test_rename_pin_archive_and_delete(home: Client, sent: Sent) -> None:
    home.post(url(sent, "rename/"), {"title": "A better title"})
    home.post(url(sent, "pin/"))
    home.post(url(sent, "archive/"))
    conversation = Conversation.objects.get()
    assert (conversation.title, conversation.is_pinned, conversation.is_archived) == ("A better title", True, True)
    home.post(url(sent, "delete/"), {"confirm": "something else"})
    assert Conversation.objects.exists()
    home.post(url(sent, "delete/"), {"confirm": "a better title"})
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("path", ["", "transcript/"])
def test_what_is_not_yours_cannot_be_read(client: Client, sent: Sent, outsider: User, path: str) -> None:
    client.force_login(outsider)
    assert client.get(url(sent, path)).status_code == 404


@pytest.mark.parametrize("path", ["messages/", "stop/", "rename/", "pin/", "archive/", "delete/"])
def test_what_is_not_yours_cannot_be_changed(client: Client, sent: Sent, outsider: User, path: str) -> None:
    client.force_login(outsider)
    assert client.post(url(sent, path), {"content": "x", "title": "x", "confirm": "x"}).status_code == 404
    assert client.post(url(sent, f"messages/{sent.reply.pk}/regenerate/")).status_code == 404


def test_a_message_of_another_conversation_cannot_be_regenerated(
    home: Client, sent: Sent, owner: User, talker: Agent
) -> None:
    finish(sent)
    other = start_conversation(user=owner, agent=talker)
    assert home.post(f"/c/{other.pk}/messages/{sent.reply.pk}/regenerate/").status_code == 404
