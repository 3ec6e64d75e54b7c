"""The pages on which people and agents talk, without a worker: nothing answers here."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from agents.models import Agent
from conversations import services, window
from conversations.models import Conversation, Generation, Message
from conversations.queueing import Sent
from conversations.services import send_message, start_conversation
from providers.errors import AuthFailed
from providers.models import Provider, ProviderModel
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


def test_a_page_that_has_the_text_is_told_what_stands_around_it(home: Client, sent: Sent) -> None:
    finish(sent, "completed", "Hello **there**")
    page = home.get(url(sent, f"messages/{sent.reply.pk}/")).content.decode()
    assert f'data-message="{sent.reply.pk}" data-status="completed"' in page
    assert f"/messages/{sent.reply.pk}/regenerate/" in page
    assert "there" not in page


def test_an_answer_that_ends_while_its_page_is_drawn_is_asked_for_once_more(
    home: Client, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest = window.latest

    def overtaken(conversation: Conversation) -> window.Window:
        shown = latest(conversation)
        finish(sent, content="Done.")
        return shown

    monkeypatch.setattr(window, "latest", overtaken)
    address = f"/c/{sent.reply.conversation_id}/"
    assert 'http-equiv="refresh"' in home.get(address).content.decode()
    assert 'http-equiv="refresh"' not in home.get(address).content.decode()


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
    assert f'data-message="{sent.reply.pk}"' not in page
    assert "2 of 2" in page


def test_one_answers_again_with_another_agent_or_model(
    home: Client, sent: Sent, owner: User, outsider: User, talker: Agent
) -> None:
    finish(sent, content="First")
    assert talker.provider is not None
    make_agent(owner, talker.provider, name="Second pen")
    make_agent(outsider, make_provider(outsider), name="Not yours")
    for number in range(12):
        ProviderModel.objects.create(provider=talker.provider, model_id=f"model-{number:02}")
    menu = home.get(url(sent, f"messages/{sent.reply.pk}/again/"), headers=HTMX).content.decode()
    assert "Second pen" in menu
    assert "Not yours" not in menu
    assert "model-07" in menu
    assert "model-08" not in menu
    chosen = {"model": str(ProviderModel.objects.get(model_id="model-03").pk)}
    assert home.post(url(sent, f"messages/{sent.reply.pk}/regenerate/"), chosen, headers=HTMX).status_code == 200
    run = Generation.objects.active().get()
    assert (run.override_provider, run.override_model) == (talker.provider, "model-03")


def test_a_model_or_agent_of_somebody_else_is_refused_in_words(home: Client, sent: Sent, outsider: User) -> None:
    finish(sent, content="First")
    theirs = make_provider(outsider)
    model = ProviderModel.objects.create(provider=theirs, model_id="secret")
    for choice in ({"model": str(model.pk)}, {"agent": str(make_agent(outsider, theirs).pk)}):
        response = home.post(url(sent, f"messages/{sent.reply.pk}/regenerate/"), choice, headers=HTMX)
        assert response.status_code == 422
        assert response.headers["HX-Retarget"] == "#composer-error"
        assert "Choose another" in response.content.decode()
    assert not Generation.objects.active().exists()


def test_editing_begins_in_place_with_and_without_a_script(home: Client, sent: Sent) -> None:
    finish(sent)
    form = home.get(url(sent, f"messages/{sent.message.pk}/edit/"), headers=HTMX).content.decode()
    page = home.get(url(sent) + f"?edit={sent.message.pk}").content.decode()
    for html in (form, page):
        assert f'id="edit-{sent.message.pk}"' in html
        assert "Hello &lt;b&gt;there&lt;/b&gt;</textarea>" in html
    assert "<html" not in form
    for nonsense in ("x", str(sent.reply.pk), str(sent.message.conversation_id)):
        assert 'class="edit"' not in home.get(url(sent) + f"?edit={nonsense}").content.decode()
    assert home.get(url(sent, f"messages/{sent.reply.pk}/edit/")).status_code == 404


def test_an_edit_is_a_new_version_and_the_old_one_can_be_had_again(home: Client, sent: Sent) -> None:
    finish(sent, content="Old answer")
    address = url(sent, f"messages/{sent.message.pk}/edit/")
    page = home.post(address, {"content": "Hello again", "key": "one"}, headers=HTMX).content.decode()
    assert "Hello again" in page
    assert "2 of 2" in page
    assert "Old answer" not in page
    page = home.post(url(sent, f"messages/{sent.message.pk}/select/"), headers=HTMX).content.decode()
    assert "Old answer" in page
    assert "1 of 2" in page
    assert "Another version is being written." in page, "the run goes on"
    page = home.get(url(sent)).content.decode()
    assert "Another version is being written." in page
    assert 'data-running="true"' in page


def test_an_edit_without_a_script_goes_back_to_the_page(home: Client, sent: Sent) -> None:
    finish(sent)
    response = home.post(url(sent, f"messages/{sent.message.pk}/edit/"), {"content": "Hello again", "key": "one"})
    assert response.headers["Location"] == url(sent)
    assert "Hello again" in home.get(url(sent)).content.decode()
    back = home.post(url(sent, f"messages/{sent.message.pk}/select/"))
    assert back.headers["Location"] == url(sent)


def test_an_edit_that_is_refused_keeps_its_words(home: Client, sent: Sent) -> None:
    address = url(sent, f"messages/{sent.message.pk}/edit/")
    early = home.post(address, {"content": "Too early", "key": "one"}, headers=HTMX)
    assert early.status_code == 409
    assert early.headers["HX-Retarget"] == f"#edit-{sent.message.pk}"
    assert "Too early</textarea>" in early.content.decode()
    finish(sent)
    plain = home.post(address, {"content": " ", "key": "one"})
    assert plain.status_code == 422
    assert "Write something first." in plain.content.decode()
    assert 'class="edit"' in plain.content.decode()


def test_a_refused_regeneration_leaves_the_composer_alone(home: Client, sent: Sent) -> None:
    response = home.post(url(sent, f"messages/{sent.reply.pk}/regenerate/"), headers=HTMX)
    assert response.status_code == 409
    assert response.headers["HX-Retarget"] == "#composer-error"
    assert "<textarea" not in response.content.decode()


def test_a_fork_opens_as_a_conversation_of_its_own(home: Client, sent: Sent) -> None:
    finish(sent, content="An answer")
    response = home.post(url(sent, f"messages/{sent.reply.pk}/fork/"))
    page = home.get(response.headers["Location"]).content.decode()
    assert response.headers["Location"] != url(sent)
    assert "(fork)" in page
    assert "An answer" in page


@pytest.mark.parametrize(
    ("fields", "offered"),
    [
        ({"status": "cancelled"}, True),
        ({"status": "interrupted"}, True),
        ({"status": "failed", "error": AuthFailed(provider="Mine", status=401).record()}, True),
        ({"status": "completed", "finish_reason": "length"}, True),
        ({"status": "completed", "finish_reason": "stop"}, False),
        ({"status": "failed", "error": AuthFailed(provider="Mine", status=401).record(), "content": ""}, False),
        ({"status": "cancelled", "content": ""}, False),
    ],
)
def test_an_answer_that_was_cut_off_can_go_on(home: Client, sent: Sent, fields: dict[str, Any], offered: bool) -> None:
    finish(sent, **{"content": "Half of", **fields})
    page = home.get(url(sent)).content.decode()
    assert (url(sent, f"messages/{sent.reply.pk}/continue/") in page) is offered


def test_only_the_last_answer_can_go_on(home: Client, sent: Sent) -> None:
    finish(sent, "cancelled", "Half of")
    home.post(url(sent, "messages/"), {"content": "More", "key": "one"})
    assert f"messages/{sent.reply.pk}/continue/" not in home.get(url(sent)).content.decode()


@pytest.mark.skipif(not hasattr(services, "continue_generation"), reason="the engine cannot continue yet")
def test_going_on_runs_the_same_message_again(home: Client, sent: Sent) -> None:
    finish(sent, "cancelled", "Half of")
    page = home.post(url(sent, f"messages/{sent.reply.pk}/continue/"), headers=HTMX).content.decode()
    assert f'data-message="{sent.reply.pk}" data-status="queued"' in page
    refused = home.post(url(sent, f"messages/{sent.reply.pk}/continue/"), headers=HTMX)
    assert refused.status_code == 409
    assert refused.headers["HX-Retarget"] == "#composer-error"


def test_one_message_is_served_as_the_transcript_shows_it(home: Client, sent: Sent) -> None:
    finish(sent, "failed", error=AuthFailed(provider="Mine", status=401).record())
    html = home.get(url(sent, f"messages/{sent.reply.pk}/")).content.decode()
    assert html.count("<article") == 1
    assert 'href="/providers/"' in html


RECEIPT = {
    "provider": "Mine",
    "kind": "openai",
    "model": "large",
    "model_answered": "large-2026",
    "parameters": {"temperature": 0.2, "max_tokens": 500, "reasoning_effort": "xhigh"},
    "dropped": ["top_p"],
    "messages_sent": 20,
    "left_out": {"by_count": 3, "by_context": 2},
    "attempts": [{"attempt": 1, "provider": "First", "model": "tiny", "code": "rate_limit"}],
    "hops": [{"provider": "First", "model": "tiny", "code": "rate_limit", "message": "First is busy.", "at": ""}],
    "timings": {"queued": 12, "first_token": 1234, "total": 65_000},
}


def test_a_receipt_tells_what_was_asked_and_what_it_cost(home: Client, sent: Sent) -> None:
    usage = {"input_tokens": 1204, "output_tokens": 12, "certain": False, "cost": "0.00123456"}
    finish(sent, content="So", usage=usage, receipt=RECEIPT, attempt=2, model="large", provider_name="Mine")
    address = url(sent, f"messages/{sent.reply.pk}/receipt/")
    receipt = home.get(address, headers=HTMX).content.decode()
    for words in (
        "Mine", "large-2026 answered", "Temperature 0.2", "Longest answer 500", "Reasoning effort very high", "Top p",
        "First limits how fast it answers", "5 earlier ones left out", "First is busy.",
        "12 ms", "1.2 s", "1 min 5 s", "1,204 in, 12 out", "Estimated", "$0.00123",
    ):  # fmt: skip
        assert words in receipt
    assert "<html" not in receipt
    assert "<html" in home.get(address).content.decode(), "a page of its own without a script"
    page = home.get(url(sent)).content.decode()
    assert "First is busy. large at Mine answered instead." in page
    assert "Earlier messages were left out" in page


def test_a_receipt_is_in_the_reader_s_language(home: Client, sent: Sent) -> None:
    attempts = [
        {"attempt": number, "provider": "", "model": "tiny", "code": code}
        for number, code in enumerate(("timeout", "interrupted", "from the future"), 1)
    ]
    finish(sent, content="So", receipt={**RECEIPT, "attempts": attempts})
    address = url(sent, f"messages/{sent.reply.pk}/receipt/")
    receipt = home.get(address, headers={**HTMX, "Accept-Language": "pt-BR"}).content.decode()
    for words in ("Resposta mais longa 500", "Esforço de raciocínio muito alto", "1. tiny: O provedor não respondeu"):
        assert words in receipt
    for words in ("max tokens", "reasoning effort", "2. tiny: interrupted"):
        assert words not in receipt
    assert "3. tiny: from the future" in receipt


def test_the_receipt_of_an_old_answer_says_what_is_known(home: Client, sent: Sent) -> None:
    finish(sent, content="So", model="large")
    receipt = home.get(url(sent, f"messages/{sent.reply.pk}/receipt/"), headers=HTMX)
    assert receipt.status_code == 200
    assert "large" in receipt.content.decode()


def test_the_source_of_an_answer_is_what_the_model_wrote(home: Client, sent: Sent) -> None:
    finish(sent, content="1. <b>one</b>\n2. $x^2$")
    source = home.get(url(sent, f"messages/{sent.reply.pk}/source/"))
    assert source["Content-Type"] == "text/plain; charset=utf-8"
    assert source.content.decode() == "1. <b>one</b>\n2. $x^2$"


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


def test_rename_pin_and_archive(home: Client, sent: Sent) -> None:
    home.post(url(sent, "rename/"), {"title": "A better title"})
    home.post(url(sent, "pin/"))
    home.post(url(sent, "archive/"))
    conversation = Conversation.objects.get()
    assert (conversation.title, conversation.is_pinned, conversation.is_archived) == ("A better title", True, True)


@pytest.mark.parametrize("path", ["", "transcript/"])
def test_what_is_not_yours_cannot_be_read(client: Client, sent: Sent, outsider: User, path: str) -> None:
    client.force_login(outsider)
    assert client.get(url(sent, path)).status_code == 404


@pytest.mark.parametrize("path", ["messages/", "stop/", "rename/", "pin/", "archive/", "delete/"])
def test_what_is_not_yours_cannot_be_changed(client: Client, sent: Sent, outsider: User, path: str) -> None:
    client.force_login(outsider)
    assert client.post(url(sent, path), {"content": "x", "title": "x", "confirm": "x"}).status_code == 404


@pytest.mark.parametrize(
    "action", ["regenerate", "select", "fork", "continue", "edit", "again", "receipt", "source", ""]
)
def test_a_message_is_reached_only_by_its_owner_in_its_own_conversation(
    client: Client, sent: Sent, owner: User, outsider: User, action: str
) -> None:
    finish(sent)
    other = start_conversation(user=owner, agent=None)
    wrong = [(owner, f"/c/{other.pk}/"), (outsider, url(sent))]
    for person, place in wrong:
        client.force_login(person)
        address = f"{place}messages/{sent.reply.pk}/{action}/".replace("//", "/")
        answers = {client.get(address).status_code, client.post(address, {"content": "x"}).status_code}
        assert answers <= {404, 405}
        assert 404 in answers
    assert Message.objects.count() == 2
