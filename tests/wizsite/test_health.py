"""Health addresses answer without a session and name what fails."""

import time

import pytest
from django.test import AsyncClient, override_settings

from wizsite import health


def hang() -> str:
    """A part that answers too late."""
    time.sleep(0.5)
    return ""


async def test_live_answers_without_looking_at_anything() -> None:
    answer = await AsyncClient().get("/healthz/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert not answer.cookies


@pytest.mark.django_db(transaction=True)
async def test_ready_names_its_parts() -> None:
    answer = await AsyncClient().get("/healthz/ready")
    assert (answer.status_code, answer.json()["parts"]) == (200, ["database", "valkey", "migrations"])


@pytest.mark.django_db(transaction=True)
async def test_a_missing_valkey_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(VALKEY_URL="unix:///nowhere/valkey.sock?db=0"):
        answer = await AsyncClient().get("/healthz/ready")
    assert answer.status_code == 503
    assert answer.json()["failing"] == {"valkey": "ConnectionError"}


@pytest.mark.django_db(transaction=True)
async def test_a_part_that_hangs_is_given_up_after_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PART_LIMIT", 0.1)
    monkeypatch.setitem(health.PARTS, "valkey", hang)
    answer = await AsyncClient().get("/healthz/ready")
    assert answer.json()["failing"] == {"valkey": "no answer within 0.1 s"}


@pytest.mark.django_db(transaction=True)
async def test_a_migration_that_is_missing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    known = health.known_migrations()
    monkeypatch.setattr(health, "known_migrations", lambda: known | {("accounts", "9999_future")})
    answer = await AsyncClient().get("/healthz/ready")
    assert answer.json()["failing"] == {"migrations": "1 migration(s) not applied"}
