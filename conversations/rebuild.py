"""Events made from the database when the log has lost them."""

from uuid import UUID

from conversations.events import PIECE, REBUILT, STEP, Event, EventId, EventType, deltas, utf16_length, utf16_prefix
from conversations.log import encode_payload
from conversations.models import Generation
from conversations.settlement import end_payload

MOST_PIECES = STEP // 2 - 2
"""Of one text: so many ids lie before an event whose predecessor is lost, for each of two texts."""


def events_of_finished(generation_id: UUID) -> list[Event]:
    """The whole of a finished run: attempt-start, all text, generation-end. Empty when it is gone."""
    generation = Generation.objects.select_related("message").filter(pk=generation_id).first()
    if generation is None:
        return []
    texts = (generation.message.reasoning, generation.message.content)
    head = _head(generation, REBUILT, *texts)
    end = end_payload(generation.status, generation.finish_reason, generation.usage, generation.error)
    event_id = EventId(generation.epoch, REBUILT + len(head))
    return [*head, Event(event_id, EventType.GENERATION_END, encode_payload(end))]


def events_before(generation_id: UUID, events: list[Event]) -> list[Event] | None:
    """What was before the first of these events; ``None`` when the database has not got that much text yet.

    The ids lie between the first event's and its lost predecessor's.
    """
    generation = Generation.objects.select_related("message").filter(pk=generation_id).first()
    first = events[0].id
    if generation is None or generation.epoch != first.epoch:
        return None
    content = _up_to(generation.message.content, events, EventType.TEXT_DELTA)
    reasoning = _up_to(generation.message.reasoning, events, EventType.REASONING_DELTA)
    if content is None or reasoning is None:
        return None
    return _head(generation, first.sequence - STEP + 1, reasoning, content)


def _up_to(text: str, events: list[Event], event_type: EventType) -> str | None:
    """The text before the first delta of this type; all of it when there is none."""
    offset = next((event.offset for event in events if event.type is event_type), None)
    if offset is None:
        return text
    return utf16_prefix(text, offset) if utf16_length(text) >= offset else None


def _head(generation: Generation, sequence: int, reasoning: str, content: str) -> list[Event]:
    parts: list[tuple[EventType, object]] = [
        (EventType.ATTEMPT_START, {"attempt": generation.attempt, "reason": "log_restored"})
    ]
    for event_type, text in ((EventType.REASONING_DELTA, reasoning), (EventType.TEXT_DELTA, content)):
        size = max(PIECE, len(text) // MOST_PIECES + 1)
        parts += [(event_type, delta) for delta in deltas(text, size=size)]
    return [
        Event(EventId(generation.epoch, sequence + index), event_type, encode_payload(payload))
        for index, (event_type, payload) in enumerate(parts)
    ]
