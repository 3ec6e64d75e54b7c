"""A conversation of thousands of messages: a page draws a few dozen of them, at the price of a few dozen."""

import re
import time
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from conversations import window
from conversations.models import Conversation, Message
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db


def make_long(owner: User, count: int) -> tuple[Conversation, list[Message]]:
    """A conversation of so many messages, one below the other."""
    agent = make_agent(owner, make_provider(owner))
    conversation = Conversation.objects.create(owner=owner, agent=agent, title="Long")
    messages: list[Message] = []
    for number in range(count):
        parent = messages[-1] if messages else None
        role = "assistant" if number % 2 else "user"
        messages.append(
            Message(
                id=uuid.uuid4(), conversation=conversation, parent=parent, role=role, content=f"**number** {number}"
            )
        )
    Message.objects.bulk_create(messages, batch_size=100)
    conversation.head = messages[-1]
    conversation.save(update_fields=["head"])
    return conversation, messages


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def home(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def shown(home: Client, path: str) -> list[int]:
    """The numbers of the messages that an address shows, in order."""
    response = home.get(path)
    assert response.status_code == 200
    return [
        int(number) for number in re.findall(r"(?:number</strong>|\*\*number\*\*) (\d+)", response.content.decode())
    ]


def test_a_page_shows_the_latest_and_links_lead_to_the_rest(home: Client, owner: User) -> None:
    conversation, messages = make_long(owner, 100)
    page = f"/c/{conversation.pk}/"
    assert shown(home, page) == list(range(60, 100))
    for path in (page, f"{page}transcript/"):
        assert shown(home, f"{path}?before={messages[60].pk}") == list(range(20, 60))
        assert shown(home, f"{path}?before={messages[20].pk}") == list(range(20))
        assert shown(home, f"{path}?after={messages[59].pk}") == list(range(60, 100))
        assert shown(home, f"{path}?at={messages[30].pk}") == list(range(20, 60))
        assert shown(home, f"{path}?at={messages[70].pk}") == list(range(60, 100))
        assert shown(home, f"{path}?from={messages[30].pk}") == list(range(30, 100))
        assert shown(home, f"{path}?from={messages[30].pk}&until={messages[33].pk}") == [30, 31, 32, 33]
    first = home.get(f"{page}?before={messages[20].pk}").content.decode()
    assert "Older messages" not in first
    assert f"?after={messages[19].pk}" in first
    last = home.get(page).content.decode()
    assert f"?before={messages[60].pk}" in last
    assert "Newer messages" not in last


def test_what_is_asked_for_wrongly_shows_the_latest_or_nothing(home: Client, owner: User) -> None:
    conversation, messages = make_long(owner, 50)
    stranger, others = make_long(make_user("other@example.org"), 2)
    assert shown(home, f"/c/{conversation.pk}/?before=nonsense&at=x&from=y") == list(range(10, 50))
    assert shown(home, f"/c/{conversation.pk}/?at={others[0].pk}") == list(range(10, 50))
    assert shown(home, f"/c/{conversation.pk}/?from={others[0].pk}") == list(range(10, 50))
    assert home.get(f"/c/{conversation.pk}/?before={others[0].pk}").status_code == 404
    assert home.get(f"/c/{stranger.pk}/?before={others[1].pk}").status_code == 404
    short, _ = make_long(owner, 2)
    assert "Older messages" not in home.get(f"/c/{short.pk}/").content.decode()
    assert home.get(f"/c/{conversation.pk}/?before={messages[0].pk}").status_code == 200


def test_a_hit_far_up_is_shown_with_what_is_around_it(home: Client, owner: User) -> None:
    conversation, messages = make_long(owner, 200)
    response = home.get(f"/c/{conversation.pk}/m/{messages[50].pk}/")
    assert response["Location"] == f"/c/{conversation.pk}/?at={messages[50].pk}#message-{messages[50].pk}"
    assert shown(home, response["Location"]) == list(range(40, 80))
    near = home.get(f"/c/{conversation.pk}/m/{messages[190].pk}/")
    assert near["Location"] == f"/c/{conversation.pk}/#message-{messages[190].pk}"


def test_another_version_of_an_old_message_is_shown_where_it_is(home: Client, owner: User) -> None:
    conversation, messages = make_long(owner, 100)
    version = Message.objects.create(conversation=conversation, parent=messages[9], role="user", content="Instead")
    path = f"/c/{conversation.pk}/messages/{version.pk}/select/"
    text = home.post(path, {"from": messages[5].pk}, headers={"HX-Request": "true"}).content.decode()
    assert re.findall(r'data-message="([^"]+)"', text) == [*(str(row.pk) for row in messages[5:10]), str(version.pk)]
    back = home.post(f"/c/{conversation.pk}/messages/{messages[10].pk}/select/")
    assert back["Location"] == f"/c/{conversation.pk}/?at={messages[10].pk}#message-{messages[10].pk}"


def test_two_thousand_messages_cost_what_forty_cost(home: Client, owner: User) -> None:
    """In queries exactly; in time, the best of five, at most three times as much. Drawing all took thirty-six times."""
    costs, times = [], []
    for count in (40, 2000):
        conversation, _ = make_long(owner, count)
        path = f"/c/{conversation.pk}/"
        home.get(path)
        with CaptureQueriesContext(connection) as queries:
            home.get(path)
        costs.append(len(queries))
        times.append(min(clocked(home, path) for _ in range(5)))
    assert costs[1] == costs[0]
    assert times[1] < 3 * times[0], times


def clocked(home: Client, path: str) -> float:
    begin = time.process_time()
    assert home.get(path).status_code == 200
    return time.process_time() - begin


def test_a_window_has_no_holes_whichever_way_one_reads(owner: User) -> None:
    conversation, messages = make_long(owner, 137)
    numbers = {message.pk: number for number, message in enumerate(messages)}
    shown = window.latest(conversation)
    found = [numbers[message.pk] for message in shown.messages]
    while shown.has_older:
        shown = window.older(conversation, messages[found[0]].pk)
        found = [numbers[message.pk] for message in shown.messages] + found
    assert found == list(range(137))
    shown = window.around(conversation, messages[20].pk)
    found = [numbers[message.pk] for message in shown.messages]
    while shown.has_newer:
        shown = window.newer(conversation, messages[found[-1]].pk)
        found += [numbers[message.pk] for message in shown.messages]
    assert found == list(range(10, 137))
