"""How a person's budgets stand: which apply, how much of each is used, when it begins anew."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db.models import F, Sum
from django.utils import timezone

from accounts.models import User
from providers.budgets import memory
from providers.models import Budget, UsageRecord
from providers.models.ledger import UsageRecordQuerySet

TOKENS: Final = "tokens"
COST: Final = "cost"
MEASURES: Final = (TOKENS, COST)
WARN_AT: Final = Decimal("0.8")
Kind = Budget.Kind


class Subject(NamedTuple):
    """Whose use is summed: a person's, a group's, everybody's."""

    kind: str
    pk: Any = None  # a UUID of a person, a number of a group


@dataclass(frozen=True, slots=True)
class Line:
    """One limit of one budget: tokens of a day, or US dollars of a month."""

    budget: Budget
    subject: Subject
    measure: str
    limit: Decimal
    used: Decimal
    since: datetime
    until: datetime

    @property
    def share(self) -> Decimal:
        """Of the limit, from 0; more than 1 beyond it."""
        return self.used / self.limit if self.limit else Decimal(1)

    @property
    def level(self) -> str:
        """``exceeded``, ``warning``, or nothing."""
        share = self.share
        return "exceeded" if share >= 1 else "warning" if share >= WARN_AT else ""


def lines_of(user: User, *, may_ask: bool = True) -> list[Line]:
    """Every limit that holds for a person; raises ``memory.Unknown`` if that needs the database and may not."""
    budgets = _all_budgets(may_ask)
    if not budgets:
        return []
    now = timezone.now()
    return [
        line for budget, subject in _applying(budgets, user, may_ask) for line in _lines(budget, subject, now, may_ask)
    ]


def lines_shown_to(user: User) -> list[Line]:
    """Those of ``lines_of`` whose figures are a person's to see: what the whole server spends is for staff."""
    return [line for line in lines_of(user) if user.is_staff or line.budget.kind != Kind.SERVER]


def lines_of_budget(budget: Budget) -> list[Line]:
    """The limits of a budget that is one person's, one group's or the server's, summed up now."""
    now = timezone.now()
    subject = subject_of(budget)
    return [] if subject is None else list(_lines(budget, subject, now, may_ask=True))


def subject_of(budget: Budget) -> Subject | None:
    """Whose use a budget limits; ``None`` where it is each person's by themselves."""
    match budget.kind:
        case Kind.PERSON:
            return Subject(Kind.PERSON, budget.person_id)
        case Kind.GROUP:
            return Subject(Kind.GROUP, budget.group_id)
        case Kind.SERVER:
            return Subject(Kind.SERVER)
    return None


def limit_of(budget: Budget, measure: str) -> Decimal | None:
    """In tokens or US dollars; ``None`` for no limit."""
    limit = budget.tokens_per_day if measure == TOKENS else budget.cost_per_month
    return None if limit is None else Decimal(limit)


def period_of(measure: str, now: datetime) -> tuple[datetime, datetime]:
    """The day or the month in UTC that ``now`` lies in: its beginning and that of the next."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if measure == TOKENS:
        return day, day + timedelta(days=1)
    month = day.replace(day=1)
    return month, (month + timedelta(days=32)).replace(day=1)


def counted(budget: Budget, since: datetime) -> UsageRecordQuerySet:
    """The entries of the ledger that a budget counts."""
    records = UsageRecord.objects.order_by().filter(created_at__gte=since)
    return records if budget.counts_own_keys else records.filter(is_shared=True)


def total(measure: str) -> Sum:
    """The sum over entries, in tokens or US dollars."""
    return Sum(F("input_tokens") + F("output_tokens")) if measure == TOKENS else Sum("cost")


def note_records(records: Sequence[UsageRecord]) -> None:
    """Count what this process has just booked, so that its next call knows."""
    now = timezone.now()
    for record in records if memory.recall(("budgets",)) else ():
        subjects = [Subject(Kind.SERVER)]
        if record.user_id:
            groups = memory.recall(("groups", record.user_id)) or ()
            subjects += [Subject(Kind.PERSON, record.user_id), *(Subject(Kind.GROUP, pk) for pk in groups)]
        amounts = (Decimal(record.input_tokens + record.output_tokens), record.cost or Decimal(0))
        for measure, amount in zip(MEASURES, amounts, strict=True):
            since, _ = period_of(measure, now)
            for subject in subjects:
                memory.add(_key(subject, measure, True, since), amount)
                if record.is_shared:
                    memory.add(_key(subject, measure, False, since), amount)


def _all_budgets(may_ask: bool) -> list[Budget]:
    found: list[Budget] = memory.remember(
        ("budgets",), lambda: list(Budget.objects.select_related("group")), may_ask=may_ask
    )
    return found


def _applying(budgets: list[Budget], user: User, may_ask: bool) -> Iterator[tuple[Budget, Subject]]:
    groups = _groups(user, may_ask) if any(budget.kind == Kind.GROUP for budget in budgets) else set()
    has_own = any(budget.person_id == user.pk for budget in budgets)
    for budget in budgets:
        if budget.kind == Kind.SERVER:
            yield budget, Subject(Kind.SERVER)
        elif budget.kind == Kind.GROUP and budget.group_id in groups:
            yield budget, Subject(Kind.GROUP, budget.group_id)
        elif budget.person_id == user.pk or (budget.kind == Kind.EACH and not has_own):
            yield budget, Subject(Kind.PERSON, user.pk)


def _groups(user: User, may_ask: bool) -> set[int]:
    def look() -> set[int]:
        return set(User.groups.through.objects.filter(user_id=user.pk).values_list("group_id", flat=True))

    found: set[int] = memory.remember(("groups", user.pk), look, may_ask=may_ask)
    return found


def _lines(budget: Budget, subject: Subject, now: datetime, may_ask: bool) -> Iterator[Line]:
    for measure in MEASURES:
        limit = limit_of(budget, measure)
        if limit is None:
            continue
        since, until = period_of(measure, now)
        key = _key(subject, measure, budget.counts_own_keys, since)
        used = memory.remember(key, _sum_up(budget, subject, measure, since), may_ask=may_ask)
        yield Line(budget, subject, measure, limit, Decimal(used), since, until)


def _sum_up(budget: Budget, subject: Subject, measure: str, since: datetime) -> Callable[[], Decimal]:
    def look() -> Decimal:
        records = counted(budget, since)
        if subject.kind == Kind.PERSON:
            records = records.filter(user=subject.pk)
        elif subject.kind == Kind.GROUP:
            records = records.filter(user__in=User.objects.filter(groups=subject.pk))
        return Decimal(records.aggregate(used=total(measure))["used"] or 0)

    return look


def _key(subject: Subject, measure: str, counts_own_keys: bool, since: datetime) -> tuple[object, ...]:
    return ("spent", *subject, measure, counts_own_keys, since)
