"""REST: search, trash, folders, tags."""

import uuid

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from conversations import shelf
from conversations.models import Conversation, Folder, Generation, Message
from conversations.services import start_conversation
from tests.factories import make_agent, make_answer, make_provider, make_user

pytestmark = pytest.mark.django_db
LIST = "/api/v1/conversations/"


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def api(owner: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(owner)
    return client


@pytest.fixture
def conversation(owner: User) -> Conversation:
    agent = make_agent(owner, make_provider(owner))
    return start_conversation(user=owner, agent=agent, title="Plans")


def url(conversation: Conversation) -> str:
    return f"{LIST}{conversation.pk}/"


def listed(api: APIClient, **parameters: str) -> list[str]:
    return [row["id"] for row in api.get(LIST, parameters).json()["results"]]


def test_a_search_says_where_it_found_the_words(api: APIClient, conversation: Conversation) -> None:
    message = make_answer(conversation, "On Tuesday the <b>walnuts</b> were ripe.")
    (row,) = api.get(LIST, {"q": "walnut"}).json()["results"]
    assert row["hit"]["message"] == str(message.pk)
    assert [piece["text"] for piece in row["hit"]["snippet"] if piece["is_hit"]] == ["walnuts"]
    assert "".join(piece["text"] for piece in row["hit"]["snippet"]) == message.content
    assert api.get(LIST).json()["results"][0]["hit"] is None


def test_search_results_come_in_pages_the_best_first(api: APIClient, owner: User) -> None:
    for number in range(5):
        make_answer(start_conversation(user=owner, agent=None), f"walnut {number}")
    titled = start_conversation(user=owner, agent=None, title="Walnuts")
    first = api.get(LIST, {"q": "walnut", "page_size": "4"}).json()
    assert first["results"][0]["id"] == str(titled.pk)
    assert first["previous"] is None
    second = api.get(first["next"]).json()
    assert second["next"] is None
    assert len({row["id"] for row in first["results"] + second["results"]}) == 6
    assert api.get(second["previous"]).json()["results"] == first["results"]
    for cursor in ("x", "-1", "9" * 9, "²"):
        assert api.get(LIST, {"q": "walnut", "cursor": cursor}).status_code == 400


def test_a_search_asks_the_database_as_often_for_many_as_for_one(
    api: APIClient, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(12):
        talk = start_conversation(user=owner, agent=None)
        make_answer(talk, "walnut")
        shelf.tag_conversation(conversation=talk, tags=["nuts"])
    with django_assert_max_num_queries(5):
        assert len(listed(api, q="walnut")) == 12


def test_deleting_is_for_thirty_days_and_can_be_taken_back(api: APIClient, conversation: Conversation) -> None:
    assert api.delete(url(conversation)).status_code == 204
    assert api.get(url(conversation)).status_code == 404
    assert listed(api) == []
    assert listed(api, q="plans") == []
    assert listed(api, trashed="true") == [str(conversation.pk)]
    assert api.patch(url(conversation), {"title": "x"}, format="json").status_code == 404
    assert api.post(f"{url(conversation)}messages/", {"content": "x"}, format="json").status_code == 404
    restored = api.patch(url(conversation), {"is_trashed": False}, format="json")
    assert (restored.status_code, restored.json()["is_trashed"]) == (200, False)
    assert listed(api) == listed(api, q="plans") == [str(conversation.pk)]


def test_everything_in_a_trashed_conversation_is_gone_for_callers(api: APIClient, conversation: Conversation) -> None:
    answer = make_answer(conversation, "So")
    run = Generation.objects.create(conversation=conversation, message=answer, status="completed")
    api.delete(url(conversation))
    for path in (f"generations/{run.pk}/", f"generations/{run.pk}/events/"):
        assert api.get(f"/api/v1/{path}").status_code in {401, 404}
    for path in (f"messages/{answer.pk}/regenerate/", f"messages/{answer.pk}/select/", f"generations/{run.pk}/cancel/"):
        assert api.post(f"/api/v1/{path}").status_code == 404


def test_what_is_deleted_for_good_is_gone(api: APIClient, conversation: Conversation, owner: User) -> None:
    other = start_conversation(user=owner, agent=None)
    api.delete(url(conversation))
    for gone in (conversation, other):
        assert api.delete(f"{url(gone)}?permanent=true").status_code == 204
    assert not Conversation.objects.exists()


def test_the_trash_of_others_does_not_exist(api: APIClient) -> None:
    theirs = start_conversation(user=make_user("outsider@example.org"), agent=None)
    shelf.trash_conversation(conversation=theirs)
    assert listed(api, trashed="true") == []
    assert api.patch(url(theirs), {"is_trashed": False}, format="json").status_code == 404
    assert api.delete(f"{url(theirs)}?permanent=true").status_code == 404
    assert Conversation.objects.get().is_trashed


def test_a_conversation_begins_with_folder_tags_and_kind(api: APIClient) -> None:
    folder = api.post("/api/v1/folders/", {"name": "Cooking", "instructions": "Metric."}, format="json").json()["id"]
    body = {"folder": folder, "tags": ["Soup"], "title": "Dinner"}
    made = api.post(LIST, body, format="json").json()
    assert (made["folder"], made["tags"]) == (folder, ["soup"])
    assert listed(api, folder=folder) == listed(api, tag="SOUP") == [made["id"]]
    assert listed(api, folder=str(uuid.uuid4())) == listed(api, tag="other") == []
    assert api.get(LIST, {"folder": "x"}).status_code == 400
    assert api.patch(f"{LIST}{made['id']}/", {"folder": None, "tags": []}, format="json").json()["tags"] == []
    temporary = api.post(LIST, {"is_temporary": True}, format="json").json()
    assert listed(api) == [made["id"]], "temporary ones are in no list"
    assert api.patch(f"{LIST}{temporary['id']}/", {"is_temporary": False}, format="json").status_code == 400
    assert api.post(LIST, {"is_trashed": True}, format="json").status_code == 400


def test_folders_are_one_s_own(api: APIClient, conversation: Conversation, owner: User) -> None:
    theirs = shelf.create_folder(user=make_user("outsider@example.org"), name="Theirs")
    assert api.get("/api/v1/folders/").json()["results"] == []
    assert api.get(f"/api/v1/folders/{theirs.pk}/").status_code == 404
    refused = api.patch(url(conversation), {"folder": str(theirs.pk)}, format="json")
    assert list(refused.json()["error"]["detail"]) == ["folder"]
    mine = api.post("/api/v1/folders/", {"name": "Mine"}, format="json").json()
    assert api.post("/api/v1/folders/", {"name": "MINE"}, format="json").status_code == 400
    assert api.post("/api/v1/folders/", {"name": "x", "owner": str(owner.pk)}, format="json").status_code == 400
    address = f"/api/v1/folders/{mine['id']}/"
    changed = api.patch(address, {"name": "Ours", "position": 3}, format="json").json()
    assert (changed["name"], changed["position"]) == ("Ours", 3)
    assert api.delete(address).status_code == 204
    assert Folder.objects.get() == theirs


def test_a_message_of_the_trash_cannot_be_named(api: APIClient, conversation: Conversation) -> None:
    answer = make_answer(conversation, "So")
    other = start_conversation(user=conversation.owner, agent=conversation.agent)
    api.delete(url(conversation))
    refused = api.post(f"{url(other)}fork/", {"message": str(answer.pk)}, format="json")
    assert refused.status_code == 400
    assert Message.objects.filter(conversation=other).count() == 0
