"""REST: what was used."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from providers.models import UsageRecord
from tests.factories import make_staff, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


def client_of(user: User) -> APIClient:
    """A client that is logged in as somebody."""
    client = APIClient()
    client.force_authenticate(user)
    return client


def record(user: User, day: int = 1, **fields: object) -> None:
    """One call on a day of March 2026."""
    given: dict[str, object] = {"provider_name": "Mine", "model": "small", "input_tokens": 10, "output_tokens": 5}
    row = UsageRecord.objects.create(user=user, **{**given, **fields})
    UsageRecord.objects.filter(pk=row.pk).update(created_at=datetime(2026, 3, day, 12, tzinfo=UTC))


def test_without_groups_there_is_one_row_of_totals(owner: User) -> None:
    record(owner, cost=Decimal("0.5"))
    record(owner, is_certain=False)
    (total,) = client_of(owner).get("/api/v1/usage/").json()
    assert (total["calls"], total["input_tokens"], total["output_tokens"]) == (2, 20, 10)
    assert (Decimal(total["cost"]), total["certainty"]) == (Decimal("0.5"), 0.5)


def test_nothing_used_is_a_row_of_zeros(owner: User) -> None:
    (total,) = client_of(owner).get("/api/v1/usage/").json()
    assert (total["calls"], total["input_tokens"], total["cost"]) == (0, 0, None)


def test_groups_are_summed_in_one_query(owner: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    record(owner, 1)
    record(owner, 1, model="large")
    record(owner, 2)
    record(owner, 2)
    with django_assert_num_queries(1):
        rows = client_of(owner).get("/api/v1/usage/?group_by=day,model").json()
    assert [(row["day"], row["model"], row["calls"]) for row in rows] == [
        ("2026-03-01", "large", 1),
        ("2026-03-01", "small", 1),
        ("2026-03-02", "small", 2),
    ]
    assert "provider" not in rows[0]


@pytest.mark.parametrize("group", ["day", "model", "provider", "agent", "user"])
def test_every_group_of_the_contract_works(owner: User, group: str) -> None:
    record(owner, agent_name="Poet")
    (row,) = client_of(owner).get("/api/v1/usage/", {"group_by": group}).json()
    expected = {"day": "2026-03-01", "model": "small", "provider": "Mine", "agent": "Poet", "user": owner.email}
    assert row[group] == expected[group]


def test_from_and_to_are_both_included(owner: User) -> None:
    for day in (1, 2, 3, 4):
        record(owner, day)
    (total,) = client_of(owner).get("/api/v1/usage/?from=2026-03-02&to=2026-03-03").json()
    assert total["calls"] == 2


def test_one_sees_one_s_own_and_staff_sees_all(owner: User) -> None:
    """S1."""
    stranger = make_user("outsider@example.org")
    record(owner)
    record(stranger)
    for user, calls in ((owner, 1), (stranger, 1), (make_staff(), 2)):
        assert client_of(user).get("/api/v1/usage/").json()[0]["calls"] == calls


@pytest.mark.parametrize(
    "query", ["group_by=api_key", "group_by=user__password", "from=yesterday", "to=2026-13-01", "from=%00"]
)
def test_a_wrong_query_is_400_on_its_field(owner: User, query: str) -> None:
    response = client_of(owner).get(f"/api/v1/usage/?{query}")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == [query.partition("=")[0]]
