"""Names for URLs and model references: short, unique, never changed once given."""

import secrets
from collections.abc import Iterable
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
