"""Sums over the ledger: tokens and cost by day, model, provider, agent or person."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Aggregate, CharField, Count, F, Q, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce, TruncDate

from providers.models.ledger import UsageRecordQuerySet

GROUPS: Final[dict[str, Combinable]] = {
    "day": TruncDate("created_at"),
    "model": F("model"),
    "provider": F("provider_name"),
    "agent": F("agent_name"),
    "user": Coalesce(F("user__email"), Value(""), output_field=CharField()),
}
TOKENS: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
SUMS: Final[dict[str, Aggregate]] = {
    "calls": Count("pk"),
    "told": Count("pk", filter=Q(is_certain=True)),
    "total_cost": Sum("cost"),
    **{f"sum_{name}": Sum(name) for name in TOKENS},
}
# What a group is called inside the query: some of its own names are columns of the ledger.
PREFIX: Final = "by_"


def sum_usage(records: UsageRecordQuerySet, groups: Sequence[str]) -> list[dict[str, Any]]:
    """One row per combination of ``groups`` (keys of ``GROUPS``), in their order; one row of totals without any.

    ``cost`` is in US dollars and ``None`` when no price is known; ``certainty`` is the share of calls whose figures
    the provider told, from 0 to 1.
    """
    keys = [PREFIX + name for name in groups]
    rows = records.order_by().annotate(**{PREFIX + name: GROUPS[name] for name in groups})
    if not groups:
        return [_row(rows.aggregate(**SUMS), groups)]
    return [_row(row, groups) for row in rows.values(*keys).annotate(**SUMS).order_by(*keys)]


def _row(sums: dict[str, Any], groups: Sequence[str]) -> dict[str, Any]:
    return {
        **{name: sums[PREFIX + name] for name in groups},
        "calls": sums["calls"],
        **{name: sums[f"sum_{name}"] or 0 for name in TOKENS},
        "cost": sums["total_cost"],
        "certainty": sums["told"] / sums["calls"] if sums["calls"] else 1.0,
    }
