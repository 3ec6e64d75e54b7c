"""The event log in Valkey: one stream per generation, and the frames that are published beside it."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from conversations.events import Event, EventId, EventType
from providers import valkey

MAX_EVENTS = 5000
READ_BATCH = 100
KEEP = 3600  # seconds that a log outlives its run
LINE_ENDS = {"\u2028".encode(): b"\\u2028", "\u2029".encode(): b"\\u2029", "\x85".encode(): b"\\u0085"}
FRAME = "generation.frame"


def log_key(generation_id: UUID) -> str:
    """The stream of a generation."""
    return valkey.key("log", generation_id.hex)


def group_name(generation_id: UUID) -> str:
    """The channel-layer group that gets a generation's frames."""
    return f"generation.{generation_id.hex}"


def encode_frame(event: Event) -> dict[str, str | bytes]:
    """The channel-layer message for one event."""
    return {"type": FRAME, "id": str(event.id), "event": event.type.value, "data": event.payload}


def decode_frame(message: dict[str, Any]) -> Event:
    """The reverse of ``encode_frame``."""
    return Event(EventId.parse(message["id"]), EventType(message["event"]), bytes(message["data"]))


def append_commands(pipeline: Any, generation_id: UUID, events: Iterable[Event], *, creates: bool, ttl: int) -> None:
    """Add to a pipeline, per event, one XADD and one PUBLISH in the channel layer's own format.

    Explicit ids make a repeated pipeline harmless. Without ``creates`` a stream that has vanished is not made anew:
    the XADD answers nil, and the writer knows that the log was lost.
    """
    key, layer = log_key(generation_id), get_channel_layer()
    channel = layer.group_channel(group_name(generation_id))
    for event in events:
        fields = {"e": event.type.value, "d": event.payload}
        pipeline.xadd(key, fields, id=str(event.id), maxlen=MAX_EVENTS, nomkstream=not creates)
        pipeline.publish(channel, layer.serialize(encode_frame(event)))
    if ttl:
        pipeline.expire(key, ttl)


async def read_log(generation_id: UUID, after: EventId) -> list[Event]:
    """Up to ``READ_BATCH`` events behind ``after``, oldest first."""
    key = log_key(generation_id)
    rows = await valkey.async_client().xrange(key, min=f"({after}", count=READ_BATCH)
    return [_decode_row(row) for row in rows]  # type: ignore[arg-type, union-attr]


def read_log_sync(generation_id: UUID, after: EventId) -> Iterator[Event]:
    """All events behind ``after``, for synchronous callers."""
    while True:
        rows = valkey.client().xrange(log_key(generation_id), min=f"({after}", count=READ_BATCH)
        for row in rows:  # type: ignore[union-attr]
            event = _decode_row(row)  # type: ignore[arg-type]
            after = event.id
            yield event
        if len(rows) < READ_BATCH:  # type: ignore[arg-type]
            return


async def read_last(generation_id: UUID) -> Event | None:
    """The newest event of the log."""
    rows = await valkey.async_client().xrevrange(log_key(generation_id), count=1)
    return _decode_row(rows[0]) if rows else None  # type: ignore[arg-type]


def _decode_row(row: tuple[bytes, dict[bytes, bytes]]) -> Event:
    row_id, fields = row
    return Event(EventId.parse(row_id.decode()), EventType(fields[b"e"].decode()), fields[b"d"])


def append_end(generation_id: UUID, events: Iterable[Event]) -> None:
    """Write the last events from outside the run (reaper, stop of a queued run); for synchronous callers."""
    pipeline = valkey.quick_client().pipeline(transaction=False)
    append_commands(pipeline, generation_id, events, creates=True, ttl=KEEP)
    pipeline.execute(raise_on_error=False)


def delete_logs(generation_ids: Iterable[UUID]) -> None:
    """Forget what these runs have said, if Valkey is there; logs go by themselves after an hour."""
    keys = [log_key(pk) for pk in generation_ids]
    with suppress(RedisError, OSError):
        if keys:
            valkey.client().unlink(*keys)


def encode_payload(value: object) -> bytes:
    """JSON of an event's data, safe on a line: many clients split lines at every line end that Unicode knows."""
    payload = msgspec.json.encode(value)
    for raw, escaped in LINE_ENDS.items():
        if raw in payload:
            payload = payload.replace(raw, escaped)
    return payload
