"""Counts what a file holds before it is decoded: three bytes of JSON can become two hundred in memory."""

import re
from itertools import islice
from typing import Final

import msgspec
from django.utils.translation import gettext as _
from msgspec import Raw

from conversations.transfer.tree import ImportProblem

_PARTS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|([{\[])', re.DOTALL)


class TooMany(ImportProblem):
    """The file as a whole holds more than is taken."""


def check_count(count: int, limit: int, what: str) -> None:
    """Raises ``TooMany``."""
    if count > limit:
        problem = _("The file has more than %(limit)d %(what)s. Split it.")
        raise TooMany("file", problem % {"limit": limit, "what": what})


def check_parts(body: bytes, limit: int) -> None:
    """Raises ``TooMany`` for more objects and lists than that; braces inside of texts are none."""
    count = body.count(b"{") + body.count(b"[")
    if count > limit:  # only then is it worth a closer look
        parts = (found for found in _PARTS.finditer(body) if found.lastindex)
        check_count(sum(1 for _found in islice(parts, limit + 1)), limit, _("parts"))


def split(body: bytes | Raw, limit: int) -> list[Raw]:
    """The entries of a list as they are written, but no more than one beyond ``limit``; raises msgspec's errors.

    Of a list msgspec counts the entries when it has them all; of a record in the form of a list it skips the surplus.
    """
    fields = [(f"entry_{number}", Raw, Raw()) for number in range(limit + 1)]
    record = msgspec.defstruct("Entries", fields, array_like=True)
    return [entry for entry in msgspec.structs.astuple(msgspec.json.decode(body, type=record)) if entry]
