"""The words of code that have a colour of their own."""

from collections.abc import Iterable, Iterator

from pygments.filter import Filter
from pygments.lexer import Lexer
from pygments.token import STANDARD_TYPES, Token, _TokenType

INKS = frozenset([
    "k", "kc", "kd", "kn", "kp", "kr", "kt", "ow", "nt",
    "s", "s1", "s2", "sa", "sb", "sc", "sd", "se", "sh", "si", "sx", "sr", "ss", "dl", "m",
    "mb", "mf", "mh", "mi", "il", "mo", "no", "nf",
    "fm", "nc", "nd", "nn", "na", "ne", "nb", "bp", "c", "c1", "ch",
    "cm", "cp", "cpf", "cs", "gp", "go", "gd", "gi", "gh",
    "gs", "err",
])  # fmt: skip
"""Pygments' short names of the kinds of words that ``static/css/prose.css`` colours."""


class ColouredOnly(Filter):
    """Leaves nothing of the other words but their text: an element for each makes a page of code heavy."""

    def filter(self, lexer: Lexer | None, stream: Iterable[tuple[_TokenType, str]]) -> Iterator[tuple[_TokenType, str]]:  # noqa: ARG002
        """The same text."""
        return ((kind if _has_ink(kind) else Token, text) for kind, text in stream)


def _has_ink(kind: _TokenType) -> bool:
    """Whether the kind, or where Pygments has no name for it the one that it belongs to, has a colour."""
    known = next((one for one in reversed(kind.split()) if one in STANDARD_TYPES), Token)
    return STANDARD_TYPES[known] in INKS
