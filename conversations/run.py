"""A running attempt in memory: its text so far, and the events that the log has not got yet.

Lives on the engine's loop and is touched only there, except for ``snapshot``, which reads two strings.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from conversations.events import STEP, Event, EventId, EventType, deltas, utf16_length
from conversations.log import encode_payload
from conversations.seam import Seam

LONG = 65_536  # UTF-16 code units of a text that is saved less often


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a checkpoint writes."""

    generation_id: UUID
    message_id: UUID
    attempt: int
    text: str
    reasoning: str
    thought_seconds: float | None = None
    """From the first piece of this attempt's reasoning to the last; ``None`` without any."""


@dataclass(slots=True)
class PendingDelta:
    """Pieces of one kind in a row; they become one event."""

    type: EventType
    offset: int
    pieces: list[str]


@dataclass(slots=True)
class Transcript:
    """The pieces of a growing text and their length in UTF-16 code units."""

    pieces: list[str] = field(default_factory=list)
    length: int = 0

    def append(self, text: str) -> int:
        """Add a piece and return the offset at which it starts."""
        offset = self.length
        self.pieces.append(text)
        self.length += utf16_length(text)
        return offset

    def join(self) -> str:
        """The whole text; keeps the joined form so that the next call is cheap."""
        whole = "".join(self.pieces)
        self.pieces = [whole]
        return whole


class Run:
    """One attempt at one generation. ``outbox`` is the batch under way to the log; it is sent until it is there.

    A run that goes on from a kept text has it from the beginning, as ``prefix`` and ``reasoning_prefix``.
    """

    def __init__(
        self,
        *,
        generation_id: UUID,
        message_id: UUID,
        attempt: int,
        epoch: int,
        prefix: str = "",
        reasoning_prefix: str = "",
    ) -> None:
        self.generation_id = generation_id
        self.message_id = message_id
        self.attempt = attempt
        self.epoch = epoch
        self.text = Transcript()
        self.reasoning = Transcript()
        self.outbox: list[Event] = []
        self.creates_log = True
        self._sequence = 0
        self._rests = False
        self._thought: tuple[float, float] | None = None
        self._pending: list[PendingDelta | tuple[EventType, bytes]] = []
        self._seam = Seam(prefix) if prefix else None
        self._kept = (len(prefix), len(reasoning_prefix))
        self.text.append(prefix)
        self.reasoning.append(reasoning_prefix)
        self._start = self._saved = (self.text.length, self.reasoning.length)

    @property
    def has_output(self) -> bool:
        """Whether a reader may have seen something that this attempt has written."""
        return (self.text.length, self.reasoning.length) != self._start

    @property
    def written(self) -> str:
        """What this attempt has written, reasoning included: what the prefix had is not its own."""
        return self.text.join()[self._kept[0] :] + self.reasoning.join()[self._kept[1] :]

    @property
    def has_news(self) -> bool:
        """Whether there is anything to send."""
        return bool(self.outbox or self._pending)

    def announce(self, event_type: EventType, data: object) -> None:
        """Queue an event that is not a delta."""
        self._pending.append((event_type, encode_payload(data)))

    def start(self, attempt: object) -> None:
        """Queue attempt-start with this data, which voids all text before it, and then the text that was kept."""
        self.announce(EventType.ATTEMPT_START, attempt)
        for event_type, transcript in ((EventType.REASONING_DELTA, self.reasoning), (EventType.TEXT_DELTA, self.text)):
            if transcript.length:
                self._pending.append(PendingDelta(event_type, 0, [transcript.join()]))

    def write(self, event_type: EventType, text: str) -> None:
        """Queue what the model has written, without what it repeats of the prefix."""
        if event_type is EventType.TEXT_DELTA and self._seam is not None:
            text = self._seam.feed(text)
        if text:
            self.append(event_type, text)

    def end_text(self) -> None:
        """The model writes nothing more: queue what was still held back."""
        if self._seam is not None and (rest := self._seam.close()):
            self.append(EventType.TEXT_DELTA, rest)

    def append(self, event_type: EventType, text: str) -> None:
        """Queue a delta; deltas of one kind in a row are merged."""
        transcript = self.text if event_type is EventType.TEXT_DELTA else self.reasoning
        if transcript is self.reasoning:
            now = time.monotonic()
            self._thought = (self._thought[0] if self._thought else now, now)
        offset = transcript.append(text)
        last = self._pending[-1] if self._pending else None
        if isinstance(last, PendingDelta) and last.type is event_type:
            last.pieces.append(text)
        else:
            self._pending.append(PendingDelta(event_type, offset, [text]))

    def fill_outbox(self) -> list[Event]:
        """The events to send now: those of a failed batch first, and nothing newer before they are through."""
        if not self.outbox:
            self.outbox = [event for item in self._pending for event in self._number(item)]
            self._pending = []
        return self.outbox

    def restart_log(self) -> None:
        """The log has vanished: begin it again with all text so far. Nothing of the old outbox is needed."""
        kept = [item for item in self._pending if not isinstance(item, PendingDelta)]
        ends = [(event.type, event.payload) for event in self.outbox if event.type is EventType.GENERATION_END]
        self.outbox, self._pending, self.creates_log = [], [], True
        self.start({"attempt": self.attempt, "reason": "log_restored"})
        self._pending += [*kept, *ends]

    def snapshot(self) -> Snapshot | None:
        """What has to be saved since the last call that returned something; ``None`` when nothing changed.

        A long text is offered every other time: it is written whole, and what that costs grows with it.
        """
        lengths = (self.text.length, self.reasoning.length)
        if lengths == self._saved:
            return None
        self._rests = sum(lengths) > LONG and not self._rests
        if self._rests:
            return None
        self._saved = lengths
        return self.whole()

    def forget_snapshot(self) -> None:
        """The last snapshot could not be saved: offer it again."""
        self._saved = (-1, -1)

    def whole(self) -> Snapshot:
        """All text so far."""
        thought = self._thought[1] - self._thought[0] if self._thought else None
        texts = (self.text.join(), self.reasoning.join())
        return Snapshot(self.generation_id, self.message_id, self.attempt, *texts, thought)

    def _number(self, item: PendingDelta | tuple[EventType, bytes]) -> Iterator[Event]:
        if not isinstance(item, PendingDelta):
            yield Event(self._next_id(), *item)
            return
        for delta in deltas("".join(item.pieces), item.offset):
            yield Event(self._next_id(), item.type, encode_payload(delta))

    def _next_id(self) -> EventId:
        self._sequence += STEP
        return EventId(self.epoch, self._sequence)
