"""The links between the marks of footnotes and their texts, within one answer.

A mark is rendered before the text it belongs to has arrived, and neither is touched again: so a number always links to
where its text will be, and a text links back if there was a mark before it. Ids are numbers behind the name of the
answer, whatever a label holds: two answers on one page never share any, and no text chooses one.
"""

import re
from dataclasses import dataclass, field

ID = re.compile(r"fn(?:ref)?-[0-9a-f]{1,32}-\d{1,6}", re.ASCII)
"""What an id of ours looks like; the sanitiser knows no other."""


@dataclass(slots=True)
class Footnotes:
    """Those of one text.

    ``name`` is in hexadecimal digits and different for every text on a page; without one there are no links.
    """

    name: str = ""
    _numbers: dict[str, int] = field(default_factory=dict)
    _placed: set[str] = field(default_factory=set)

    def mark(self, label: str) -> tuple[str, str]:
        """The id to which a mark links, and its own; only the first mark of a label has one, others have none."""
        return self._id("fn", label), self._place(self._id("fnref", label))

    def note(self, label: str) -> tuple[str, str]:
        """The id of the mark to which a text links back, if there was one, and its own, if it is the first."""
        back = self._id("fnref", label)
        return back if back in self._placed else "", self._place(self._id("fn", label))

    def _id(self, kind: str, label: str) -> str:
        number = self._numbers.setdefault(label, len(self._numbers) + 1)
        return f"{kind}-{self.name}-{number}" if self.name else ""

    def _place(self, identity: str) -> str:
        """The id, the first time."""
        if identity in self._placed:
            return ""
        self._placed.add(identity)
        return identity
