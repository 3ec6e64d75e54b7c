"""So many requests a minute by a person and by a token, counted in a real Valkey."""

import logging
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from pytest_django import Settings
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services import create_token
from providers import engine, valkey
from providers.outage import outage
from providers.throttling import acount_gateway_request, count_request
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def narrow(settings: Settings) -> None:
    settings.API_RATE, settings.TOKEN_RATE = 5, 3


def client_with_token(user: User) -> APIClient:
    _token, value = create_token(user=user, name="test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    return client


def client_with_session(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def statuses(client: APIClient, count: int, path: str = "/api/v1/me/") -> list[int]:
    return [client.get(path).status_code for _ in range(count)]


def test_too_many_requests_are_429_and_say_when_to_come_back() -> None:
    """S36."""
    client = client_with_session(make_user())
    assert statuses(client, 6) == [200] * 5 + [429]
    response = client.get("/api/v1/me/")
    assert 1 <= int(response["Retry-After"]) <= 60
    assert response.json()["error"]["code"] == "throttled"
    assert response.json()["error"]["message"]


def test_one_token_leaves_room_for_the_others_of_its_person_and_all_together_do_not() -> None:
    owner = make_user()
    first, second = client_with_token(owner), client_with_token(owner)
    assert statuses(first, 4) == [200] * 3 + [429]
    assert statuses(second, 3) == [200] * 2 + [429]
    assert statuses(client_with_session(owner), 1) == [429]


def test_neighbours_are_not_affected() -> None:
    """S36."""
    statuses(client_with_session(make_user()), 6)
    assert statuses(client_with_session(make_user("outsider@example.org")), 5) == [200] * 5


def test_the_events_of_a_run_count_as_well() -> None:
    client = client_with_token(make_user())
    path = f"/api/v1/generations/{uuid.UUID(int=1)}/events/"
    assert statuses(client, 4, path) == [404] * 3 + [429]
    assert int(client.get(path)["Retry-After"]) >= 1


def test_a_refused_stranger_counts_for_nobody() -> None:
    assert statuses(APIClient(), 10) == [401] * 10
    assert list(valkey.client().scan_iter("wiz:rate:*")) == []


def test_of_many_parallel_requests_exactly_as_many_pass_as_may(settings: Settings) -> None:
    """What reads first and writes later lets more through."""
    settings.API_RATE = 40
    person = uuid.uuid4()
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: count_request(user_id=person), range(200)))
    assert waits.count(None) == 40


def test_the_minute_ends_by_itself_and_refused_requests_do_not_prolong_it() -> None:
    person = uuid.uuid4()
    for _ in range(10):
        count_request(user_id=person)
    name = valkey.key("rate", "user", person)
    assert 0 < valkey.client().pttl(name) <= 60_000
    assert valkey.client().get(name) == b"5"
    valkey.client().pexpire(name, 1)
    while valkey.client().exists(name):
        pass
    assert count_request(user_id=person) is None


def test_zero_is_no_limit(settings: Settings) -> None:
    settings.API_RATE = settings.TOKEN_RATE = 0
    assert statuses(client_with_token(make_user()), 12) == [200] * 12


def test_without_valkey_everybody_is_let_in_and_the_log_says_so_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = redis.Redis(host="127.0.0.1", port=9, socket_connect_timeout=0.2, retry=Retry(NoBackoff(), 0))
    client = client_with_session(make_user())
    outage.forget()
    with monkeypatch.context() as patch, caplog.at_level(logging.INFO):
        patch.setattr(valkey, "quick_client", lambda: nowhere)
        assert statuses(client, 8) == [200] * 8
    assert [record.name for record in caplog.records if "alkey" in record.getMessage()] == ["providers.outage"]


def test_the_gateway_counts_apart_from_the_api(settings: Settings) -> None:
    settings.GATEWAY_RATE, settings.GATEWAY_TOKEN_RATE = 9, 7
    person, token = uuid.uuid4(), uuid.uuid4()
    waits = [engine.run(acount_gateway_request(user_id=person, token_id=token)) for _ in range(8)]
    assert waits[:7] == [None] * 7
    assert waits[7] is not None
    assert count_request(user_id=person, token_id=token) is None
