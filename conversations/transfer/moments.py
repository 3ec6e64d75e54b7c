"""Times as other programs write them."""

import math
from datetime import UTC, datetime

MILLISECONDS = 100_000_000_000
"""Seconds in the year 5138: larger numbers are milliseconds or less."""


def from_seconds(value: float | None) -> datetime | None:
    """Unix time in seconds, milliseconds or nanoseconds; ``None`` for what is no time."""
    if value is None or not math.isfinite(value) or value <= 0:
        return None
    while value > MILLISECONDS:
        value /= 1000
    return datetime.fromtimestamp(value, UTC)


def from_text(value: str | None) -> datetime | None:
    """ISO 8601; without a zone it is UTC; ``None`` for what is no time."""
    try:
        moment = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
