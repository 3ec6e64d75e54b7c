"""The audit log: who, what, when, from where; no secret; nobody edits it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.audit import Action, record_event
from accounts.models import AuditEvent, User
from accounts.services import create_token, revoke_token
from conversations.models import Conversation
from providers.keys import add_key, remove_key
from providers.models import Provider
from tests.factories import PASSWORD, make_answer, make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db

CANARY = "sk-canary-0123456789abcdef"
ADDRESS = "192.0.2.44"


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def staff() -> User:
    return make_staff()


@pytest.fixture
def desk(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


def latest(action: Action) -> AuditEvent:
    """The newest entry of a kind; fails when there is none."""
    event = AuditEvent.objects.filter(action=action).first()
    assert event is not None, f"no {action} among {list(AuditEvent.objects.values_list('action', flat=True))}"
    assert abs(timezone.now() - event.created_at) < timedelta(minutes=1)
    return event


def token_client(user: User) -> APIClient:
    _token, value = create_token(user=user, name="ci")
    client = APIClient(REMOTE_ADDR=ADDRESS)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    return client


def test_logging_in_and_out_is_recorded(owner: User) -> None:
    """S37."""
    client = Client(REMOTE_ADDR=ADDRESS)
    client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})
    event = latest(Action.LOGGED_IN)
    assert (event.actor, event.actor_name, event.address, event.via) == (owner, owner.email, ADDRESS, "browser")
    client.post("/accounts/logout/")
    assert latest(Action.LOGGED_OUT).actor == owner


def test_a_failed_log_in_is_recorded_without_what_was_typed(owner: User) -> None:
    """S37."""
    typed = "a-password-in-the-wrong-field@example.org"
    client = Client(REMOTE_ADDR=ADDRESS)
    client.post("/accounts/login/", {"login": typed, "password": CANARY})
    event = latest(Action.LOGIN_FAILED)
    assert (event.actor, event.target, event.address) == (None, "", ADDRESS)
    client.post("/accounts/login/", {"login": owner.email, "password": CANARY})
    assert owner.email in latest(Action.LOGIN_FAILED).target
    assert not holds(CANARY)
    assert not holds("wrong-field")


def test_tokens_are_recorded_with_their_scopes_and_without_their_values(owner: User) -> None:
    """S37."""
    client = token_client(owner)
    made = client.post("/api/v1/tokens/", {"name": "child", "scopes": ["read"]}, format="json").json()
    event = latest(Action.TOKEN_CREATED)
    assert (event.actor, event.target_id, event.via, event.address) == (owner, made["id"], "token ci", ADDRESS)
    assert event.detail == f"of {owner.email}: read"
    client.delete(f"/api/v1/tokens/{made['id']}/")
    assert latest(Action.TOKEN_REVOKED).target_id == made["id"]
    assert not holds(made["token"])


def test_a_command_has_no_person_and_no_address(owner: User) -> None:
    token, _value = create_token(user=owner, name="x")
    revoke_token(token=token)
    event = latest(Action.TOKEN_REVOKED)
    assert (event.actor, event.actor_name, event.via, event.address) == (None, "", "command", None)


def test_providers_and_keys_are_recorded_by_the_names_of_their_fields(owner: User) -> None:
    """S37."""
    client = token_client(owner)
    body = {"name": "Mine", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "api_key": CANARY}
    provider = client.post("/api/v1/providers/", body, format="json").json()["id"]
    for action in (Action.PROVIDER_CREATED, Action.KEY_SET):
        assert (latest(action).actor, latest(action).target_id) == (owner, provider)
    client.patch(f"/api/v1/providers/{provider}/", {"headers": {"X-Secret": CANARY}, "name": "Other"}, format="json")
    assert latest(Action.PROVIDER_CHANGED).detail == "headers, name"
    assert latest(Action.KEY_SET).detail == "headers"
    client.patch(f"/api/v1/providers/{provider}/", {"api_key": ""}, format="json")
    assert latest(Action.KEY_REMOVED).detail == "api_key"
    client.delete(f"/api/v1/providers/{provider}/")
    assert latest(Action.PROVIDER_DELETED).target_id == provider
    assert not holds(CANARY)


def test_further_keys_and_rotation_are_recorded(owner: User) -> None:
    """S37."""
    provider = Provider.objects.get(pk=make_provider(owner, api_key=CANARY).pk)
    key = add_key(provider=provider, api_key=CANARY, label="Second")
    assert latest(Action.KEY_SET).detail == "further key Second"
    remove_key(key=key)
    assert latest(Action.KEY_REMOVED).detail == "further key Second"
    call_command("rotate_keys")
    assert latest(Action.KEYS_ROTATED).detail == "0 rows"
    assert not holds(CANARY)


def test_what_goes_out_and_what_comes_in_is_recorded_without_its_words(owner: User) -> None:
    """S37."""
    conversation = Conversation.objects.create(owner=owner, title=CANARY)
    make_answer(conversation, CANARY)
    client = token_client(owner)
    exported = client.get(f"/api/v1/conversations/{conversation.pk}/export/?as=json").content
    event = latest(Action.EXPORTED)
    assert (event.actor, event.via, event.detail) == (owner, "token ci", f"conversation {conversation.pk} as json")
    browser = Client()
    browser.force_login(owner)
    browser.get(f"/c/{conversation.pk}/export/?as=markdown")
    assert latest(Action.EXPORTED).detail == f"conversation {conversation.pk} as markdown"
    browser.get("/c/export/")
    assert (latest(Action.EXPORTED).detail, latest(Action.EXPORTED).via) == ("all conversations", "browser")
    client.generic("POST", "/api/v1/conversations/import/", exported.decode(), content_type="application/json")
    assert (latest(Action.IMPORTED).actor, latest(Action.IMPORTED).detail) == (owner, "1 conversations from wiz")
    before = AuditEvent.objects.count()
    client.generic("POST", "/api/v1/conversations/import/", "{}", content_type="application/json")
    client.get(f"/api/v1/conversations/{conversation.pk}/export/?as=pdf")
    assert AuditEvent.objects.count() == before, "what did not happen is not recorded"
    assert not holds(CANARY)


WEBHOOK = {"url": f"http://127.0.0.1:9/?token={CANARY}"}
BUDGET = {"kind": "server", "tokens_per_day": 5}
CHANGES: list[tuple[str, dict[str, Any], dict[str, Any] | None, tuple[Action, ...]]] = [
    ("webhooks", WEBHOOK, {"description": "x"}, (Action.WEBHOOK_CREATED, Action.WEBHOOK_CHANGED)),
    ("webhooks", WEBHOOK, None, (Action.WEBHOOK_CREATED, Action.WEBHOOK_DELETED)),
    ("budgets", BUDGET, {"tokens_per_day": 6}, (Action.BUDGET_SET, Action.BUDGET_SET)),
    ("budgets", BUDGET, None, (Action.BUDGET_SET, Action.BUDGET_REMOVED)),
]


@pytest.mark.parametrize(("kind", "body", "change", "actions"), CHANGES)
def test_webhooks_and_budgets_are_recorded(
    kind: str, body: dict[str, Any], change: dict[str, Any] | None, actions: tuple[Action, ...], staff: User
) -> None:
    """S37."""
    client = token_client(staff)
    made = client.post(f"/api/v1/{kind}/", body, format="json").json()["id"]
    path = f"/api/v1/{kind}/{made}/"
    response = client.delete(path) if change is None else client.patch(path, change, format="json")
    assert response.status_code < 300
    events = AuditEvent.objects.filter(target_id=made).order_by("id")
    assert tuple(event.action for event in events) == actions
    assert {(event.actor, event.via, event.address) for event in events} == {(staff, "token ci", ADDRESS)}
    assert not holds(CANARY)


def test_rights_are_recorded_whoever_gives_them(desk: Client, staff: User, owner: User) -> None:
    """S37."""
    group = Group.objects.create(name="Research")
    page = f"/admin/accounts/user/{owner.pk}/change/"
    body = {"email": owner.email, "name": "", "is_active": "on", "is_staff": "on", "groups": [str(group.pk)]}
    assert desk.post(page, body).status_code == 302
    details = {event.detail for event in AuditEvent.objects.filter(action=Action.RIGHTS_CHANGED)}
    assert {"is_staff: False to True", "groups added: Research"} <= details
    event = latest(Action.RIGHTS_CHANGED)
    assert (event.actor, event.target_id, event.via) == (staff, str(owner.pk), "admin")
    owner.refresh_from_db()
    owner.is_active = False
    owner.save()
    assert latest(Action.RIGHTS_CHANGED).detail == "is_active: True to False"


def test_people_and_passwords_are_recorded(desk: Client, staff: User, owner: User) -> None:
    new = "an-other-long-password-4711"
    assert latest(Action.USER_CREATED).target_id == str(owner.pk)
    desk.post(f"/admin/accounts/user/{owner.pk}/password/", {"password1": new, "password2": new})
    event = latest(Action.PASSWORD_CHANGED)
    assert (event.actor, event.target_id) == (staff, str(owner.pk))
    assert not holds(new)
    assert desk.post(f"/admin/accounts/user/{owner.pk}/delete/", {"post": "yes"}).status_code == 302
    assert latest(Action.USER_DELETED).actor == staff


def test_an_entry_outlives_its_person(owner: User) -> None:
    record_event(action=Action.EXPORTED, actor=owner)
    owner.delete()
    event = latest(Action.EXPORTED)
    assert (event.actor, event.actor_name) == (None, "owner@example.org")


def test_who_deletes_oneself_leaves_an_entry(desk: Client, staff: User) -> None:
    desk.post(f"/admin/accounts/user/{staff.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=staff.pk).exists()
    assert staff.email in latest(Action.USER_DELETED).target


def test_what_is_rolled_back_did_not_happen(owner: User) -> None:
    before = AuditEvent.objects.count()
    with pytest.raises(RuntimeError), transaction.atomic():
        create_token(user=owner, name="x")
        raise RuntimeError
    assert AuditEvent.objects.count() == before


def test_an_ordinary_save_is_no_change_of_rights(owner: User) -> None:
    before = AuditEvent.objects.count()
    owner.name = "Ada"
    owner.save()
    owner.save(update_fields=["name"])
    assert AuditEvent.objects.count() == before


@pytest.mark.parametrize("verb", ["get", "post"])
def test_the_log_is_read_only_in_the_admin(desk: Client, owner: User, verb: str) -> None:
    """S37."""
    event = record_event(action=Action.EXPORTED, actor=owner, detail="before")
    send: Any = getattr(desk, verb)
    assert send("/admin/accounts/auditevent/add/", {"action": "login"}).status_code == 403
    assert send(f"/admin/accounts/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403
    page = send(f"/admin/accounts/auditevent/{event.pk}/change/", {"detail": "after"})
    assert page.status_code == (200 if verb == "get" else 403)
    assert b'name="_save"' not in page.content
    body = {"action": "delete_selected", "_selected_action": [str(event.pk)], "post": "yes"}
    send("/admin/accounts/auditevent/", body)
    event.refresh_from_db()
    assert event.detail == "before"
    assert b"owner@example.org" in desk.get("/admin/accounts/auditevent/").content


def holds(text: str) -> bool:
    """Whether any entry holds this anywhere."""
    return any(text in str(value) for row in AuditEvent.objects.values_list() for value in row)
