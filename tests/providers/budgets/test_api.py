"""REST, admin and pages of budgets."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.audit import Action
from accounts.models import AuditEvent, User
from providers.budgets import memory
from providers.budgets.services import set_budget
from providers.models import Budget, UsageRecord
from tests.factories import make_staff, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def book(user: User, tokens: int, cost: str = "0") -> None:
    fields = {"input_tokens": tokens, "cost": Decimal(cost), "is_shared": True}
    UsageRecord.objects.create(user=user, provider_name="Shared", model="small", agent_name="Poet", **fields)


def test_administrators_make_change_and_remove_budgets(owner: User) -> None:
    """S37: and every change is in the audit log."""
    desk = client_of(make_staff())
    Group.objects.create(name="Research")
    body = {"kind": "person", "person": owner.email, "tokens_per_day": 1000, "cost_per_month": "12.50"}
    made = desk.post("/api/v1/budgets/", body).json()
    book(owner, 900, "1.25")
    memory.forget()
    shown = desk.get(f"/api/v1/budgets/{made['id']}/").json()
    tokens, cost = shown["standing"]
    assert (tokens["limit"], tokens["used"], tokens["level"], tokens["period"]) == (1000, 900, "warning", "day")
    assert (Decimal(cost["limit"]), Decimal(cost["used"]), cost["level"]) == (Decimal("12.5"), Decimal("1.25"), "ok")
    changed = desk.patch(f"/api/v1/budgets/{made['id']}/", {"tokens_per_day": None}).json()
    assert changed["tokens_per_day"] is None
    assert desk.post("/api/v1/budgets/", {"kind": "group", "group": "Research", "tokens_per_day": 5}).status_code == 201
    assert desk.delete(f"/api/v1/budgets/{made['id']}/").status_code == 204
    rows = AuditEvent.objects.filter(target_id=made["id"]).order_by("id").values_list("action", "detail")
    assert [action for action, _ in rows] == [Action.BUDGET_SET, Action.BUDGET_SET, Action.BUDGET_REMOVED]
    assert rows[0][1] == "person, tokens_per_day: 1000, cost_per_month: 12.5000"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "server"}, "tokens_per_day"),
        ({"kind": "server", "tokens_per_day": 0}, "tokens_per_day"),
        ({"kind": "server", "cost_per_month": "NaN"}, "cost_per_month"),
        ({"kind": "person", "person": "nobody@example.org", "tokens_per_day": 1}, "person"),
        ({"kind": "person", "tokens_per_day": 1}, "person"),
        ({"kind": "server", "tokens_per_day": 1, "owner": "x"}, "owner"),
        ({"kind": "server", "tokens_per_day": {"a": [1]}}, "tokens_per_day"),
        ({"kind": "server", "tokens_per_day": 10**40}, "tokens_per_day"),
        ({"tokens_per_day": 1}, "kind"),
    ],
)
def test_wrong_budgets_are_refused_beside_their_field(body: dict[str, Any], field: str) -> None:
    response = client_of(make_staff()).post("/api/v1/budgets/", body)
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == [field]
    assert not Budget.objects.exists()


def test_nobody_else_sees_budgets(owner: User) -> None:
    budget = set_budget(kind="server", tokens_per_day=5)
    for verb in ("get", "patch", "delete"):
        assert getattr(client_of(owner), verb)(f"/api/v1/budgets/{budget.pk}/").status_code == 403
    assert client_of(owner).get("/api/v1/budgets/").status_code == 403


def test_people_see_how_their_own_stand_and_not_what_the_server_spends(owner: User) -> None:
    set_budget(kind="each_person", tokens_per_day=100)
    set_budget(kind="server", tokens_per_day=1_000_000)
    book(owner, 85)
    memory.forget()
    (line,) = client_of(owner).get("/api/v1/me/").json()["budgets"]
    assert (line["kind"], line["limit"], line["used"], line["level"]) == ("each_person", 100, 85, "warning")
    staff = make_staff()
    assert {line["kind"] for line in client_of(staff).get("/api/v1/me/").json()["budgets"]} == {"each_person", "server"}


def test_the_admin_edits_budgets_through_the_service(owner: User) -> None:
    desk = Client()
    desk.force_login(make_staff())
    fields = {"kind": "person", "person": str(owner.pk), "group": "", "tokens_per_day": "50", "cost_per_month": ""}
    assert desk.post("/admin/providers/budget/add/", fields).status_code == 302
    budget = Budget.objects.get()
    book(owner, 20)
    memory.forget()
    assert b"20 of 50 tokens" in desk.get("/admin/providers/budget/").content
    page = f"/admin/providers/budget/{budget.pk}/change/"
    wrong = desk.post(page, {**fields, "kind": "server"})
    assert wrong.status_code == 200
    assert b"names nobody" in wrong.content
    desk.post(page, {**fields, "tokens_per_day": "60"})
    assert Budget.objects.get().tokens_per_day == 60
    assert AuditEvent.objects.filter(action=Action.BUDGET_SET).count() == 2
    desk.post(f"/admin/providers/budget/{budget.pk}/delete/", {"post": "yes"})
    assert AuditEvent.objects.filter(action=Action.BUDGET_REMOVED).exists()


def test_the_page_of_one_s_usage_has_the_numbers(
    owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    set_budget(kind="person", person=owner, tokens_per_day=10_000)
    for _ in range(3):
        book(owner, 1500, "0.5")
    book(make_user("outsider@example.org"), 77_777)
    memory.forget()
    client = Client()
    client.force_login(owner)
    with django_assert_max_num_queries(16):
        page = client.get("/settings/usage/").content.decode()
    for expected in ("4,500", "$1.50", "small", "Poet", "10,000 tokens", "<rect"):
        assert expected in page, expected
    assert "77,777" not in page
    assert "77,777" not in client.get("/settings/usage/?everyone=1").content.decode()
    assert 'aria-current="true">7 days' in client.get("/settings/usage/?days=7").content.decode()
    assert client.get("/settings/usage/?days=x").status_code == 200


def test_administrators_see_everybody_s_usage_by_person(owner: User) -> None:
    book(owner, 1234)
    desk = Client()
    desk.force_login(make_staff())
    assert b"Nothing was used" in desk.get("/settings/usage/").content
    page = desk.get("/settings/usage/?everyone=1").content.decode()
    assert owner.email in page
    assert "1,234" in page
