"""Words as search sees them: without case, accents and punctuation; scripts without spaces letter by letter.

On SQLite the index is written with ``index_words``; on PostgreSQL the migration ``0005_search`` does the same in SQL.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, kana, Han and Hangul: they are found by any sequence of their letters."""
ACCENTS = "\u0300-\u036f"
LONGEST = 500_000  # characters of a text that are indexed
_ACCENT = re.compile(f"[{ACCENTS}]")
_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
_RAW_WORD = re.compile(rf"[{UNSPACED}]|(?:[^\W_{UNSPACED}]|[{ACCENTS}])+")


class Placed(NamedTuple):
    """A word of a text, folded, and where it stands."""

    word: str
    start: int
    end: int


def fold(text: str) -> str:
    """The text without case and accents."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", _ACCENT.sub("", unicodedata.normalize("NFKD", text))).casefold()


def words_of(text: str) -> list[str]:
    """The folded words of a text in order."""
    return _WORD.findall(fold(text))


def index_words(text: str | None) -> str:
    """The folded words of a text with spaces between them, as they are indexed."""
    return " ".join(words_of((text or "")[:LONGEST]))


def placed_words(text: str) -> Iterator[Placed]:
    """The folded words of a text with their places in it."""
    for match in _RAW_WORD.finditer(text):
        yield Placed(fold(match[0]), match.start(), match.end())


@receiver(connection_created)
def lend_words(connection: BaseDatabaseWrapper, **_: object) -> None:
    """Give SQLite, whose triggers write the index, the function ``wiz_words``."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("wiz_words", 1, index_words, deterministic=True)
