"""The sentences that are stored in English, said in the language of whoever reads them.

Errors and notices are written by workers, which know no reader; rows, events and exports keep them as written. What
stands in such a text is found again by the patterns below, and put into the same place of the translation. A text that
fits none of them, such as a provider's own words, stays as it is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, override

from providers import errors, notices
from providers.budgets import words

LONGEST: Final = 1000  # characters of a text that is looked at

HOLE: Final = re.compile(r"\\\{(\w+)\\\}|%\\\((\w+)\\\)s")  # {name} or %(name)s, escaped
STATUS: Final = re.compile(r" \((\d{3})\)\.$")


@dataclass(frozen=True, slots=True)
class Known:
    """A sentence that may be met, with the pattern that finds what stands in its holes."""

    source: str
    pattern: re.Pattern[str]

    def translate(self, text: str) -> str | None:
        """The text in the language of the reader; nothing if it is not this sentence."""
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        held = {name: _placeholder(value) for name, value in found.groupdict().items()}
        said = gettext(self.source)
        return said % held if "%(" in self.source else said.format(**held)


def in_readers_language(text: str) -> str:
    """The stored text, one sentence after the other, in the language that is active."""
    if not text or len(text) > LONGEST or (get_language() or "en").startswith("en"):
        return text
    return _translated(text) or text


def sentence_of(code: str, *, provider: str, model: str) -> str:
    """What an error of this code says, in the language that is active; empty if there is no such error."""
    sentence = _sentences_by_code().get(code)
    if sentence is None:
        return ""
    names = {
        "provider": provider or _placeholder(errors.SOME_PROVIDER),
        "model": model or _placeholder(errors.SOME_MODEL),
    }
    return gettext(sentence).format(**names)


@cache
def _sentences_by_code() -> dict[str, str]:
    """Where several errors have a code, the one nearest the root."""
    return {kind.code: kind.sentence for kind in reversed(list(_with_subclasses(errors.ProviderError)))}


def _translated(text: str) -> str | None:
    """The translation of the whole, or of those of its sentences that are known."""
    if whole := _single(text):
        return whole
    for end in re.finditer(r"\. ", text):
        if first := _single(text[: end.start() + 1]):
            rest = text[end.end() :]
            return f"{first} {_translated(rest) or rest}"
    unknown, dot, rest = text.partition(". ")
    said = _translated(rest) if dot else None
    return f"{unknown}. {said}" if said else None


def _single(text: str) -> str | None:
    status = STATUS.search(text)
    plain = f"{text[: status.start()]}." if status else text
    for known in known_sentences():
        if (said := known.translate(plain)) is not None:
            return f"{said.removesuffix('.')} ({status[1]})." if status else said
    return None


@cache
def known_sentences() -> tuple[Known, ...]:
    """Everything that Wiz writes into rows and events; the ones with the fewest holes first."""
    with override(None):
        sources = {str(source) for source in _sources()}
    by_holes = sorted(sources, key=lambda source: (len(HOLE.findall(re.escape(source))), -len(source)))
    return tuple(Known(source, _pattern(source)) for source in by_holes)


def _sources() -> Iterator[str | Promise]:
    for kind in _with_subclasses(errors.ProviderError):
        yield kind.sentence
        yield kind.next_step
    yield from errors.ProviderTimeout.phases.values()
    yield from (errors.BudgetExceeded.told, errors.BudgetExceeded.advice)
    yield from words.USED_UP.values()
    yield from words.ANEW.values()
    yield from words.ADVICE.values()
    yield from notices.ALL


def _with_subclasses(kind: type[errors.ProviderError]) -> Iterator[type[errors.ProviderError]]:
    yield kind
    for further in kind.__subclasses__():
        yield from _with_subclasses(further)


def _pattern(source: str) -> re.Pattern[str]:
    """A name in a hole may hold anything but the end of a sentence."""
    return re.compile(HOLE.sub(lambda hole: rf"(?P<{hole[1] or hole[2]}>(?:(?!\. ).)+?)", re.escape(source)))


def _placeholder(value: str) -> str:
    return gettext(value) if value in {errors.SOME_PROVIDER, errors.SOME_MODEL} else value
