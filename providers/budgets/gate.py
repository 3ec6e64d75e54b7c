"""The question before every call: is there anything left of the budgets that count it?

An answer that has begun is never cut off: only what begins afterwards is refused. Calls that run at the same time can
go beyond a limit by what they use.
"""

from collections.abc import Sequence

from django.utils import timezone

from accounts.models import User
from providers.budgets import memory
from providers.budgets.standing import Line, lines_of
from providers.budgets.words import refusal_of
from providers.database import in_thread
from providers.errors import BudgetExceeded
from providers.models import Provider


def check_budget(user: User | None, provider: Provider | None) -> None:
    """Raise ``BudgetExceeded`` if a limit that counts calls to this provider is used up."""
    if user is not None and provider is not None:
        _refuse(lines_of(user), provider)


async def acheck_budget(user: User | None, provider: Provider) -> None:
    """As ``check_budget``, on an event loop: the database is asked, in a thread, only when nothing recent is known."""
    if user is None:
        return
    try:
        lines = lines_of(user, may_ask=False)
    except memory.Unknown:
        lines = await in_thread(lines_of, user)
    _refuse(lines, provider)


def _refuse(lines: Sequence[Line], provider: Provider) -> None:
    used_up = [
        line for line in lines if line.level == "exceeded" and (line.budget.counts_own_keys or provider.is_shared)
    ]
    if not used_up:
        return
    last = max(used_up, key=lambda line: line.until)
    message, hint = refusal_of(last)
    wait = max(1.0, (last.until - timezone.now()).total_seconds())
    raise BudgetExceeded(told=message, advice=hint, retry_after=wait, provider=provider.name)
