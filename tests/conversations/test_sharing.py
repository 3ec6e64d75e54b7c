"""Share links: what they show, to whom, for how long."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from conversations import shelf
from conversations.models import Conversation, Generation, Message, Share
from conversations.services import start_conversation
from conversations.sharing import share_conversation
from tests.factories import make_answer, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user("ada.lovelace@example.org", name="Ada Lovelace")


@pytest.fixture
def conversation(owner: User) -> Conversation:
    conversation = start_conversation(user=owner, agent=None, title="On <walnuts>")
    hidden = make_answer(conversation, "another version")
    answer = Message.objects.create(
        conversation=conversation,
        parent=hidden.parent,
        role="assistant",
        content="The **answer** <script>alert(1)</script>",
        reasoning="private thoughts",
        agent_name="Quill",
    )
    usage = {"input_tokens": 4711, "output_tokens": 4712, "certain": True, "cost": "0.5"}
    Generation.objects.create(conversation=conversation, message=answer, status="completed", model="m-1", usage=usage)
    Conversation.objects.filter(pk=conversation.pk).update(head=answer)
    conversation.refresh_from_db()
    return conversation


def public(conversation: Conversation) -> Share:
    return share_conversation(conversation=conversation, audience="link")


def test_a_link_shows_the_branch_as_it_was_and_nothing_about_its_owner(
    client: Client, conversation: Conversation, owner: User
) -> None:
    share = public(conversation)
    later = make_answer(conversation, "said later", parent=conversation.head)
    Conversation.objects.filter(pk=conversation.pk).update(head=later)
    response = client.get(f"/s/{share.token}/")
    page = response.content.decode()
    assert "On &lt;walnuts&gt;" in page
    assert "<strong>answer</strong>" in page
    assert "<script>alert" not in page
    ours = ("Ada", "ada.lovelace", str(owner.pk), str(conversation.pk))
    for secret in (*ours, "another version", "private thoughts", "4711", "said later"):
        assert secret not in page
    assert response.headers["X-Robots-Tag"].startswith("noindex")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["Cache-Control"] == "no-store"
    assert '<meta name="robots" content="noindex' in page
    assert client.post(f"/s/{share.token}/").status_code == 405


def test_a_link_for_members_needs_a_login(client: Client, conversation: Conversation) -> None:
    share = share_conversation(conversation=conversation)
    assert client.get(f"/s/{share.token}/").status_code == 404
    client.force_login(make_user("outsider@example.org"))
    assert client.get(f"/s/{share.token}/").status_code == 200


def test_a_link_ends_with_its_time_its_revocation_the_trash_and_its_owner(
    client: Client, conversation: Conversation, owner: User
) -> None:
    share = public(conversation)
    address = f"/s/{share.token}/"
    Share.objects.update(expires_at=Now() - timedelta(seconds=1))
    assert client.get(address).status_code == 404
    Share.objects.update(expires_at=Now() + timedelta(hours=1))
    assert client.get(address).status_code == 200
    shelf.trash_conversation(conversation=conversation)
    assert client.get(address).status_code == 404
    shelf.restore_conversation(conversation=conversation)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert client.get(address).status_code == 404
    User.objects.filter(pk=owner.pk).update(is_active=True)
    client.force_login(owner)
    assert client.post(f"/c/{conversation.pk}/share/{share.pk}/end/").status_code == 302
    assert client.get(address).status_code == 404
    for nonsense in ("x", "%00", share.token[:-1], str(share.pk)):
        assert client.get(f"/s/{nonsense}/").status_code == 404


def test_the_operator_decides_whom_links_may_be_for(
    client: Client, conversation: Conversation, settings: LazySettings, owner: User
) -> None:
    share = public(conversation)
    settings.SHARE_LINKS = "members"
    assert client.get(f"/s/{share.token}/").status_code == 404, "links that were made before as well"
    with pytest.raises(ValidationError, match="switched off"):
        public(conversation)
    settings.SHARE_LINKS = "off"
    client.force_login(owner)
    assert "Links are switched off here." in client.get(f"/c/{conversation.pk}/share/").content.decode()
    with pytest.raises(ValidationError, match="switched off"):
        share_conversation(conversation=conversation)


def test_the_page_makes_links_and_shows_them(client: Client, conversation: Conversation, owner: User) -> None:
    client.force_login(owner)
    address = f"/c/{conversation.pk}/share/"
    assert client.post(address, {"audience": "link", "days": "7"}).status_code == 302
    share = Share.objects.get()
    assert share.expires_at is not None
    assert timedelta(days=6) < share.expires_at - timezone.now() < timedelta(days=7, minutes=1)
    assert f"http://testserver/s/{share.token}/" in client.get(address).content.decode()
    assert client.post(address, {"audience": "world"}).status_code == 422
    empty = start_conversation(user=owner, agent=None)
    refused = client.post(f"/c/{empty.pk}/share/", {"audience": "link"})
    assert refused.status_code == 422
    assert "nothing here that could be shared" in refused.content.decode()


def test_links_over_rest(conversation: Conversation, owner: User) -> None:
    api, stranger = APIClient(), APIClient()
    api.force_authenticate(owner)
    stranger.force_authenticate(make_user("outsider@example.org"))
    address = f"/api/v1/conversations/{conversation.pk}/shares/"
    made = api.post(address, {"audience": "link"}, format="json").json()
    assert made["url"].startswith("http://testserver/s/")
    assert [row["id"] for row in api.get(address).json()["results"]] == [made["id"]]
    past = {"expires_at": (timezone.now() - timedelta(days=1)).isoformat()}
    assert api.post(address, past, format="json").status_code == 400
    assert api.post(address, {"token": "mine"}, format="json").status_code == 400
    assert stranger.get(address).status_code == 404
    assert stranger.post(address, {"audience": "link"}, format="json").status_code == 404
    assert stranger.delete(f"/api/v1/shares/{made['id']}/").status_code == 404
    assert api.delete(f"/api/v1/shares/{made['id']}/").status_code == 204
    assert not Share.objects.exists()
