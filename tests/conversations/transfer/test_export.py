"""What goes out comes back the same; and what is not one's own never goes out."""

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from conversations import shelf
from conversations.models import Conversation, Generation, Message
from conversations.services import start_conversation
from conversations.transfer import reading
from conversations.transfer.api import _one_at_a_time
from conversations.transfer.export import as_json
from conversations.transfer.storing import import_file
from tests.conversations.transfer.samples import CHATGPT, OPENWEBUI
from tests.factories import make_agent, make_answer, make_provider, make_user

pytestmark = pytest.mark.django_db
IMPORT = "/api/v1/conversations/import/"


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
    """Two versions of an answer, one with two runs, in a folder, with tags."""
    agent = make_agent(
        make_user("author@example.org"), make_provider(None), visibility="everyone", system_prompt="SECRET"
    )
    conversation = start_conversation(user=owner, agent=agent, title="A title/with <parts>")
    first = make_answer(conversation, "The *first* answer")
    second = Message.objects.create(
        conversation=conversation,
        parent=first.parent,
        role="assistant",
        content="The second",
        reasoning="Hm.",
        tool_calls=[
            {"id": "call_1", "name": "search", "arguments": '{"q": "```"}', "result": "```\nfound"},
            {"id": "", "name": "wait", "arguments": "", "result": None},
        ],
        agent_name="Quill",
    )
    usage = {"input_tokens": 3, "output_tokens": 4, "cost": "0.0012", "certain": True, "cache_read_tokens": 1}
    receipt = {
        "messages_sent": 1,
        "timings": {"total": 12, "queued": None},
        "left_out": {"by_count": 0, "by_context": 2},
    }
    Generation.objects.create(
        conversation=conversation, message=second, status="failed", error={"code": "timeout", "message": "m"}
    )
    Generation.objects.create(
        conversation=conversation,
        message=second,
        status="completed",
        model="large",
        usage=usage,
        receipt=receipt,
        attempt=2,
    )
    Conversation.objects.filter(pk=conversation.pk).update(
        head=second, folder=shelf.create_folder(user=owner, name="Cooking", instructions="Metric."), is_pinned=True
    )
    shelf.tag_conversation(conversation=conversation, tags=["soup"])
    conversation.refresh_from_db()
    return conversation


def exported(conversation: Conversation) -> dict[str, Any]:
    rows = Conversation.objects.filter(pk=conversation.pk)
    return dict(json.loads(as_json(rows)))


def without_ids(record: dict[str, Any]) -> dict[str, Any]:
    """The same with numbers for names."""
    names = {message["id"]: number for number, message in enumerate(record["messages"])}
    messages = [
        {**message, "id": names[message["id"]], "parent": names.get(message.get("parent", ""))}
        for message in record["messages"]
    ]
    return {**record, "head": names[record["head"]], "messages": messages}


def test_json_that_goes_out_comes_back_the_same(owner: User, conversation: Conversation) -> None:
    before = exported(conversation)
    other = make_user("other@example.org")
    import_file(user=other, body=json.dumps(before).encode())
    copy = Conversation.objects.get(owner=other)
    after = exported(copy)
    assert without_ids(after["conversations"][0]) == without_ids(before["conversations"][0])
    assert copy.folder is not None
    assert copy.folder.owner == other
    ids = {message["id"] for record in (before, after) for message in record["conversations"][0]["messages"]}
    assert len(ids) == 6, "no id of the file is used"


def test_no_export_holds_a_system_prompt_or_an_owner(owner: User, conversation: Conversation, api: APIClient) -> None:
    """S43."""
    for kind in ("json", "markdown"):
        text = api.get(f"/api/v1/conversations/{conversation.pk}/export/", {"as": kind}).content.decode()
        assert "SECRET" not in text
        assert "author@" not in text
        assert owner.email not in text
        assert "The second" in text


def test_markdown_is_the_shown_branch_to_be_read(conversation: Conversation, api: APIClient) -> None:
    response = api.get(f"/api/v1/conversations/{conversation.pk}/export/", {"as": "markdown"})
    text = response.content.decode()
    assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="a-titlewith-parts.md"'
    assert text.startswith("# A title/with <parts>\n")
    called = (
        '**Tool call: `search`**\n\n````\n{\n  "q": "```"\n}\n````\n\nResult:\n\n````\n```\nfound\n````\n\n'
        "**Tool call: `wait`**\n\n"
    )
    assert f"## You\n\nWell?\n\n## Quill (large)\n\n{called}The second\n" in text
    assert "first" not in text


