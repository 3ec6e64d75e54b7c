"""Where a continued answer meets the kept one: what the model repeats of its end is taken away.

Inside a block of code that the kept text left open, models like to open it once more: that line goes too.
"""

import re

from conversations.blocks import open_fence

SHORTEST = 8  # characters; what is shorter may be a coincidence
LONGEST = 400  # characters that are held back at most


class Seam:
    """Holds the beginning of the new text back until it is known how much of it repeats the end of ``prefix``."""

    def __init__(self, prefix: str) -> None:
        self._tail = prefix[-LONGEST:]
        self._held = ""
        self._is_closed = False
        fence = open_fence(prefix)
        mark = fence[:1] or "`"
        # A closing fence says nothing more, so a fence with a word is an opening.
        self._opening = re.compile(rf"\s*{mark}{{3,}}[^\S\n]*[^\s`][^\n`]{{0,80}}\n") if fence else None
        self._may_open = re.compile(rf"\s{{0,20}}(?:{mark}{{0,2}}|{mark}{{3,}}[^\n`]{{0,80}})")
        self._waiting = ""

    def feed(self, text: str) -> str:
        """What may be shown now of the text so far."""
        if self._opening is not None:
            self._waiting += text
            if self._may_open.fullmatch(self._waiting):
                return ""
            text = self._without_opening()
        if self._is_closed:
            return text
        self._held += text
        return "" if self._may_go_on() else self.close()

    def close(self) -> str:
        """What is left to show; afterwards everything passes."""
        self._is_closed = True
        held, self._held = self._held + self._without_opening(), ""
        return held[self._repeated(held) :]

    def _without_opening(self) -> str:
        """What waited, without the line that opens the code once more."""
        waited, self._waiting = self._waiting, ""
        opening, self._opening = self._opening, None
        found = opening.match(waited) if opening else None
        return waited[found.end() :] if found else waited

    def _may_go_on(self) -> bool:
        """Whether the repetition could be longer than what has arrived."""
        longest_start = len(self._tail) - max(SHORTEST, len(self._held) + 1)
        return longest_start >= 0 and self._tail.find(self._held, 0, longest_start + len(self._held)) >= 0

    def _repeated(self, held: str) -> int:
        """Length of the longest beginning of ``held`` with which the tail ends."""
        lengths = range(min(len(held), len(self._tail)), SHORTEST - 1, -1)
        return next((length for length in lengths if self._tail.endswith(held[:length])), 0)
