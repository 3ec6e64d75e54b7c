"""Language, defaults, the address, and the end of an account; as pages and over REST."""

import re
import uuid

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.audit import Action
from accounts.models import AuditEvent, User
from accounts.services import create_token
from conversations.composing import make_composer
from conversations.models import Conversation
from tests.factories import PASSWORD, make_agent, make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db

SECTIONS = ("", "appearance/", "language/", "defaults/", "security/", "sessions/", "tokens/", "data/")


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def api(owner: User) -> APIClient:
    client = APIClient()
    client.force_login(owner)
    return client


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_has_an_address_and_says_which_it_is(client: Client, owner: User, section: str) -> None:
    client.force_login(owner)
    page = client.get(f"/settings/{section}").content.decode()
    assert page.count('aria-current="page"') == 1
    assert f'<a href="/settings/{section}" aria-current="page">' in page


def test_a_stranger_s_language_is_the_browser_s(client: Client) -> None:
    response = client.get("/accounts/login/", headers={"Accept-Language": "pt-BR,pt;q=0.9"})
    assert b'<html lang="pt-br"' in response.content
    assert (response["Content-Language"], "Accept-Language" in response["Vary"]) == ("pt-br", True)
    assert b'<html lang="en"' in client.get("/accounts/login/", headers={"Accept-Language": "xx"}).content


def test_the_person_s_choice_wins_on_pages_and_over_the_session(client: Client, owner: User) -> None:
    client.force_login(owner)
    client.post("/settings/language/", {"language": "pt-br"})
    page = client.get("/settings/", headers={"Accept-Language": "en"})
    assert b'<html lang="pt-br"' in page.content
    assert "Cookie" in page["Vary"]
    client.post("/settings/language/", {"language": ""})
    assert b'<html lang="en"' in client.get("/settings/", headers={"Accept-Language": "en"}).content
    assert client.post("/settings/language/", {"language": "tlh"}).status_code == 422


def test_a_program_gets_the_language_that_it_asks_for(owner: User) -> None:
    _token, value = create_token(user=owner, name="x")
    api = APIClient()
    answer = api.get("/api/v1/me/", headers={"Authorization": f"Bearer {value}", "Accept-Language": "pt-br"})
    assert answer["Content-Language"] == "pt-br"


def test_the_caller_changes_preferences_over_rest(api: APIClient, owner: User) -> None:
    first = api.get("/api/v1/me/")
    body = {"name": "Ada", "language": "pt-br", "theme": "dark", "temporary_by_default": True}
    changed = api.patch("/api/v1/me/", body, headers={"If-Match": first["ETag"]})
    assert {name: changed.json()[name] for name in body} == body
    assert api.patch("/api/v1/me/", {"name": "B"}, headers={"If-Match": first["ETag"]}).status_code == 412
    assert api.get("/api/v1/me/", headers={"If-None-Match": changed["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "body", [{"language": "tlh"}, {"theme": "pink"}, {"email": "x@example.org"}, {"default_agent": str(uuid.uuid4())}]
)
def test_what_cannot_be_is_refused_beside_its_field(api: APIClient, body: dict[str, str]) -> None:
    answer = api.patch("/api/v1/me/", body)
    assert (answer.status_code, list(answer.json()["error"]["detail"])) == (400, list(body))


def test_an_administrator_s_small_token_changes_preferences_and_no_rights() -> None:
    staff = make_staff()
    _token, value = create_token(user=staff, name="x", scopes=["manage"])
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    assert api.patch("/api/v1/me/", {"name": "Ada"}).json()["name"] == "Ada"
    staff.refresh_from_db()
    assert (staff.name, staff.is_staff, staff.is_superuser) == ("Ada", True, True)


def test_new_conversations_begin_with_the_default_agent(client: Client, api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    first, second = make_agent(owner, provider, name="A"), make_agent(owner, provider, name="B")
    Conversation.objects.create(owner=owner, agent=first)
    client.force_login(owner)
    assert client.post("/settings/defaults/", {"agent": str(second.pk), "temporary": "on"}).status_code == 302
    owner.refresh_from_db()
    assert make_composer(owner).agent == second
    assert b"Nothing of this is kept." in client.get("/c/").content
    assert b"Nothing of this is kept." not in client.get("/c/?temporary=false").content
    assert b'href="/c/picker/?temporary=false"' in client.get("/c/?temporary=false").content, "the picker keeps it"
    second.delete()
    assert make_composer(owner).agent == first, "an agent that is gone hurts nobody"


def test_somebody_else_s_agent_is_no_default(client: Client, api: APIClient, owner: User) -> None:
    outsider = make_user("outsider@example.org")
    foreign = make_agent(outsider, make_provider(outsider))
    client.force_login(owner)
    assert client.post("/settings/defaults/", {"agent": str(foreign.pk)}).status_code == 422
    assert api.patch("/api/v1/me/", {"default_agent": str(foreign.pk)}).status_code == 400


def test_another_address_counts_from_its_confirmation_on(client: Client, owner: User, settings: Settings) -> None:
    settings.MAIL_CONFIGURED = True
    client.force_login(owner)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    page = client.post("/accounts/email/", {"action_add": "", "email": "New@example.org"}, follow=True)
    assert b"new@example.org" in page.content
    owner.refresh_from_db()
    assert owner.email == "owner@example.org"
    link = re.search(r"/accounts/confirm-email/[^\s]+", str(mail.outbox[-1].body))
    assert link
    assert b"Is this your address?" in client.get(link[0]).content
    client.post(link[0])
    owner.refresh_from_db()
    assert owner.email == "new@example.org"
    assert AuditEvent.objects.filter(action=Action.EMAIL_CHANGED).get().detail == "before: owner@example.org"


def test_without_mail_the_profile_says_who_changes_the_address(client: Client, owner: User, settings: Settings) -> None:
    client.force_login(owner)
    assert client.get("/accounts/email/")["Location"] == "/settings/"
    assert b"an administrator changes it" in client.get("/settings/").content
    settings.MAIL_CONFIGURED = True
    assert b"/accounts/email/" in client.get("/settings/").content


def leave(client: Client, email: str, password: str = PASSWORD) -> int:
    return client.post("/settings/data/", {"email": email, "password": password}).status_code


def test_who_leaves_takes_everything_along(client: Client, owner: User) -> None:
    Conversation.objects.create(owner=owner)
    client.force_login(owner)
    assert leave(client, owner.email, "wrong") == 422
    assert leave(client, "somebody@example.org") == 422
    assert User.objects.filter(pk=owner.pk).exists()
    assert leave(client, owner.email.upper()) == 302
    assert not User.objects.filter(pk=owner.pk).exists()
    assert not Conversation.objects.exists()
    assert client.get("/settings/").status_code == 302
    assert owner.email in AuditEvent.objects.filter(action=Action.USER_DELETED).get().target


def test_the_last_administrator_stays(client: Client) -> None:
    staff = make_staff()
    client.force_login(staff)
    assert b"You are the last administrator." in client.get("/settings/data/").content
    assert leave(client, staff.email) == 422
    make_staff("another@example.org")
    assert leave(client, staff.email) == 302