def test_an_export_is_one_s_own_and_of_a_known_kind(conversation: Conversation, api: APIClient, owner: User) -> None:
    address = f"/api/v1/conversations/{conversation.pk}/export/"
    assert api.get(address).status_code == 400
    assert api.get(address, {"as": "pdf"}).status_code == 400
    stranger = APIClient()
    stranger.force_authenticate(make_user("outsider@example.org"))
    assert stranger.get(address, {"as": "json"}).status_code == 404
    temporary = start_conversation(user=owner, agent=None, is_temporary=True)
    assert api.get(f"/api/v1/conversations/{temporary.pk}/export/", {"as": "json"}).status_code == 404
    shelf.trash_conversation(conversation=conversation)
    assert api.get(address, {"as": "json"}).status_code == 404


def test_a_file_comes_in_over_rest_with_a_report(api: APIClient, owner: User) -> None:
    response = api.post(IMPORT, json.dumps(CHATGPT), content_type="application/json")
    assert response.status_code == 201, response.content
    report = response.json()
    assert report["left_out"] == {"attachment": 1, "hidden": 1}
    assert report["first"] == str(Conversation.objects.get(owner=owner).pk)
    refused = api.post(IMPORT, b'{"format": "wiz-conversations", "version": 1}', content_type="application/json")
    assert refused.status_code == 400
    assert list(refused.json()["error"]["detail"]) == ["file"]


def test_a_file_that_is_too_large_is_413_and_a_second_one_waits(
    api: APIClient, client: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S32."""
    monkeypatch.setattr("conversations.transfer.api.LIMIT", 1000)
    assert api.post(IMPORT, b"[" + b" " * 1000 + b"]", content_type="application/json").status_code == 413
    client.force_login(owner)
    with _one_at_a_time:
        busy = api.post(IMPORT, json.dumps([]), content_type="application/json")
        assert busy.status_code == 429
        assert int(busy.headers["Retry-After"]) > 0
    assert api.post(IMPORT, json.dumps([]), content_type="application/json").status_code == 201
    monkeypatch.setattr(reading, "LIMIT", 1000)
    assert api.post(IMPORT, b"[" + b" " * 997 + b"]", content_type="application/json").status_code == 201


def test_the_page_takes_a_file_and_says_what_became_of_it(client: Client, owner: User) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client.force_login(owner)
    assert "100 MB" in client.get("/c/import/").content.decode()
    file = SimpleUploadedFile("export.json", json.dumps([*OPENWEBUI, {"title": "<i>odd</i>"}]).encode())
    page = client.post("/c/import/", {"file": file}).content.decode()
    assert "1 conversation was imported." in page
    assert "Together they have 3 messages." in page
    assert "1 conversation was skipped." in page
    assert "&lt;i&gt;odd&lt;/i&gt;" in page
    assert client.post("/c/import/").status_code == 422
    broken = client.post("/c/import/", {"file": SimpleUploadedFile("x.json", b"{")})
    assert broken.status_code == 422
    assert "This is not JSON that we know" in broken.content.decode()


def test_pages_of_what_came_in_can_be_shown(client: Client, owner: User, conversation: Conversation) -> None:
    """Whatever a file claims, the pages that show it work."""
    import_file(user=owner, body=json.dumps(exported(conversation)).encode())
    client.force_login(owner)
    copy = Conversation.objects.exclude(pk=conversation.pk).get()
    page = client.get(f"/c/{copy.pk}/").content.decode()
    assert "The second" in page
    assert "3 in, 4 out" in page
    answer = Message.objects.get(conversation=copy, content="The second")
    receipt = client.get(f"/c/{copy.pk}/messages/{answer.pk}/receipt/").content.decode()
    assert "$0.0012" in receipt


def test_everything_goes_out_in_one_file_but_the_trash(client: Client, owner: User, conversation: Conversation) -> None:
    shelf.trash_conversation(conversation=start_conversation(user=owner, agent=None, title="Gone"))
    start_conversation(user=owner, agent=None, is_temporary=True)
    start_conversation(user=make_user("outsider@example.org"), agent=None, title="Theirs")
    client.force_login(owner)
    response = client.get("/c/export/")
    assert [row["title"] for row in response.json()["conversations"]] == ["A title/with <parts>"]
    assert "attachment" in response.headers["Content-Disposition"]


def test_the_print_view_is_the_shown_branch_alone(client: Client, owner: User, conversation: Conversation) -> None:
    client.force_login(owner)
    page = client.get(f"/c/{conversation.pk}/print/").content.decode()
    assert "The second" in page
    assert "A title/with &lt;parts&gt;" in page
    assert 'class="rail"' not in page
    assert client.get(f"/c/{conversation.pk}/export/?as=pdf").status_code == 404


def test_an_export_asks_as_often_for_many_as_for_one(owner: User, django_assert_max_num_queries: Any) -> None:
    for _ in range(20):
        make_answer(start_conversation(user=owner, agent=None), "walnut")
    with django_assert_max_num_queries(6):
        as_json(Conversation.objects.listed_for(owner))
