"""Tells once per period that a budget is nearly used, and that it is used up."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from providers.budgets.standing import (
    MEASURES,
    WARN_AT,
    Line,
    Subject,
    counted,
    limit_of,
    lines_of_budget,
    period_of,
    total,
)
from providers.models import Budget, BudgetNotice, WebhookEvent
from providers.webhooks.outbox import announce, moment_form

Kind = Budget.Kind
KEPT = timedelta(days=62)
logger = logging.getLogger(__name__)


def watch_budgets() -> int:
    """One round over all budgets; returns how many notices it made. Safe to run in parallel."""
    return sum(_tell(line) for budget in Budget.objects.select_related("group") for line in _near_lines(budget))


def forget_old_notices() -> None:
    """Periods that are over by a month tell nothing any more."""
    BudgetNotice.objects.filter(period__lt=timezone.now() - KEPT).delete()


def budget_form(line: Line) -> dict[str, object]:
    """A limit and how it stands, as JSON; costs are decimal strings in US dollars."""
    figures = (line.limit, line.used)
    limit, used = map(int, figures) if line.measure == "tokens" else (f"{figure:f}" for figure in figures)
    return {
        "budget": str(line.budget.pk),
        "kind": line.budget.kind,
        "group": line.budget.group.name if line.budget.group else None,
        "measure": line.measure,
        "period": "day" if line.measure == "tokens" else "month",
        "limit": limit,
        "used": used,
        "level": line.level or "ok",
        "counts_own_keys": line.budget.counts_own_keys,
        "resets_at": moment_form(line.until),
    }


def _near_lines(budget: Budget) -> Iterator[Line]:
    if budget.kind != Kind.EACH:
        yield from (line for line in lines_of_budget(budget) if line.level)
        return
    now = timezone.now()
    for measure in MEASURES:
        limit = limit_of(budget, measure)
        if limit is not None:
            since, until = period_of(measure, now)
            people = counted(budget, since).exclude(user=None).exclude(user__budgets__isnull=False)
            sums = people.values("user").annotate(spent=total(measure)).filter(spent__gte=limit * WARN_AT)
            for row in sums:
                subject = Subject(Kind.PERSON, row["user"])
                yield Line(budget, subject, measure, limit, Decimal(row["spent"]), since, until)


@transaction.atomic
def _tell(line: Line) -> int:
    person = line.subject.pk if line.subject.kind == Kind.PERSON else None
    _, is_new = BudgetNotice.objects.get_or_create(
        budget=line.budget,
        person_key=str(person or ""),
        measure=line.measure,
        level=line.level,
        period=line.since.date(),
    )
    if not is_new:
        return 0
    event = WebhookEvent.BUDGET_EXCEEDED if line.level == "exceeded" else WebhookEvent.BUDGET_WARNING
    person_id = person if isinstance(person, UUID) else None
    facts = {**budget_form(line), "user": str(person_id) if person_id else None}
    announce(event=event, person_id=person_id, facts=facts)
    logger.info("%s: %s of %s (%s).", event, line.budget.pk, line.measure, line.budget.kind)
    return 1
