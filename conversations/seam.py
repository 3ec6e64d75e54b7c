"""Where a continued answer meets the kept one: what the model repeats of its end is taken away."""

SHORTEST = 8  # characters; what is shorter may be a coincidence
LONGEST = 400  # characters that are held back at most


class Seam:
    """Holds the beginning of the new text back until it is known how much of it repeats the end of ``prefix``."""

    def __init__(self, prefix: str) -> None:
        self._tail = prefix[-LONGEST:]
        self._held = ""
        self._is_closed = False

    def feed(self, text: str) -> str:
        """What may be shown now of the text so far."""
        if self._is_closed:
            return text
        self._held += text
        return "" if self._may_go_on() else self.close()

    def close(self) -> str:
        """What is left to show; afterwards everything passes."""
        self._is_closed = True
        held, self._held = self._held, ""
        return held[self._repeated(held) :]

    def _may_go_on(self) -> bool:
        """Whether the repetition could be longer than what has arrived."""
        longest_start = len(self._tail) - max(SHORTEST, len(self._held) + 1)
        return longest_start >= 0 and self._tail.find(self._held, 0, longest_start + len(self._held)) >= 0

    def _repeated(self, held: str) -> int:
        """Length of the longest beginning of ``held`` with which the tail ends."""
        lengths = range(min(len(held), len(self._tail)), SHORTEST - 1, -1)
        return next((length for length in lengths if self._tail.endswith(held[:length])), 0)
