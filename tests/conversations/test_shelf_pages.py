"""The rail and the pages of what it keeps, with htmx and without."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from agents.models import Agent
from conversations import shelf
from conversations.models import Conversation, Folder, Message
from conversations.services import start_conversation
from tests.factories import make_agent, make_answer, make_provider, make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def agent(owner: User) -> Agent:
    return make_agent(owner, make_provider(owner))


@pytest.fixture
def home(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def talk(owner: User, title: str = "Plans", days: float = 0, **fields: object) -> Conversation:
    """A conversation that was used so many days ago."""
    conversation = start_conversation(user=owner, agent=None, title=title)
    moment = timezone.now() - timedelta(days=days)
    Conversation.objects.filter(pk=conversation.pk).update(updated_at=moment, **fields)
    return conversation


def on_page(conversation: Conversation) -> dict[str, str]:
    """The headers of an htmx request from the page of a conversation."""
    return {**HTMX, "HX-Current-URL": f"http://testserver/c/{conversation.pk}/"}


def test_the_rail_groups_by_date_with_pinned_ones_first(home: Client, owner: User) -> None:
    now = timezone.localtime()
    for title, days in (("Now", 0), ("Before", 1), ("This week", 4), ("Long ago", 400)):
        talk(owner, title, days)
    talk(owner, "Kept at hand", 500, is_pinned=True)
    talk(owner, "Put aside", is_archived=True)
    page = home.get("/c/").content.decode()
    year = (now - timedelta(days=400)).strftime("%Y")
    expected = ["Pinned", "Kept at hand", "Today", "Now", "Yesterday", "Before", "Previous 7 days", year, "Long ago"]
    places = [page.index(f">{word}" if word != year else f" {year}<") for word in expected]
    assert places == sorted(places)
    assert "Put aside" not in page


def test_the_rail_goes_on_without_losing_or_doubling_any(home: Client, owner: User) -> None:
    for number in range(95):
        talk(owner, f"Number {number:03}", number / 100)
    seen: list[str] = []
    address = "/c/rail/"
    for _ in range(4):
        html = home.get(address).content.decode()
        seen += [part.split("</span>")[0] for part in html.split('<span class="label">')[1:]]
        if 'hx-trigger="intersect once"' not in html:
            break
        address = html.split('hx-get="')[-1].split('"')[0]
    assert seen == [f"Number {number:03}" for number in range(95)]
    plain = home.get("/c/?" + address.split("?")[1]).content.decode()
    assert "Number 080" in plain, "the link works without a script"
    assert home.get("/c/rail/?older=nonsense~x").status_code == 200


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00"])
def test_a_place_beyond_the_calendar_is_none(home: Client, owner: User, moment: str) -> None:
    folder, place = shelf.create_folder(user=owner, name="Cooking"), f"{moment}~{UUID(int=0)}"
    for address in ("/c/?older=", "/c/rail/?older=", "/c/archive/?before=", f"/c/folders/{folder.pk}/?before="):
        assert home.get(f"{address}{place}").status_code == 200


def test_the_rail_asks_as_often_for_forty_as_for_one(
    home: Client, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(45):
        shelf.tag_conversation(conversation=talk(owner, str(number), number), tags=["a", "b"])
    with django_assert_max_num_queries(6):
        home.get("/c/rail/")


def test_tags_are_shown_and_lead_to_what_has_them(home: Client, owner: User) -> None:
    tagged, aside, other = talk(owner, "Soup"), talk(owner, "Stew", is_archived=True), talk(owner, "Plans")
    stranger = talk(make_user("outsider@example.org"), "Theirs")
    for conversation in (tagged, aside, stranger):
        shelf.tag_conversation(conversation=conversation, tags=["to do & <more>"])
    link = 'href="/c/?tag=to%20do%20%26%20%3Cmore%3E#rail"'
    assert link in home.get(f"/c/{tagged.pk}/").content.decode()
    assert link not in home.get(f"/c/{other.pk}/").content.decode()
    assert link in home.get("/c/archive/").content.decode()
    assert "#to do &amp; &lt;more&gt;" in home.get(f"/c/{tagged.pk}/row/").content.decode()
    for address in ("/c/?tag=To%20do%20%26%20%3Cmore%3E", "/c/rail/?tag=to%20do%20%26%20%3Cmore%3E"):
        page = home.get(address).content.decode()
        assert f'id="row-{tagged.pk}"' in page
        assert f'id="row-{aside.pk}"' in page, "what leads to the list is in it"
        assert f'id="row-{other.pk}"' not in page
        assert f'id="row-{stranger.pk}"' not in page
        assert 'value="to do &amp; &lt;more&gt;" form="rail-search">' in page, "a search stays in it"
        assert ">Show all</a>" in page
    assert "No conversation has this tag." in home.get("/c/?tag=a%00b").content.decode()


def test_the_list_of_a_tag_goes_on_and_is_searched(home: Client, owner: User) -> None:
    for number in range(45):
        shelf.tag_conversation(conversation=talk(owner, f"Soup {number:02}", number), tags=["food"])
    talk(owner, "Soup 99", 99)
    page = home.get("/c/?tag=food").content.decode()
    older = page.split('class="rail-item rail-older" href="')[1].split('"')[0].replace("&amp;", "&")
    page = home.get(older).content.decode()
    assert "Soup 44" in page
    assert "Soup 99" not in page
    page = home.get("/c/rail/?tag=food&q=soup").content.decode()
    assert page.count("rail-hit") == 40
    assert "Soup 99" not in page
    assert 'href="/c/?q=soup#rail"' in page, "the way back keeps the words"


def test_what_is_done_to_a_row_keeps_the_list_of_its_tag(home: Client, owner: User) -> None:
    conversation, other = talk(owner, "Soup"), talk(owner, "Plans")
    shelf.tag_conversation(conversation=conversation, tags=["food"])
    rail = home.post(f"/c/{conversation.pk}/pin/", {"tag": "food"}, headers=HTMX).content.decode()
    assert f'id="row-{conversation.pk}"' in rail
    assert f'id="row-{other.pk}"' not in rail
    headers = on_page(conversation)
    saved = home.post(f"/c/{conversation.pk}/organise/", {"tags": "hot"}, headers=headers).content.decode()
    assert f'id="row-{other.pk}"' in saved
    head = saved.split('id="head-title" hx-swap-oob="true"')[1]
    assert "#hot" in head
    assert "#food" not in head


def test_search_shows_the_place_and_marks_the_words(home: Client, owner: User) -> None:
    conversation = talk(owner, "Garden")
    answer = make_answer(conversation, "<script>alert(1)</script> The walnut tree & more")
    html = home.get("/c/rail/?q=waln").content.decode()
    assert f'href="/c/{conversation.pk}/m/{answer.pk}/"' in html
    assert "<mark>walnut</mark> tree &amp; more" in html
    assert "<script>" not in html
    assert "Nothing found for “&lt;zebra”" in home.get("/c/rail/?q=<zebra").content.decode()
    page = home.get("/c/?q=walnut").content.decode()
    assert "<mark>walnut</mark>" in page, "the form works without a script"


def test_a_jump_goes_to_the_message_and_shows_its_version(home: Client, owner: User) -> None:
    conversation = talk(owner)
    first = make_answer(conversation, "the first version")
    second = Message.objects.create(
        conversation=conversation, parent=first.parent, role="assistant", content="the second version"
    )
    Conversation.objects.filter(pk=conversation.pk).update(head=second)
    for message in (second, first):
        response = home.get(f"/c/{conversation.pk}/m/{message.pk}/")
        assert response.headers["Location"] == f"/c/{conversation.pk}/#message-{message.pk}"
        page = home.get(f"/c/{conversation.pk}/").content.decode()
        assert f'id="message-{message.pk}"' in page
        assert message.content in page


def test_a_title_is_changed_in_place(home: Client, owner: User) -> None:
    conversation = talk(owner)
    address = f"/c/{conversation.pk}/rename/"
    form = home.get(address, headers=HTMX).content.decode()
    assert 'value="Plans"' in form
    assert "<html" not in form
    assert "<html" in home.get(address).content.decode(), "a page of its own without a script"
    row = home.post(address, {"title": "A <new> title"}, headers=on_page(conversation))
    assert 'aria-current="page"' in row.content.decode()
    assert "A &lt;new&gt; title" in row.content.decode()
    assert "wiz:renamed" in row.headers["HX-Trigger"]
    head = home.post(f"{address}?place=head", {"title": "Another"}, headers=HTMX).content.decode()
    assert 'id="head-title"' in head
    refused = home.post(address, {"title": " "}, headers=HTMX)
    assert refused.status_code == 422
    assert refused.headers["HX-Reswap"] == "innerHTML"
    assert home.post(address, {"title": ""}).status_code == 422
    assert "cannot be stored" in home.post(address, {"title": "a\0b"}).content.decode()
    assert home.post(address, {"title": "Plain"}).status_code == 302
    assert Conversation.objects.get().title == "Plain"


def test_a_deleted_row_goes_with_a_way_back(home: Client, owner: User) -> None:
    conversation, other = talk(owner), talk(owner, "Other")
    html = home.post(f"/c/{conversation.pk}/delete/", headers=on_page(other)).content.decode()
    assert 'hx-swap-oob="true"' in html
    assert "“Plans” is in the trash for 30 days." in html
    assert f'hx-post="/c/{conversation.pk}/restore/"' in html
    assert home.get(f"/c/{conversation.pk}/").status_code == 404
    rail = home.post(f"/c/{conversation.pk}/restore/", headers=on_page(other)).content.decode()
    assert f'id="row-{conversation.pk}"' in rail
    assert home.get(f"/c/{conversation.pk}/").status_code == 200


def test_deleting_what_one_looks_at_leads_to_a_new_page_with_the_notice(home: Client, owner: User) -> None:
    conversation = talk(owner)
    led = home.post(f"/c/{conversation.pk}/delete/", headers=on_page(conversation))
    assert led.headers["HX-Redirect"] == "/c/"
    page = home.get("/c/").content.decode()
    assert f'formaction="/c/{conversation.pk}/restore/"' in page
    back = home.post(f"/c/{conversation.pk}/restore/")
    assert back.headers["Location"] == f"/c/{conversation.pk}/"
    plain = home.post(f"/c/{conversation.pk}/delete/")
    assert plain.headers["Location"] == "/c/"


def test_archive_takes_away_and_puts_back(home: Client, owner: User) -> None:
    conversation, other = talk(owner), talk(owner, "Other")
    html = home.post(f"/c/{conversation.pk}/archive/", headers=on_page(other)).content.decode()
    assert "Search still finds it." in html
    page = home.get("/c/archive/").content.decode()
    assert f'formaction="/c/{conversation.pk}/archive/"' in page
    rail = home.post(f"/c/{conversation.pk}/archive/", headers=on_page(other)).content.decode()
    assert f'id="row-{conversation.pk}"' in rail
    assert "Nothing is put aside" in home.get("/c/archive/").content.decode()


def test_the_archive_has_pages(home: Client, owner: User) -> None:
    for number in range(60):
        talk(owner, f"Number {number:02}", number, is_archived=True)
    page = home.get("/c/archive/").content.decode()
    assert "Number 49" in page
    assert "Number 50" not in page
    older = home.get("/c/archive/" + page.split('class="rows-older"><a href="')[1].split('"')[0]).content.decode()
    assert "Number 50" in older
    assert "Older" not in older.split('id="content"')[1]


def test_the_trash_lists_restores_and_is_emptied_by_its_word(home: Client, owner: User) -> None:
    conversation = talk(owner)
    shelf.trash_conversation(conversation=conversation)
    page = home.get("/c/trash/").content.decode()
    assert f'formaction="/c/{conversation.pk}/restore/"' in page
    assert home.post("/c/trash/", {"confirm": "yes"}).status_code == 422
    assert Conversation.objects.exists()
    assert home.post("/c/trash/", {"confirm": " Trash "}).status_code == 302
    assert not Conversation.objects.exists()
    assert "The trash is empty" in home.get("/c/trash/").content.decode()


def test_a_conversation_is_put_into_a_folder_old_or_new(home: Client, owner: User) -> None:
    conversation = talk(owner)
    old = shelf.create_folder(user=owner, name="Cooking")
    address = f"/c/{conversation.pk}/organise/"
    assert "Cooking" in home.get(address, headers=HTMX).content.decode()
    rail = home.post(address, {"folder": str(old.pk), "tags": "soup, Winter"}, headers=HTMX).content.decode()
    assert f'href="/c/folders/{old.pk}/"' in rail
    assert 'value="soup, winter"' in home.get(address, headers=HTMX).content.decode()
    assert home.post(address, {"new_folder": "Travel", "tags": ""}).status_code == 302
    conversation.refresh_from_db()
    assert conversation.folder is not None
    assert conversation.folder.name == "Travel"
    refused = home.post(address, {"new_folder": "cooking"}, headers=HTMX)
    assert refused.status_code == 422
    assert "already" in refused.content.decode()
    theirs = shelf.create_folder(user=make_user("outsider@example.org"), name="Theirs")
    assert home.post(address, {"folder": str(theirs.pk)}).status_code == 422


def test_a_folder_s_page_shows_changes_and_begins(home: Client, owner: User, agent: Agent) -> None:
    made = home.post("/c/folders/new/", {"name": "Cooking", "instructions": "Metric units."})
    folder = Folder.objects.get()
    assert made.headers["Location"] == f"/c/folders/{folder.pk}/"
    talk(owner, "Soup", folder=folder)
    page = home.get(f"/c/folders/{folder.pk}/").content.decode()
    assert "Metric units." in page
    assert "Soup" in page
    assert home.post(f"/c/folders/{folder.pk}/", {"name": ""}).status_code == 422
    home.post(f"/c/folders/{folder.pk}/", {"name": "Kitchen", "instructions": ""})
    assert Folder.objects.get().name == "Kitchen"
    new = home.get(f"/c/?folder={folder.pk}").content.decode()
    assert f'name="folder" value="{folder.pk}"' in new
    home.post("/c/", {"content": "Hi", "agent": str(agent.pk), "folder": str(folder.pk), "key": "k"})
    assert Conversation.objects.get(title="Hi").folder == folder
    assert home.post(f"/c/folders/{folder.pk}/delete/", {"confirm": "x"}).status_code == 422
    home.post(f"/c/folders/{folder.pk}/delete/", {"confirm": "kitchen"})
    assert not Folder.objects.exists()
    assert Conversation.objects.count() == 2


def test_a_mistyped_name_leaves_a_page_that_leads_back_to_the_folder(home: Client, owner: User) -> None:
    folder = shelf.create_folder(user=owner, name="Cooking")
    for number in range(51):
        talk(owner, f"Number {number}", number, folder=folder)
    address = f"/c/folders/{folder.pk}/"
    page = home.post(f"{address}delete/", {"confirm": "Coking"}).content.decode()
    assert f'<form class="form narrow" method="post" action="{address}"' in page
    older = page.split('class="rows-older"><a href="')[1].split('"')[0]
    assert "Number 50" in home.get(older).content.decode()


def test_a_temporary_conversation_says_so_and_ends_with_its_page(home: Client, owner: User, agent: Agent) -> None:
    page = home.get("/c/?temporary=on").content.decode()
    assert "Nothing of this is kept." in page
    response = home.post("/c/", {"content": "Hi", "agent": str(agent.pk), "temporary": "on", "key": "k"})
    conversation = Conversation.objects.get()
    assert conversation.is_temporary
    page = home.get(response.headers["Location"]).content.decode()
    assert f'data-leave="/c/{conversation.pk}/leave/"' in page
    assert "data-draft" not in page
    assert f'id="row-{conversation.pk}"' not in page
    assert home.post(f"/c/{conversation.pk}/leave/").status_code == 204
    assert not Conversation.objects.exists()
    kept = talk(owner)
    home.post(f"/c/{kept.pk}/leave/")
    assert Conversation.objects.exists()


def test_what_was_not_sent_is_there_on_the_next_page(home: Client, owner: User, agent: Agent) -> None:
    conversation = talk(owner, agent=agent)
    assert home.post(f"/c/{conversation.pk}/draft/", {"content": "half <a> thought"}).status_code == 204
    assert "half &lt;a&gt; thought</textarea>" in home.get(f"/c/{conversation.pk}/").content.decode()
    assert home.post(f"/c/{conversation.pk}/draft/", {"content": "x" * 200_001}).status_code == 422
    home.post(f"/c/{conversation.pk}/messages/", {"content": "sent", "agent": str(agent.pk), "key": "k"})
    assert "half &lt;a" not in home.get(f"/c/{conversation.pk}/").content.decode()


@pytest.mark.parametrize(
    "path", ["menu", "row", "title", "rename", "pin", "archive", "delete", "restore", "organise", "leave", "draft"]
)
def test_others_reach_none_of_it(client: Client, owner: User, path: str) -> None:
    conversation = talk(owner)
    answer = make_answer(conversation, "So")
    folder = shelf.create_folder(user=owner, name="Mine")
    client.force_login(make_user("outsider@example.org"))
    for address in (f"/c/{conversation.pk}/{path}/", f"/c/folders/{folder.pk}/", f"/c/folders/{folder.pk}/delete/"):
        answers = {client.get(address).status_code, client.post(address, {"title": "x"}).status_code}
        assert answers <= {404, 405}
        assert 404 in answers
    assert client.get(f"/c/{conversation.pk}/m/{answer.pk}/").status_code == 404
    assert Conversation.objects.filter(trashed_at=None, title="Plans").exists()
