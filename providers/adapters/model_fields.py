"""Reading the fields of a listed model, whatever a server put into them: counts, dates, prices, flags.

Nothing here raises: a field that makes no sense tells nothing.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, cast

from providers.adapters.text import count_of
from providers.types import Capability

Fields = Mapping[str, object]
MILLION: Final = Decimal(1_000_000)
HIGHEST: Final = Decimal(999_999)  # dollars per million tokens; more is nonsense, as is less than nothing
PLACES: Final = Decimal("0.000001")
# Our name of a price → OpenRouter's, in dollars per token; the words of Together and Vercel for the same.
PER_TOKEN: Final = {
    "input_price": "prompt",
    "output_price": "completion",
    "cache_read_price": "input_cache_read",
    "cache_write_price": "input_cache_write",
}
IN_OTHER_WORDS: Final = {"prompt": "input", "completion": "output", "input_cache_read": "cached_input"}


def inner(fields: Fields, name: str) -> Fields:
    """The object under ``name``, empty when there is none."""
    value = fields.get(name)
    return cast("Fields", value) if isinstance(value, Mapping) else {}


def words_of(fields: Fields, name: str) -> frozenset[str] | None:
    """The words in the list under ``name``; ``None`` when there is no list."""
    value = fields.get(name)
    return frozenset(word for word in value if isinstance(word, str)) if isinstance(value, list) else None


def first_count(fields: Fields, *names: str) -> int | None:
    """The first plausible, positive number of tokens under these names."""
    return next((count for name in names if (count := count_of(fields.get(name)))), None)


def flag_of(fields: Fields, *names: str) -> bool | None:
    """The first yes or no under these names."""
    return next((value for name in names if isinstance(value := fields.get(name), bool)), None)


def day_of(value: object) -> str:
    """The ISO date in a date, a date with a time, or seconds since 1970; empty for anything else."""
    try:
        if isinstance(value, str):
            return date.fromisoformat(value.strip()[:10]).isoformat()
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return datetime.fromtimestamp(value, tz=UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        pass
    return ""


def prices_of(fields: Fields) -> dict[str, Decimal]:
    """The prices in ``pricing``, in dollars per million tokens, by the names that ``ModelInfo`` has for them.

    OpenRouter tells dollars per token as text under ``prompt`` and ``completion``, and -1 for a price that varies.
    ``input`` and ``output`` are dollars per token where they are text (Vercel), per million where they are numbers
    (Together).
    """
    told = inner(fields, "pricing")
    found = {}
    for name, word in PER_TOKEN.items():
        value = told.get(word, told.get(IN_OTHER_WORDS.get(word, "")))
        is_per_token = isinstance(value, str) or word in told
        price = _price(value, MILLION if is_per_token else Decimal(1))
        if price is not None:
            found[name] = price
    return found


def told(flags: Mapping[Capability, bool | None]) -> dict[Capability, bool]:
    """Only what was told."""
    return {capability: flag for capability, flag in flags.items() if flag is not None}


def _price(value: object, factor: Decimal) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        price = Decimal(str(value).strip()) * factor
    except InvalidOperation:
        return None
    return price.quantize(PLACES) if price.is_finite() and 0 <= price <= HIGHEST else None
