"""Search in titles and messages, on whichever database the tests run."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from accounts.models import User
from conversations import shelf
from conversations.finding import Hit, excerpt, find
from conversations.models import Conversation, Generation, Message, Query, SearchEntry
from conversations.services import delete_conversation, rename_conversation
from tests.factories import make_answer, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


def talk(owner: User, *contents: str, title: str = "") -> Conversation:
    """A conversation with these answers, one below the other."""
    conversation = Conversation.objects.create(owner=owner, title=title)
    above = None
    for content in contents:
        above = make_answer(conversation, content, parent=above)
    Conversation.objects.filter(pk=conversation.pk).update(head=above)
    return conversation


def search(owner: User, words: str) -> list[Hit]:
    return find(owner, words, Conversation.objects.visible_to(owner)).hits


def marked(hit: Hit) -> str:
    """The snippet with what was found in brackets."""
    return "".join(f"[{text}]" if is_hit else text for text, is_hit in hit.snippet)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The quick brown fox", "quick"),
        ("The quick brown fox", "QUI bro"),
        ("The quick brown fox", "fox the"),
        ("The quick brown fox", '"quick brown"'),
        ("Read /usr/share/dict/words first", "share/dict"),
        ("Write to ada.lovelace@example.org", "lovelace@exam"),
        ("Call foo.bar_baz(x) twice", "bar_baz"),
        ("Call foo.bar_baz(x) twice", "foo.bar"),
        ("It doesn't matter", "doesn't"),
        ("Version 3.14.1 is out", "3.14"),
        ("C++ and C#", "c++"),
        ("Ein schönes CAFÉ in Zürich", "cafe zuri"),
        ("Ein schones Cafe", "schön"),
        ("Это Большая ПРОВЕРКА", "большая провер"),
        ("ΑΘΗΝΑ", "αθηνα"),
        ("私は東京都に住んでいます", "東京"),
        ("私は東京都に住んでいます", "住んで"),
        ("我们明天去北京大学", "北京大学"),
        ("나는 한국어를 공부한다", "국어"),
        ("ฉันรักประเทศไทย", "ประเทศ"),
        ("मैं हिन्दी बोलता हूँ", "हिन्दी"),
        ("カタカナ", "ｶﾀ"),
        ("<b>bold</b> &amp; brave", "bold brave"),
        ("snake_case_name", "case"),
    ],
)
def test_words_are_found_by_their_beginnings_in_every_script(owner: User, text: str, words: str) -> None:
    wanted = talk(owner, text)
    talk(owner, "Something else entirely, about walnuts")
    assert [hit.conversation for hit in search(owner, words)] == [wanted]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The quick brown fox", "uick"),
        ("The quick brown fox", "quick cat"),
        ("The quick brown fox", '"brown quick"'),
        ("The quick brown fox", '"quick bro"'),
        ("東 から 京 へ", "京東"),
        ("anything", '""'),
        ("anything", "!!! ---"),
        ("anything", ""),
        ("anything", "OR"),
    ],
)
def test_what_is_not_there_is_not_found(owner: User, text: str, words: str) -> None:
    talk(owner, text)
    assert search(owner, words) == []


@pytest.mark.parametrize(
    "words",
    ['"', '"a', "a*", "NEAR(a b)", "title:a", "a AND", "'", "a:* & !b", "\\", "%", "(", "{title}", "^a", "-a", "🦊"],
)
def test_no_words_are_a_language(owner: User, words: str) -> None:
    """S1: what means something to the database's own query language means nothing here."""
    talk(owner, "a near title and b")
    search(owner, words)


def test_one_finds_only_one_s_own(owner: User) -> None:
    talk(make_user("outsider@example.org"), "walnuts", title="walnuts")
    mine = talk(owner, "walnuts")
    assert [hit.conversation for hit in search(owner, "walnuts")] == [mine]
    assert search(owner, owner.pk.hex) == [], "the owner's id is no word"


def test_titles_come_first_and_each_conversation_once(owner: User) -> None:
    spoken = talk(owner, "walnuts and more walnuts", "walnuts again")
    titled = talk(owner, "nothing", title="About walnuts")
    assert [hit.conversation for hit in search(owner, "walnuts")] == [titled, spoken]
    assert search(owner, "walnuts")[0].message is None


def test_a_hit_says_which_message_and_shows_the_place(owner: User) -> None:
    talk(owner, "first", "Long ago.\n\n" + "word " * 100 + "the <i>Walnut</i> tree, and a walnut " + "end " * 100)
    hit = search(owner, "walnut")[0]
    assert hit.message is not None
    message = Message.objects.get(pk=hit.message)
    assert "Walnut" in message.content
    assert "<i>[Walnut]</i> tree, and a [walnut] end" in marked(hit)
    assert marked(hit).startswith("…word")
    assert marked(hit).endswith("…")
    assert len(marked(hit)) < 220


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("ab cd ef", "cd", "ab [cd] ef"),
        ("ab cd ef", "zz", "ab cd ef"),
        ("Café crème", "cafe", "[Café] crème"),
        ("Cafe\u0301 creme", "café", "[Cafe\u0301] creme"),
        ("私は東京都に", "東京", "私は[東京]都に"),
        ("foo.bar baz", "foo.ba", "[foo.bar] baz"),
        ("one\n\n  two", "two", "one [two]"),
    ],
)
def test_a_snippet_marks_what_was_found(text: str, words: str, expected: str) -> None:
    pieces = excerpt(text, Query(words))
    assert "".join(f"[{piece}]" if is_hit else piece for piece, is_hit in pieces) == expected


