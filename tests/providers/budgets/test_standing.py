"""What counts to which budget, how it is remembered, and when it is told."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from providers import engine
from providers.budgets import memory
from providers.budgets.gate import acheck_budget, check_budget
from providers.budgets.services import remove_budget, set_budget
from providers.budgets.standing import lines_of, period_of
from providers.budgets.watch import watch_budgets
from providers.budgets.words import notice_of
from providers.errors import BudgetExceeded
from providers.ledger import record_usage
from providers.models import Budget, Provider, UsageRecord, WebhookDelivery
from providers.types import Usage
from providers.webhooks.services import create_endpoint
from tests.factories import make_provider, make_user

pytestmark = pytest.mark.django_db

Kind = Budget.Kind


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def shared() -> Provider:
    return make_provider(None, name="Shared")


def use(user: User, provider: Provider, tokens: int = 100) -> UsageRecord:
    return record_usage(user=user, provider=provider, model="m", usage=Usage(input=tokens - 10, output=10))


def cost(user: User, provider: Provider, dollars: str, when: datetime | None = None) -> None:
    row = UsageRecord.objects.create(
        user=user, provider=provider, provider_name="x", model="m", cost=Decimal(dollars), is_shared=provider.is_shared
    )
    UsageRecord.objects.filter(pk=row.pk).update(created_at=when or timezone.now())


def is_refused(user: User, provider: Provider) -> bool:
    try:
        check_budget(user, provider)
    except BudgetExceeded:
        return True
    return False


def refresh() -> None:
    memory.forget()


def test_a_person_s_tokens_of_the_day_are_used_up_by_shared_providers(owner: User, shared: Provider) -> None:
    own = make_provider(owner)
    set_budget(kind=Kind.PERSON, person=owner, tokens_per_day=100)
    refresh()
    use(owner, own, 1000)
    assert not is_refused(owner, shared)
    use(owner, shared, 99)
    assert not is_refused(owner, shared)
    use(owner, shared, 1)
    with pytest.raises(BudgetExceeded) as caught:
        check_budget(owner, shared)
    error = caught.value
    assert error.message == "You have used your 100 tokens for today."
    left = (period_of("tokens", timezone.now())[1] - timezone.now()).total_seconds()
    assert error.retry_after is not None
    assert abs(error.retry_after - left) < 5
    assert not is_refused(owner, own), "one's own key goes on"
    assert not is_refused(make_user("outsider@example.org"), shared)


def test_a_budget_that_counts_own_keys_stops_them_too(owner: User, shared: Provider) -> None:
    own = make_provider(owner)
    set_budget(kind=Kind.PERSON, person=owner, tokens_per_day=100, counts_own_keys=True)
    refresh()
    use(owner, own)
    assert is_refused(owner, own)
    assert is_refused(owner, shared)


def test_yesterday_and_last_month_do_not_count(owner: User, shared: Provider) -> None:
    now = timezone.now()
    set_budget(kind=Kind.PERSON, person=owner, cost_per_month=Decimal(10), tokens_per_day=1000)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    cost(owner, shared, "50", month - timedelta(seconds=1))
    refresh()
    assert not is_refused(owner, shared)
    cost(owner, shared, "9.99", month)
    refresh()
    assert not is_refused(owner, shared)
    cost(owner, shared, "0.01")
    refresh()
    with pytest.raises(BudgetExceeded, match=r"You have used your \$10.00 for this month"):
        check_budget(owner, shared)


@pytest.mark.parametrize(
    ("measure", "now", "expected"),
    [
        ("tokens", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("cost", datetime(2026, 12, 31, 23, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        ("cost", datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        ("cost", datetime(2028, 2, 29, 12, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
def test_periods_end_where_the_next_begins(measure: str, now: datetime, expected: datetime) -> None:
    since, until = period_of(measure, now)
    assert until == expected
    assert since <= now < until
    assert period_of(measure, until)[0] == until


def test_a_group_spends_together_and_the_server_too(owner: User, shared: Provider) -> None:
    mate, stranger = make_user("mate@example.org"), make_user("outsider@example.org")
    group = Group.objects.create(name="Research")
    group.user_set.add(owner, mate)
    set_budget(kind=Kind.GROUP, group=group, tokens_per_day=150)
    refresh()
    use(owner, shared)
    assert not is_refused(mate, shared)
    use(mate, shared)
    assert is_refused(owner, shared)
    assert is_refused(mate, shared)
    assert not is_refused(stranger, shared)
    set_budget(kind=Kind.SERVER, tokens_per_day=300)
    refresh()
    assert not is_refused(stranger, shared)
    use(stranger, shared)
    assert is_refused(stranger, shared)


def test_each_person_s_budget_holds_for_whoever_has_none_of_their_own(owner: User, shared: Provider) -> None:
    other = make_user("other@example.org")
    set_budget(kind=Kind.EACH, tokens_per_day=100)
    set_budget(kind=Kind.PERSON, person=other, tokens_per_day=500)
    refresh()
    for user in (owner, other):
        use(user, shared)
    assert is_refused(owner, shared)
    assert not is_refused(other, shared)


def test_a_budget_that_is_taken_away_stops_nobody(owner: User, shared: Provider) -> None:
    budget = set_budget(kind=Kind.PERSON, person=owner, tokens_per_day=1)
    use(owner, shared)
    refresh()
    assert is_refused(owner, shared)
    remove_budget(budget=budget)
    refresh()
    assert not is_refused(owner, shared)


def test_a_known_answer_costs_no_query_and_no_thread(
    owner: User, shared: Provider, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        for _ in range(50):
            check_budget(owner, shared)
    set_budget(kind=Kind.PERSON, person=owner, tokens_per_day=1000, cost_per_month=Decimal(5))
    refresh()
    with django_assert_num_queries(3):
        for _ in range(50):
            check_budget(owner, shared)
    with django_assert_num_queries(0):
        engine.run(acheck_budget(owner, shared), timeout=10)


def test_what_this_process_books_counts_at_once_without_another_sum(
    owner: User, shared: Provider, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    set_budget(kind=Kind.PERSON, person=owner, tokens_per_day=200)
    refresh()
    check_budget(owner, shared)
    use(owner, shared, 200)
    with django_assert_num_queries(0):
        assert is_refused(owner, shared)
    refresh()
    assert is_refused(owner, shared), "and the database says the same"


def test_what_others_book_is_seen_when_the_answer_is_old(
    owner: User, shared: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "KEPT", 0.0)
    monkeypatch.setattr(memory, "PATIENCE", 0)
    set_budget(kind=Kind.PERSON, person=owner, tokens_per_day=100)
    assert not is_refused(owner, shared)
    UsageRecord.objects.create(user=owner, provider_name="x", model="m", input_tokens=100, is_shared=True)
    assert is_refused(owner, shared)


def test_the_warning_and_the_end_are_told_once_each(owner: User, shared: Provider) -> None:
    own, _ = create_endpoint(owner=owner, url="http://127.0.0.1:9/")
    stranger, _ = create_endpoint(owner=make_user("outsider@example.org"), url="http://127.0.0.1:9/")
    budget = set_budget(kind=Kind.PERSON, person=owner, tokens_per_day=100)

    def told() -> list[str]:
        refresh()
        watch_budgets()
        watch_budgets()
        return list(WebhookDelivery.objects.order_by("created_at").values_list("event", flat=True))

    use(owner, shared, 79)
    assert told() == []
    use(owner, shared, 10)
    assert told() == ["budget.warning"]
    assert notice_of(lines_of(owner)[0]) == "89 % of your 100 tokens for today are used."
    use(owner, shared, 11)
    assert told() == ["budget.warning", "budget.exceeded"]
    assert set(WebhookDelivery.objects.values_list("endpoint", flat=True)) == {own.pk}
    assert stranger.pk != own.pk
    set_budget(budget=budget, tokens_per_day=101)
    assert told() == ["budget.warning", "budget.exceeded", "budget.warning"], "of another limit it is told anew"


def test_each_person_s_end_is_told_by_the_person(owner: User, shared: Provider) -> None:
    other = make_user("other@example.org")
    create_endpoint(owner=None, url="http://127.0.0.1:9/")
    set_budget(kind=Kind.EACH, tokens_per_day=100)
    set_budget(kind=Kind.PERSON, person=other, tokens_per_day=10_000)
    use(owner, shared)
    use(other, shared)
    assert watch_budgets() == 1
    assert str(owner.pk) in WebhookDelivery.objects.get().body


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"kind": Kind.PERSON, "tokens_per_day": 1}, "person"),
        ({"kind": Kind.GROUP, "tokens_per_day": 1}, "group"),
        ({"kind": Kind.SERVER}, "tokens_per_day"),
        ({"kind": "everything", "tokens_per_day": 1}, "kind"),
        ({"kind": Kind.SERVER, "cost_per_month": Decimal(-1)}, "cost_per_month"),
        ({"kind": Kind.SERVER, "tokens_per_day": 0}, "tokens_per_day"),
    ],
)
def test_a_budget_says_for_whom_it_is_and_limits_something(fields: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValidationError) as caught:
        set_budget(**fields)  # type: ignore[arg-type]
    assert list(caught.value.message_dict) == [wrong]


def test_there_is_one_budget_for_each(owner: User) -> None:
    for fields in ({"kind": Kind.SERVER}, {"kind": Kind.EACH}, {"kind": Kind.PERSON, "person": owner}):
        set_budget(**fields, tokens_per_day=5)
        with pytest.raises(ValidationError):
            set_budget(**fields, tokens_per_day=6)
