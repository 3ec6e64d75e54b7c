"""A person's use of the last weeks, or everybody's, as a page shows it.

The bars are drawn here: the libraries for charts bring megabytes, or write styles that the content security policy
refuses, for what are thirty rectangles.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.models import User
from providers.models import UsageRecord
from providers.usage import sum_usage

CHOICES: Final = (7, 30, 90)  # days
BAR: Final = 10  # units of the drawing, with the gap
GAP: Final = 2
HEIGHT: Final = 100
SHOWN: Final = 50  # rows of a table, those with the most tokens


@dataclass(frozen=True, slots=True)
class Row:
    """The sums of one model, agent, person or day."""

    name: str
    about: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Bar:
    """A day's tokens as a rectangle."""

    day: date
    tokens: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars from left to right; ``most`` is what the highest one stands for."""

    bars: list[Bar]
    most: int

    @property
    def width(self) -> int:
        """Of the drawing; its height is 100."""
        return len(self.bars) * BAR


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page shows."""

    days: int
    is_everyone: bool
    first: date
    last: date
    total: dict[str, Any]
    chart: Chart
    models: list[Row]
    agents: list[Row]
    people: list[Row]
    day_rows: list[Row]
    choices: tuple[int, ...] = CHOICES

    @property
    def tokens(self) -> int:
        """Input and output together."""
        return int(self.total["input_tokens"] + self.total["output_tokens"])

    @property
    def certain_percent(self) -> int:
        """Of the calls, whose figures the provider told; the others are estimated."""
        return int(self.total["certainty"] * 100)


def make_report(user: User, *, days: int, is_everyone: bool) -> Report:
    """The last ``days`` days in UTC, today included; everybody's is for staff only."""
    last = timezone.now().date()
    first = last - timedelta(days=days - 1)
    records = UsageRecord.objects.visible_to(user).filter(created_at__date__gte=first)
    if not is_everyone:
        records = records.filter(user=user)
    by_day = {row["day"]: row for row in sum_usage(records, ["day"])}
    return Report(
        days,
        is_everyone,
        first,
        last,
        sum_usage(records, [])[0],
        _chart([first + timedelta(days=number) for number in range(days)], by_day),
        _rows(sum_usage(records, ["model", "provider"]), "model", "provider"),
        _rows(sum_usage(records, ["agent"]), "agent", empty=_("Without an agent")),
        _rows(sum_usage(records, ["user"]), "user", empty=_("Deleted people")) if is_everyone else [],
        [_row(by_day[day], formats.date_format(day)) for day in sorted(by_day, reverse=True)],
    )


def _chart(days: list[date], by_day: dict[date, dict[str, Any]]) -> Chart:
    tokens = [_tokens(by_day[day]) if day in by_day else 0 for day in days]
    most = max(tokens)
    heights = [max(1, round(HEIGHT * count / most)) if count else 0 for count in tokens]
    bars = [
        Bar(day, count, number * BAR, HEIGHT - height, BAR - GAP, height)
        for number, (day, count, height) in enumerate(zip(days, tokens, heights, strict=True))
    ]
    return Chart(bars, most)


def _rows(sums: Iterable[dict[str, Any]], name: str, about: str = "", *, empty: str = "") -> list[Row]:
    ordered = sorted(sums, key=_tokens, reverse=True)[:SHOWN]
    return [_row(row, row[name] or empty, row[about] if about else "") for row in ordered]


def _row(sums: dict[str, Any], name: str, about: str = "") -> Row:
    return Row(name, about, sums["calls"], sums["input_tokens"], sums["output_tokens"], sums["cost"])


def _tokens(sums: dict[str, Any]) -> int:
    return int(sums["input_tokens"] + sums["output_tokens"])
