"""How much of the model's context a conversation fills."""

from dataclasses import dataclass

from conversations.models import Conversation
from conversations.picking import find_row
from conversations.window import newest_usage

COUNTED = ("input_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class Gauge:
    """Tokens of the last answer and of all that was sent for it, and what the model's window holds."""

    used: int
    window: int

    @property
    def percent(self) -> int:
        """How full it is; what overflows is full."""
        return min(100, round(100 * self.used / self.window))

    @property
    def is_high(self) -> bool:
        """Whether earlier messages are about to be left out."""
        return self.percent >= 80


def read_gauge(conversation: Conversation) -> Gauge | None:
    """``None`` when nobody knows the window, or nothing was counted yet."""
    row = find_row(conversation.answerer)
    if row is None or not row.context_length:
        return None
    usage = newest_usage(conversation) or {}
    used = sum(count for name in COUNTED if isinstance(count := usage.get(name), int))
    return Gauge(used, row.context_length) if used else None
