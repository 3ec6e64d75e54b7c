"""Writes on budgets. What is wrong with a value surfaces as ``ValidationError`` with the field's name."""

from decimal import Decimal
from typing import TypedDict, Unpack

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import Action, record_event
from accounts.models import User
from providers.budgets import memory
from providers.models import Budget


class BudgetFields(TypedDict, total=False):
    """What can be said of a budget."""

    kind: str
    person: User | None
    group: Group | None
    tokens_per_day: int | None
    cost_per_month: Decimal | None
    counts_own_keys: bool


def set_budget(*, budget: Budget | None = None, **fields: Unpack[BudgetFields]) -> Budget:
    """Make a budget, or change the given fields of one; counts everywhere within seconds. Raises ``ValidationError``.

    With other limits what was told of the old ones may be told again.
    """
    budget = budget or Budget()
    for name, value in fields.items():
        setattr(budget, name, value)
    check_fields(budget)
    with transaction.atomic():
        budget.full_clean()
        budget.save()
        budget.notices.all().delete()
        record_event(action=Action.BUDGET_SET, target=budget, detail=_said(budget))
        transaction.on_commit(memory.forget)
    return budget


def remove_budget(*, budget: Budget) -> None:
    """Without it nothing is limited, as far as it was concerned."""
    with transaction.atomic():
        record_event(action=Action.BUDGET_REMOVED, target=budget)
        budget.delete()
        transaction.on_commit(memory.forget)


def check_fields(budget: Budget) -> None:
    """Raise ``ValidationError`` unless it says for whom it is and limits something."""
    for name, kind in (("person", Budget.Kind.PERSON), ("group", Budget.Kind.GROUP)):
        is_named = getattr(budget, f"{name}_id") is not None
        if is_named != (budget.kind == kind):
            message = _("Say whose budget it is.") if not is_named else _("This kind of budget names nobody here.")
            raise ValidationError({name: message})
    if budget.tokens_per_day is None and budget.cost_per_month is None:
        raise ValidationError({"tokens_per_day": _("Limit the tokens of a day, the cost of a month, or both.")})


def _said(budget: Budget) -> str:
    limits = (f"tokens_per_day: {budget.tokens_per_day}", f"cost_per_month: {budget.cost_per_month}")
    return ", ".join((budget.kind, *limits, *(["counts own keys"] if budget.counts_own_keys else [])))
