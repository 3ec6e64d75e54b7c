"""The devices on which somebody is logged in: listed, noted rarely, ended for good."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts import sessions
from accounts.audit import Action
from accounts.devices import name_device
from accounts.models import AuditEvent, User
from accounts.services import create_token
from accounts.sessions import devices_of, purge_sessions
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Mobile Safari/604.1"


@pytest.fixture
def owner() -> User:
    return make_user()


def log_in(owner: User, user_agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    client = Client(REMOTE_ADDR=address, HTTP_USER_AGENT=user_agent)
    answer = client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def test_the_page_tells_browser_and_address_and_which_one_this_is(owner: User) -> None:
    log_in(owner, IPHONE, "198.51.100.7")
    page = log_in(owner).get("/settings/sessions/").content.decode()
    assert page.index("Firefox on Linux") < page.index("this device") < page.index("Safari on iPhone")
    assert "198.51.100.7" in page


def test_ending_one_logs_it_out_and_is_recorded(owner: User) -> None:
    telephone, desk = log_in(owner, IPHONE), log_in(owner)
    other = UserSession.objects.get(user_agent=IPHONE)
    assert desk.post(f"/settings/sessions/{other.pk}/end/").status_code == 302
    assert telephone.get("/settings/").status_code == 302
    assert desk.get("/settings/").status_code == 200
    event = AuditEvent.objects.filter(action=Action.SESSION_ENDED).get()
    assert (event.actor, event.detail) == (owner, "Safari on iPhone")


def test_ending_all_others_leaves_this_one(owner: User) -> None:
    others, desk = [log_in(owner), log_in(owner)], log_in(owner)
    page = desk.post("/settings/sessions/others/", follow=True)
    assert b"2 other devices are logged out." in page.content
    assert [client.get("/settings/").status_code for client in (*others, desk)] == [302, 302, 200]


def test_a_session_that_another_password_has_ended_is_not_listed(owner: User) -> None:
    log_in(owner)
    owner.set_password("an-other-long-password-4711")
    owner.save()
    assert devices_of(owner, None) == []


def test_the_list_costs_the_same_for_many(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(3):
        log_in(owner)
    with django_assert_num_queries(2):
        assert len(devices_of(owner, None)) == 3


def test_seeing_a_session_writes_once_a_minute_at_most(
    owner: User, django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in(owner)
    long_ago = timezone.now() - timedelta(hours=1)
    UserSession.objects.update(last_seen_at=long_ago)
    with django_assert_num_queries(2):  # the session and its person: nothing of ours
        client.get("/accounts/login/")
    assert UserSession.objects.get().last_seen_at == long_ago
    monkeypatch.setattr(sessions, "STEP", -1.0)
    client.get("/accounts/login/", REMOTE_ADDR="198.51.100.9")
    seen = UserSession.objects.get()
    assert seen.last_seen_at > long_ago
    assert seen.ip == "198.51.100.9"


def test_what_is_over_is_forgotten(owner: User) -> None:
    client = log_in(owner)
    log_in(owner)
    client.post("/accounts/logout/")
    assert purge_sessions() == 1
    assert UserSession.objects.count() == 1


@pytest.mark.parametrize("way", ["browser", "token"])
def test_a_program_lists_and_ends_them(owner: User, way: str) -> None:
    desk = log_in(owner)
    api: Any = desk
    if way == "token":
        _token, value = create_token(user=owner, name="x", scopes=["manage"])
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    (shown,) = api.get("/api/v1/sessions/").json()
    assert (shown["device"], shown["address"]) == ("Firefox on Linux", "192.0.2.1")
    assert shown["is_current"] is (way == "browser")
    assert api.delete(f"/api/v1/sessions/{shown['id']}/").status_code == 204
    assert desk.get("/settings/").status_code == 302


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
    ],
)
def test_a_device_has_a_name_that_people_know(user_agent: str, name: str) -> None:
    assert name_device(user_agent) == name
