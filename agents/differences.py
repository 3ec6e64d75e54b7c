"""What differs between two versions of an agent: field by field, long texts line by line."""

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from agents.marks import COLOURS, ICONS
from agents.parameters import EFFORT_NAMES
from agents.versions import NamedModel, NamedProvider, Snapshot, essence

LABELS: Final[dict[str, Promise | str]] = {
    "name": _("Name"),
    "description": _("Description"),
    "icon": _("Icon"),
    "colour": _("Colour"),
    "provider": _("Provider"),
    "model": _("Model"),
    "system_prompt": _("Instructions"),
    "temperature": _("Temperature"),
    "top_p": _("Top p"),
    "max_tokens": _("Longest answer"),
    "reasoning_effort": _("Reasoning effort"),
    "response_schema": _("Response schema"),
    "starters": _("Starter prompts"),
    "fallbacks": _("Fallbacks"),
}
CHOICES: Final = {"icon": ICONS, "colour": COLOURS, "reasoning_effort": EFFORT_NAMES}
BY_LINE: Final = {"system_prompt", "response_schema", "starters", "fallbacks"}
AROUND: Final = 3  # unchanged lines that are shown around a change
LONGEST: Final = 2_000  # lines; beyond them a line-by-line comparison would take too long

Kind = Literal["same", "added", "removed", "gap"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a text that was compared; a gap stands for lines that are alike."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs. ``before`` and ``after`` are as they are stored, ``lines`` for those of several lines."""

    field: str
    label: Promise | str
    before: Any
    after: Any
    lines: Sequence[Line] = ()

    @property
    def old(self) -> str:
        """What it was, for a reader; empty for nothing."""
        return readable(self.field, self.before)

    @property
    def new(self) -> str:
        """What it has become, for a reader."""
        return readable(self.field, self.after)


def changed_labels(older: Snapshot, newer: Snapshot) -> list[Promise | str]:
    """What the fields are called that differ; texts are not compared line by line."""
    first, second = essence(older), essence(newer)
    return [label for name, label in LABELS.items() if first.get(name) != second.get(name)]


def compare(older: Snapshot, newer: Snapshot) -> list[Change]:
    """The fields that differ, in the order of the form."""
    first, second = essence(older), essence(newer)
    return [
        _change(name, label, older.get(name), newer.get(name))
        for name, label in LABELS.items()
        if first.get(name) != second.get(name)
    ]


def _change(name: str, label: Promise | str, before: Any, after: Any) -> Change:
    if name not in BY_LINE:
        return Change(name, label, before, after)
    lines = tuple(compare_lines(readable(name, before).splitlines(), readable(name, after).splitlines()))
    return Change(name, label, before, after, lines)


def compare_lines(before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    """The lines that were removed and added, with a few unchanged ones around them."""
    if max(len(before), len(after)) > LONGEST:
        yield from (Line("removed", text) for text in before)
        yield from (Line("added", text) for text in after)
        return
    end = 0
    for group in difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(AROUND):
        if group[0][1] > end:
            yield Line("gap", "")
        end = group[-1][2]
        for tag, low, high, new_low, new_high in group:
            if tag == "equal":
                yield from (Line("same", text) for text in before[low:high])
                continue
            yield from (Line("removed", text) for text in before[low:high])
            yield from (Line("added", text) for text in after[new_low:new_high])
    if end < len(before):
        yield Line("gap", "")


def readable(name: str, value: Any) -> str:
    """The value as text that a person reads."""
    if name in CHOICES:
        return str(CHOICES[name].get(value or "", value or ""))
    if value is None or value == "":
        return ""
    if name == "provider":
        return _provider(value)
    if name == "starters":
        return "\n".join(map(str, value))
    if name == "fallbacks":
        return "\n".join(_model(row) for row in value)
    if name == "response_schema":
        return json.dumps(value, indent=2, ensure_ascii=False)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _provider(named: NamedProvider | None) -> str:
    return named["name"] if named else "?"


def _model(row: NamedModel) -> str:
    return f"{_provider(row['provider'])} · {row['model']}"
