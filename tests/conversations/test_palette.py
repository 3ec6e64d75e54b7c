"""What the command palette offers, and to whom."""

import pytest
from django.test import Client

from accounts.models import User
from conversations.models import Conversation
from conversations.palette import Palette, read_palette
from tests.factories import make_agent, make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


def labels(palette: Palette) -> list[str]:
    return [entry.label for group in palette.groups for entry in group.entries]


def test_the_latest_conversations_come_first_but_not_the_one_on_the_page(owner: User) -> None:
    rows = [Conversation.objects.create(owner=owner, title=f"Number {number}") for number in range(8)]
    Conversation.objects.create(owner=make_user("other@example.org"), title="Foreign")
    found = read_palette(owner, words="", shown=rows[-1])
    assert [entry.label for entry in found.groups[0].entries] == [f"Number {number}" for number in range(6, 0, -1)]
    assert [group.title for group in found.groups][1:4] == ["This conversation", "Go to", "Appearance"]
    assert "Foreign" not in labels(found)


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("sett", "Settings"),
        ("dark", "Dark theme"),
        ("new agent", "New agent"),
        ("AGE new", "New agent"),
        ("help", "Keyboard shortcuts"),
    ],
)
def test_words_are_compared_by_their_beginnings(owner: User, words: str, label: str) -> None:
    assert label in labels(read_palette(owner, words=words, shown=None))
    assert label not in labels(read_palette(owner, words=words + "x", shown=None))


def test_titles_and_messages_are_found_and_lead_there(owner: User) -> None:
    conversation = Conversation.objects.create(owner=owner, title="Kumquat jam")
    Conversation.objects.create(owner=make_user("other@example.org"), title="Kumquat of others")
    [group] = read_palette(owner, words="kumq", shown=None).groups
    assert [(entry.label, entry.url) for entry in group.entries] == [("Kumquat jam", f"/c/{conversation.pk}/")]


def test_a_command_comes_before_conversations_only_when_it_is_named(owner: User) -> None:
    Conversation.objects.create(owner=owner, title="Leave a letter")
    assert [group.title for group in read_palette(owner, words="leave", shown=None).groups] == [
        "Conversations",
        "Commands",
    ]
    Conversation.objects.create(owner=owner, title="Log of the ship")
    assert read_palette(owner, words="log", shown=None).groups[0].title == "Commands"


def test_only_agents_that_can_answer_are_offered(owner: User) -> None:
    provider = make_provider(owner)
    cook = make_agent(owner, provider, name="Cook")
    make_agent(owner, provider, name="Cookie, switched off", is_active=False)
    make_agent(make_user("other@example.org"), None, name="Cook of others")
    [group] = read_palette(owner, words="cook", shown=None).groups
    assert [entry.url for entry in group.entries] == [f"/c/?agent={cook.pk}"]


def test_the_administration_is_for_administrators(owner: User) -> None:
    assert "Administration" not in labels(read_palette(owner, words="", shown=None))
    assert "Administration" in labels(read_palette(make_staff(), words="", shown=None))


def test_the_page_on_which_it_opens_says_what_can_be_done(client: Client, owner: User) -> None:
    client.force_login(owner)
    mine = Conversation.objects.create(owner=owner, title="Mine", is_pinned=True)
    foreign = Conversation.objects.create(owner=make_user("other@example.org"), title="Foreign")
    for conversation, is_offered in ((mine, True), (foreign, False)):
        address = f"http://testserver/c/{conversation.pk}/"
        page = client.get("/c/palette/", {"q": "unpin"}, headers={"HX-Request": "true", "HX-Current-URL": address})
        assert (f'formaction="/c/{conversation.pk}/pin/"' in page.content.decode()) is is_offered
    assert "Nothing found for “zzz”" in client.get("/c/palette/", {"q": "zzz"}).content.decode()
    assert client.get("/c/palette/", {"q": "\0<b>"}).status_code == 200


def test_reading_it_costs_a_bounded_number_of_queries(
    owner: User, django_assert_max_num_queries: "pytest.FixtureRequest"
) -> None:
    provider = make_provider(owner)
    for number in range(20):
        Conversation.objects.create(owner=owner, title=f"Same {number}")
        make_agent(owner, provider, name=f"Same {number}")
    with django_assert_max_num_queries(5):  # type: ignore[operator]
        read_palette(owner, words="same", shown=None)
