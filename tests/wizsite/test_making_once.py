"""A program that repeats a request after a lost answer makes one provider or agent."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from rest_framework.test import APIClient

from accounts.idempotency import KEPT
from accounts.models import MakingKey, User
from agents.models import Agent
from providers.models import Provider
from tests.factories import make_provider, make_user

pytestmark = pytest.mark.django_db

BODIES: dict[str, dict[str, Any]] = {
    "providers": {"name": "Mine", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-1"},
    "agents": {"name": "Poet", "model": "m", "provider": None},
}
MODELS: dict[str, Any] = {"providers": Provider, "agents": Agent}


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture(params=BODIES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def post(user: User, kind: str, key: str, **changes: object) -> Any:
    client = APIClient()
    client.force_authenticate(user)
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"/api/v1/{kind}/", {**BODIES[kind], **changes}, format="json", headers=headers)


def test_the_same_key_makes_one(owner: User, kind: str) -> None:
    first, second = post(owner, kind, "k"), post(owner, kind, "k")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert MODELS[kind].objects.count() == 1


def test_the_same_key_with_another_body_is_422(owner: User, kind: str) -> None:
    post(owner, kind, "k")
    response = post(owner, kind, "k", name="Other")
    assert (response.status_code, response.json()["error"]["code"]) == (422, "key_reused")
    assert MODELS[kind].objects.count() == 1


def test_a_key_is_its_person_s_and_its_kind_s_own(owner: User) -> None:
    outsider = make_user("outsider@example.org")
    mine, theirs = post(owner, "providers", "k").json()["id"], post(outsider, "providers", "k").json()["id"]
    assert mine != theirs
    assert post(owner, "agents", "k").status_code == 201


def test_what_fails_uses_up_no_key(owner: User, kind: str) -> None:
    assert post(owner, kind, "k", name="").status_code == 400
    assert post(owner, kind, "k").status_code == 201


def test_what_is_gone_is_not_made_again(owner: User, kind: str) -> None:
    post(owner, kind, "k")
    MODELS[kind].objects.all().delete()
    assert post(owner, kind, "k").status_code == 422


def test_a_key_is_forgotten_after_a_week(owner: User) -> None:
    post(owner, "agents", "k")
    MakingKey.objects.update(created_at=F("created_at") - KEPT)
    assert post(owner, "agents", "k", name="Other").status_code == 201


def test_a_key_that_is_too_long_is_400(owner: User, kind: str) -> None:
    assert post(owner, kind, "k" * 201).status_code == 400


def test_nothing_of_the_body_is_kept(owner: User) -> None:
    post(owner, "providers", "k", api_key="sk-canary-0123456789abcdef")
    assert "canary" not in str(MakingKey.objects.values_list().get())


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_time_makes_one(owner: User) -> None:
    provider = make_provider(owner)

    def send(_: int) -> str:
        try:
            return str(post(owner, "agents", "k", provider=str(provider.pk)).json()["id"])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(send, range(4)))) == 1
    assert Agent.objects.count() == 1
