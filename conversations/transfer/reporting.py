"""What became of a file that somebody brought."""

import uuid
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _lazy

from conversations.transfer.reading import Reading, Skipped

SHOWN: Final = 100  # skipped conversations that a report names


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file. ``left_out`` counts what has no place here, by kind; ``first`` is where to look."""

    source: str
    conversations: int
    messages: int
    left_out: dict[str, int]
    skipped: list[Skipped]
    skipped_count: int
    first: uuid.UUID | None

    def record(self) -> dict[str, object]:
        """The JSON form."""
        return {**asdict(self), "skipped": [skip._asdict() for skip in self.skipped]}


def make_report(reading: Reading, stored: list[uuid.UUID]) -> Report:
    """``stored`` are the ids of the new conversations, in the order of the file."""
    left_out: Counter[str] = Counter()
    for talk in reading.talks:
        left_out.update(talk.left_out)
    left_out.pop("root", None)
    return Report(
        source=reading.source,
        conversations=len(stored),
        messages=sum(len(talk.nodes) for talk in reading.talks),
        left_out={kind: count for kind, count in left_out.items() if count},
        skipped=reading.skipped[:SHOWN],
        skipped_count=len(reading.skipped),
        first=stored[0] if stored else None,
    )


SENTENCES: Final = {
    "attachment": _lazy("%(count)d attachments: their files are not in the export, or could not be kept."),
    "tool": _lazy("%(count)d calls of tools and their results."),
    "system": _lazy("%(count)d messages of the system."),
    "hidden": _lazy("%(count)d messages that were hidden there too."),
    "empty": _lazy("%(count)d messages without text."),
}
OTHER: Final = _lazy("%(count)d messages of another kind.")


def sentences(report: Report) -> list[str]:
    """What was left out, in words."""
    return [str(SENTENCES.get(kind, OTHER)) % {"count": count} for kind, count in report.left_out.items()]