def test_the_index_follows_every_change(owner: User) -> None:
    conversation = talk(owner, "apples", title="Fruit")
    message = Message.objects.get(content="apples")
    Message.objects.filter(pk=message.pk).update(content="pears")
    assert search(owner, "apples") == []
    assert search(owner, "pears")
    rename_conversation(conversation=conversation, title="Vegetables")
    assert search(owner, "fruit") == []
    assert search(owner, "vegetables")
    delete_conversation(conversation=conversation)
    assert search(owner, "pears") == []
    assert not SearchEntry.objects.exists()


def test_a_message_is_entered_when_its_run_is_over(owner: User) -> None:
    conversation = talk(owner, "")
    reply = Message.objects.get(role="assistant")
    run = Generation.objects.create(conversation=conversation, message=reply, status="running")
    for text in ("half", "half of it"):
        Message.objects.filter(pk=reply.pk).update(content=text)
    assert search(owner, "half") == [], "checkpoints cost the index nothing"
    Message.objects.filter(pk=reply.pk).update(content="half of it and the rest")
    Generation.objects.filter(pk=run.pk).update(status="completed")
    assert search(owner, "rest")
    Generation.objects.create(conversation=conversation, message=reply, status="queued")
    assert search(owner, "rest"), "what is found stays found while another run goes on from it"


def test_text_written_at_once_and_by_many_is_found(owner: User) -> None:
    conversation = talk(owner)
    rows = [Message(conversation=conversation, role="user", content=f"word{number}") for number in range(250)]
    Message.objects.bulk_create(rows, batch_size=100)
    assert search(owner, "word249")
    Message.objects.filter(conversation=conversation).delete()
    assert not SearchEntry.objects.exists()


def test_a_huge_and_varied_text_can_be_written_and_found(owner: User) -> None:
    varied = "needle " + " ".join(f"{number:x}{chr(0x400 + number % 250)}" for number in range(120_000))
    talk(owner, varied)
    assert search(owner, "needle")


def test_more_than_a_page_comes_in_parts(owner: User) -> None:
    for number in range(5):
        talk(owner, f"walnut {number}")
    among = Conversation.objects.visible_to(owner)
    first, second = (find(owner, "walnut", among, start=start, count=3) for start in (0, 3))
    assert (len(first.hits), first.has_more, len(second.hits), second.has_more) == (3, True, 2, False)
    assert len({hit.conversation for hit in [*first.hits, *second.hits]}) == 5


@pytest.mark.django_db(transaction=True)
def test_a_table_that_a_migration_rebuilds_keeps_working_with_fresh_triggers(owner: User) -> None:
    from importlib import import_module

    search_migration = import_module("conversations.migrations.0005_search")
    tree_migration = import_module("conversations.migrations.0003_message_tree")
    talk(owner, "before")
    editor: Any
    with connection.schema_editor() as editor:
        search_migration.drop_triggers(None, editor)
        if connection.vendor == "sqlite":
            for model in (Conversation, Message, Generation):
                editor._remake_table(model)
        tree_migration.create_triggers(None, editor)
        search_migration.create_triggers(None, editor)
    with transaction.atomic():
        talk(owner, "after")
    assert search(owner, "before")
    assert search(owner, "after")


def test_tags_are_found_too(owner: User) -> None:
    def pks(owner: User, words: str) -> list[UUID]:
        return [hit.conversation.pk for hit in search(owner, words)]

    tagged, named, other = talk(owner, "nothing"), talk(owner, "of the été"), talk(owner, "nothing")
    shelf.tag_conversation(conversation=tagged, tags=["Été 2025", "to do"])
    shelf.tag_conversation(conversation=other, tags=["winter"])
    theirs = talk(make_user("outsider@example.org"), "nothing")
    shelf.tag_conversation(conversation=theirs, tags=["été"])
    assert pks(owner, "ete") == [tagged.pk, named.pk]
    assert pks(owner, "#été do 2025") == [tagged.pk]
    assert pks(owner, '"ete 2025"') == [tagged.pk]
    assert [hit.tags for hit in search(owner, "do")] == [("to do",)]
    assert pks(owner, "été winter") == pks(owner, '"et"') == []
    shelf.tag_conversation(conversation=tagged, tags=["étude"])
    shelf.trash_conversation(conversation=other)
    assert pks(owner, "été") == [named.pk]
    assert pks(owner, "winter") == []
