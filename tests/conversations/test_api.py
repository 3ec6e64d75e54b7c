"""REST: conversations, messages, generations. No worker runs here."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from conversations.models import Conversation, Generation, Message
from tests.factories import make_agent, make_answer, make_provider, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def outsider() -> User:
    return make_user("outsider@example.org")


@pytest.fixture
def agent(owner: User) -> Agent:
    return make_agent(owner, make_provider(owner))


def client_of(user: User) -> APIClient:
    """A client with a session: the messages endpoint is asynchronous and authenticates by itself."""
    client = APIClient()
    client.force_login(user)
    return client


@pytest.fixture
def api(owner: User) -> APIClient:
    return client_of(owner)


@pytest.fixture
def conversation(owner: User, agent: Agent) -> Conversation:
    return Conversation.objects.create(owner=owner, agent=agent)


def url(conversation: Conversation, path: str = "") -> str:
    return f"/api/v1/conversations/{conversation.pk}/{path}"


def say(api: APIClient, conversation: Conversation, content: object = "hello", key: str = "", **fields: object) -> Any:
    """Send a message."""
    headers = {"Idempotency-Key": key} if key else {}
    body = {"content": content, **fields}
    return api.post(url(conversation, "messages/"), body, format="json", headers=headers)


def finish(conversation: Conversation) -> None:
    Generation.objects.filter(conversation=conversation).update(status="completed", finish_reason="stop")


def test_a_conversation_can_be_started_renamed_and_deleted(api: APIClient, agent: Agent) -> None:
    created = api.post("/api/v1/conversations/", {"agent": str(agent.pk), "title": "Plans"}, format="json")
    assert created.status_code == 201
    address = f"/api/v1/conversations/{created.json()['id']}/"
    assert api.get(address).json()["title"] == "Plans"
    change = {"title": "Other plans", "is_pinned": True, "is_archived": True}
    changed = api.patch(address, change, format="json").json()
    assert {name: changed[name] for name in change} == change
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


@pytest.mark.parametrize("field", ["owner", "head", "id", "created_at", "updated_at", "status"])
def test_no_other_field_can_be_set(api: APIClient, conversation: Conversation, outsider: User, field: str) -> None:
    """S34."""
    for response in (
        api.patch(url(conversation), {field: str(outsider.pk)}, format="json"),
        api.post("/api/v1/conversations/", {field: str(outsider.pk)}, format="json"),
    ):
        assert response.status_code == 400
        assert response.json()["error"]["detail"] == {field: ["Unknown field."]}


def test_a_change_writes_only_its_own_columns(api: APIClient, conversation: Conversation) -> None:
    say(api, conversation)
    head = Conversation.objects.get(pk=conversation.pk).head
    assert api.patch(url(conversation), {"title": "x"}, format="json").status_code == 200
    assert Conversation.objects.get(pk=conversation.pk).head == head


def test_a_foreign_agent_in_a_body_is_400_on_its_field(
    api: APIClient, conversation: Conversation, outsider: User
) -> None:
    """S2."""
    theirs = str(make_agent(outsider, make_provider(outsider)).pk)
    for response in (
        api.post("/api/v1/conversations/", {"agent": theirs}, format="json"),
        api.patch(url(conversation), {"agent": theirs}, format="json"),
        say(api, conversation, agent=theirs),
    ):
        assert response.status_code == 400
        assert list(response.json()["error"]["detail"]) == ["agent"]


def test_the_list_is_one_s_own_without_the_archive(
    api: APIClient, owner: User, outsider: User, agent: Agent, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        Conversation.objects.create(owner=owner, agent=agent, title=f"{number}")
    Conversation.objects.create(owner=owner, title="old", is_archived=True)
    Conversation.objects.create(owner=outsider, title="theirs")
    with django_assert_max_num_queries(4):
        results = api.get("/api/v1/conversations/").json()["results"]
    assert sorted(row["title"] for row in results) == ["0", "1", "2", "3", "4"]
    archived = api.get("/api/v1/conversations/?archived=true").json()["results"]
    assert [row["title"] for row in archived] == ["old"]


def test_search_finds_titles_and_text_of_one_s_own(api: APIClient, owner: User, outsider: User) -> None:
    """S1."""
    titled = Conversation.objects.create(owner=owner, title="About walnuts")
    spoken = Conversation.objects.create(owner=owner)
    Message.objects.create(conversation=spoken, role="user", content="I like walnuts")
    Message.objects.create(conversation=spoken, role="user", content="More walnuts")
    Conversation.objects.create(owner=outsider, title="walnuts")
    found = api.get("/api/v1/conversations/", {"q": "WALNUTS"}).json()["results"]
    assert {row["id"] for row in found} == {str(titled.pk), str(spoken.pk)}
    assert len(found) == 2


@pytest.mark.parametrize("words", ["%", "_", "\0", "' OR 1=1 --", "x" * 5000, "\\"])
def test_a_strange_search_finds_nothing_and_breaks_nothing(
    api: APIClient, conversation: Conversation, words: str
) -> None:
    assert api.get("/api/v1/conversations/", {"q": words}).status_code == 200


def test_a_send_is_accepted_and_queues_one_run(api: APIClient, conversation: Conversation) -> None:
    response = say(api, conversation, "hello 👩‍🚀")
    assert response.status_code == 202
    sent = response.json()
    assert (sent["message"]["role"], sent["message"]["content"]) == ("user", "hello 👩‍🚀")
    assert (sent["reply"]["role"], sent["reply"]["parent"]) == ("assistant", sent["message"]["id"])
    assert sent["generation"]["status"] == "queued"
    assert sent["generation"]["message"] == sent["reply"]["id"]
    assert set(sent["generation"]) >= {"id", "status", "attempt", "usage", "timings", "error", "finish_reason"}


def test_messages_are_the_shown_branch_oldest_first(
    api: APIClient, conversation: Conversation, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for content in ("one", "two", "three"):
        say(api, conversation, content)
        finish(conversation)
    with django_assert_max_num_queries(8):
        results = api.get(url(conversation, "messages/")).json()["results"]
    assert [row["content"] for row in results] == ["one", "", "two", "", "three", ""]
    assert all(row["siblings"] == [row["id"]] for row in results)
    assert [row["generation"]["status"] for row in results if row["role"] == "assistant"] == ["completed"] * 3
    assert results[0]["generation"] is None
    assert set(results[1]["generation"]) >= {"status", "usage", "finish_reason", "error"}


def test_a_second_send_while_a_run_is_active_is_409(api: APIClient, conversation: Conversation) -> None:
    say(api, conversation)
    response = say(api, conversation, "again")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "run_active"
    assert Message.objects.count() == 2


def test_the_same_key_sends_once(api: APIClient, conversation: Conversation) -> None:
    """R16."""
    first = say(api, conversation, key="k1")
    assert say(api, conversation, key="k1").json()["message"] == first.json()["message"]
    finish(conversation)
    assert say(api, conversation, key="k1").status_code == 202
    assert Message.objects.count() == 2


def test_the_same_key_with_another_body_is_422(api: APIClient, conversation: Conversation) -> None:
    """R16."""
    say(api, conversation, key="k1")
    response = say(api, conversation, "something else", key="k1")
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "key_reused"


def test_the_same_key_with_another_agent_is_422(api: APIClient, conversation: Conversation, owner: User) -> None:
    assert say(api, conversation, key="abc").status_code == 202
    other = make_agent(owner, make_provider(owner))
    assert say(api, conversation, key="abc", agent=str(other.pk)).status_code == 422


def test_a_repeated_edit_regeneration_or_continuation_makes_one_run(api: APIClient, conversation: Conversation) -> None:
    """R16: what a client sends again because it did not hear the answer is not done again."""
    sent = say(api, conversation).json()
    finish(conversation)
    edit = (f"/api/v1/messages/{sent['message']['id']}/edit/", {"content": "better"})
    again: tuple[str, dict[str, str]] = (f"/api/v1/messages/{sent['reply']['id']}/regenerate/", {})
    go_on: tuple[str, dict[str, str]] = (f"/api/v1/generations/{sent['generation']['id']}/continue/", {})
    for count, (address, body) in enumerate((edit, again, go_on), start=2):
        Generation.objects.filter(pk=sent["generation"]["id"]).update(status="interrupted")
        key = {"Idempotency-Key": f"key {count}"}
        first = api.post(address, body, format="json", headers=key)
        assert first.status_code == 202, first.content
        assert api.post(address, body, format="json").status_code == 409, "without the key it is another request"
        finish(conversation)
        second = api.post(address, body, format="json", headers=key)
        assert (second.status_code, second.json()["generation"]["id"]) == (202, first.json()["generation"]["id"])
        assert Generation.objects.count() == count
        if body:
            assert api.post(address, {"content": "other words"}, format="json", headers=key).status_code == 422


def test_parallel_sends_with_one_key_make_one_message(owner: User, conversation: Conversation) -> None:
    """R16."""

    def send(_: int) -> tuple[int, str]:
        try:
            response = say(client_of(owner), conversation, key="same")
            return response.status_code, response.json()["message"]["id"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(send, range(4)))
    assert len(answers) == 1
    assert answers.pop()[0] == 202
    assert Message.objects.filter(role="user").count() == 1


@pytest.mark.parametrize("content", ["", "   ", None, 7, ["x"], {"a": 1}, "x" * 200_001])
def test_an_impossible_message_is_400(api: APIClient, conversation: Conversation, content: object) -> None:
    response = say(api, conversation, content)
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == ["content"]
    assert not Message.objects.exists()


def test_text_is_stored_exactly(api: APIClient, conversation: Conversation) -> None:
    content = "  leading\n\n\ttab \u2028 end \x07\x1b  \n"
    assert say(api, conversation, content).json()["message"]["content"] == content


def test_a_parent_of_another_conversation_is_400(api: APIClient, conversation: Conversation, outsider: User) -> None:
    """S2."""
    other = Conversation.objects.create(owner=conversation.owner, agent=conversation.agent)
    foreign = Conversation.objects.create(owner=outsider)
    for place in (other, foreign):
        parent = make_answer(place, "x")
        response = say(api, conversation, parent=str(parent.pk))
        assert response.status_code == 400
        assert list(response.json()["error"]["detail"]) == ["parent"]
    assert say(api, conversation, parent="x").status_code == 400


def test_an_edit_and_a_regeneration_make_siblings(api: APIClient, conversation: Conversation) -> None:
    sent = say(api, conversation, "first").json()
    finish(conversation)
    edited = api.post(f"/api/v1/messages/{sent['message']['id']}/edit/", {"content": "second"}, format="json")
    assert edited.status_code == 202
    assert edited.json()["message"]["siblings"] == [sent["message"]["id"], edited.json()["message"]["id"]]
    finish(conversation)
    again = api.post(f"/api/v1/messages/{edited.json()['reply']['id']}/regenerate/", {}, format="json")
    assert again.status_code == 202
    assert len(again.json()["reply"]["siblings"]) == 2
    assert [row["content"] for row in api.get(url(conversation, "messages/")).json()["results"]] == ["second", ""]


def test_only_answers_are_regenerated_and_only_questions_edited(api: APIClient, conversation: Conversation) -> None:
    sent = say(api, conversation).json()
    finish(conversation)
    assert api.post(f"/api/v1/messages/{sent['message']['id']}/regenerate/", {}, format="json").status_code == 400
    assert api.post(f"/api/v1/messages/{sent['reply']['id']}/edit/", {"content": "x"}, format="json").status_code == 400


def test_a_version_is_selected_and_the_shown_branch_follows(api: APIClient, conversation: Conversation) -> None:
    sent = say(api, conversation, "first").json()
    assert (
        api.post(f"/api/v1/messages/{sent['message']['id']}/edit/", {"content": "x"}, format="json").status_code == 409
    )
    finish(conversation)
    api.post(f"/api/v1/messages/{sent['message']['id']}/edit/", {"content": "second"}, format="json")
    selected = api.post(f"/api/v1/messages/{sent['message']['id']}/select/")
    assert selected.status_code == 200, "also while the other version's run is active"
    assert selected.json()["id"] == str(conversation.pk)
    branch = api.get(url(conversation, "messages/")).json()["results"]
    assert [row["id"] for row in branch] == [sent["message"]["id"], sent["reply"]["id"]]
    assert Generation.objects.active().count() == 1


def test_a_fork_is_a_conversation_of_its_own(api: APIClient, conversation: Conversation) -> None:
    sent = say(api, conversation, "first").json()
    finish(conversation)
    say(api, conversation, "second")
    forked = api.post(url(conversation, "fork/"), {"message": sent["reply"]["id"]}, format="json")
    assert forked.status_code == 201
    assert (forked.json()["title"], forked.json()["agent"]) == ("first (fork)", str(conversation.agent_id))
    branch = api.get(f"/api/v1/conversations/{forked.json()['id']}/messages/").json()["results"]
    assert [row["content"] for row in branch] == ["first", ""]
    assert [row["generation"] for row in branch] == [None, None]


@pytest.mark.parametrize("owned", [True, False])
def test_a_fork_at_a_message_of_another_conversation_is_400(
    api: APIClient, conversation: Conversation, owner: User, outsider: User, owned: bool
) -> None:
    """S2."""
    elsewhere = make_answer(Conversation.objects.create(owner=owner if owned else outsider))
    response = api.post(url(conversation, "fork/"), {"message": str(elsewhere.pk)}, format="json")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == ["message"]
    assert api.post(url(conversation, "fork/"), {}, format="json").status_code == 400
    assert api.post(url(conversation, "fork/"), {"message": "x"}, format="json").status_code == 400


def test_another_model_for_one_answer_is_named_with_its_provider(
    api: APIClient, conversation: Conversation, owner: User, outsider: User
) -> None:
    """S2."""
    sent = say(api, conversation).json()
    finish(conversation)
    address = f"/api/v1/messages/{sent['reply']['id']}/regenerate/"
    mine, theirs = make_provider(owner), make_provider(outsider)
    for field, body in {
        "provider": {"provider": str(theirs.pk), "model": "practice"},
        "model": {"provider": str(mine.pk)},
        "model ": {"model": "practice"},
        "model  ": {"provider": str(mine.pk), "model": "x" * 201},
    }.items():
        response = api.post(address, body, format="json")
        assert response.status_code == 400
        assert list(response.json()["error"]["detail"]) == [field.strip()]
    assert api.post(address, {"provider": str(mine.pk), "model": "practice"}, format="json").status_code == 202
    run = Generation.objects.active().get()
    assert (run.override_provider, run.override_model) == (mine, "practice")


def test_a_queued_run_is_stopped_at_once(api: APIClient, conversation: Conversation) -> None:
    """R22."""
    generation = say(api, conversation).json()["generation"]["id"]
    assert api.post(f"/api/v1/generations/{generation}/cancel/").json()["status"] == "cancelled"
    assert api.get(f"/api/v1/generations/{generation}/").json()["status"] == "cancelled"
    assert api.post(f"/api/v1/generations/{generation}/cancel/").status_code == 200


def test_nothing_of_a_stranger_s_conversation_exists(
    api: APIClient, conversation: Conversation, outsider: User
) -> None:
    """S1, S3."""
    sent = say(api, conversation).json()
    stranger = client_of(outsider)
    message, reply, run = sent["message"]["id"], sent["reply"]["id"], sent["generation"]["id"]
    answers = [
        stranger.get(url(conversation)),
        stranger.patch(url(conversation), {"title": "x"}, format="json"),
        stranger.delete(url(conversation)),
        stranger.get(url(conversation, "messages/")),
        say(stranger, conversation),
        stranger.post(f"/api/v1/messages/{message}/edit/", {"content": "x"}, format="json"),
        stranger.post(f"/api/v1/messages/{reply}/regenerate/", {}, format="json"),
        stranger.post(f"/api/v1/messages/{reply}/select/"),
        stranger.post(url(conversation, "fork/"), {"message": reply}, format="json"),
        stranger.get(f"/api/v1/generations/{run}/"),
        stranger.post(f"/api/v1/generations/{run}/cancel/"),
        stranger.get(f"/api/v1/generations/{run}/events/"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert Message.objects.count() == 2
    assert Generation.objects.get().status == "queued"


def test_a_stranger_s_key_is_another_key(api: APIClient, conversation: Conversation, outsider: User) -> None:
    """R16."""
    say(api, conversation, key="k1")
    theirs = Conversation.objects.create(owner=outsider, agent=make_agent(outsider, make_provider(outsider)))
    assert say(client_of(outsider), theirs, "other", key="k1").status_code == 202


@pytest.mark.parametrize("path", ["conversations/{}/", "conversations/{}/messages/", "generations/{}/"])
@pytest.mark.parametrize("pk", ["x", "0", str(uuid.UUID(int=0))])
def test_what_does_not_exist_is_404(api: APIClient, path: str, pk: str) -> None:
    response = api.get("/api/v1/" + path.format(pk))
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_nobody_reads_nothing(conversation: Conversation) -> None:
    """S24."""
    for path in ("conversations/", f"conversations/{conversation.pk}/", f"conversations/{conversation.pk}/messages/"):
        assert APIClient().get(f"/api/v1/{path}").status_code == 401
    assert say(APIClient(), conversation).status_code == 401
    assert not Message.objects.exists()


def test_a_session_sends_only_with_the_csrf_token(owner: User, conversation: Conversation) -> None:
    """S29."""
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(owner)
    assert say(client, conversation).status_code == 403
    assert not Message.objects.exists()


def test_an_agent_that_is_switched_off_is_named(api: APIClient, conversation: Conversation, agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(is_active=False)
    response = say(api, conversation)
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == ["agent"]
