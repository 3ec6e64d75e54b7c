"""What this process knows about budgets and what was spent, for a few seconds.

A call asks here before it is made, so an answer that is known costs a look into a dictionary and no query. What this
process books is added at once; what others book is seen when the figure is summed up again.
"""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

KEPT: Final = 5.0  # seconds that an answer is used
PATIENCE: Final = 20  # an answer that took long is used for this many times as long, too
GRACE: Final = 2.0  # seconds in which others go on with the old answer while one looks for the new one
LIMIT: Final = 20_000  # answers


class Unknown(LookupError):
    """Nothing fresh is known, and the caller cannot wait for the database."""


class _Answer:
    __slots__ = ("until", "value")

    def __init__(self, value: Any, until: float) -> None:
        self.value = value
        self.until = until


_answers: dict[tuple[object, ...], _Answer] = {}


def remember(key: tuple[object, ...], look: Callable[[], Any], *, may_ask: bool) -> Any:
    """The known answer, else that of ``look``; raises ``Unknown`` if it would have to look and may not."""
    now = time.monotonic()
    known = _answers.get(key)
    if known is not None and now < known.until:
        return known.value
    if not may_ask:
        raise Unknown
    if known is not None:
        known.until = now + GRACE
    value = look()
    if len(_answers) >= LIMIT:
        _answers.clear()
    ended = time.monotonic()
    _answers[key] = _Answer(value, ended + max(KEPT, PATIENCE * (ended - now)))
    return value


def recall(key: tuple[object, ...]) -> Any:
    """The answer that was known last, however old; ``None`` without one."""
    known = _answers.get(key)
    return None if known is None else known.value


def add(key: tuple[object, ...], amount: Decimal) -> None:
    """Count something that was booked just now; nothing happens where no sum is known."""
    known = _answers.get(key)
    if known is not None:
        known.value += amount


def forget() -> None:
    """Look at the database next time."""
    _answers.clear()
