"""Names for URLs and model references: short, unique, never changed once given."""

import secrets
from collections.abc import Collection, Iterable
from itertools import chain, count
from typing import TypeVar

from django.db import models
from django.utils.text import slugify

LENGTH = 60  # as the slug columns
Row = TypeVar("Row", bound=models.Model)


def free_slug(rows: models.QuerySet[Row], name: str, fallback: str, *, reserved: Iterable[str] = ()) -> str:
    """A slug made from ``name`` that none of ``rows`` has; ``fallback`` is used when nothing of the name is left."""
    stem = slugify(name)[: LENGTH - 10].strip("-") or fallback
    taken = set(reserved) | set(rows.filter(slug__startswith=stem).values_list("slug", flat=True))
    if stem not in taken:
        return stem
    numbered = (f"{stem}-{number}" for number in range(2, 100))
    return next((slug for slug in numbered if slug not in taken), f"{stem}-{secrets.token_hex(4)}")


def free_name(plain: str, taken: Collection[str], limit: int = 100) -> str:
    """The name, with a number when it is taken; cut so that it fits into ``limit`` characters."""
    names = chain([plain[:limit]], (f"{plain[: limit - 6]} {number}" for number in count(2)))
    return next(name for name in names if name not in taken)
