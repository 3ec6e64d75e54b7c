"""What a run that died left behind: its checkpointed text, and what the log has beyond it."""

import logging

import msgspec
from redis.exceptions import RedisError

from conversations.booking import book_usage
from conversations.events import EventId, EventType, utf16_length, utf16_prefix
from conversations.log import read_log_sync
from conversations.models import Generation, Message
from conversations.plan import make_plan
from providers.errors import ProviderError
from providers.ledger import estimate_usage

logger = logging.getLogger(__name__)


def salvage_text(generation: Generation) -> Message:
    """Save what followers have seen and the last checkpoint had not; returns the message as it is now."""
    message = generation.message
    texts = {EventType.TEXT_DELTA: message.content, EventType.REASONING_DELTA: message.reasoning}
    try:
        for event in read_log_sync(generation.pk, EventId(generation.epoch, 0)):
            if event.type in texts and event.id.epoch == generation.epoch:
                texts[event.type] = _extend(texts[event.type], event.payload)
    except (RedisError, OSError):
        logger.warning("The log of %s cannot be read; its last checkpoint is kept.", generation.pk)
    message.content, message.reasoning = texts[EventType.TEXT_DELTA], texts[EventType.REASONING_DELTA]
    message.save(update_fields=["content", "reasoning"])
    return message


def book_what_was_written(generation: Generation) -> dict[str, object] | None:
    """An estimated ledger entry for a run whose process cannot write it any more."""
    written = newly_written(generation)
    if not written:
        return None
    try:
        plan = make_plan(generation)
    except ProviderError:
        return None
    return book_usage(generation.pk, plan, estimate_usage(plan.request, written))


def newly_written(generation: Generation) -> str:
    """What of the message's text the run itself has written, reasoning included."""
    message = generation.message
    return message.content[len(generation.prefix) :] + message.reasoning[len(generation.reasoning_prefix) :]


def _extend(text: str, payload: bytes) -> str:
    """The text with a delta laid over it; unchanged when the delta brings nothing or leaves a gap."""
    delta = msgspec.json.decode(payload)
    length = utf16_length(text)
    if delta["offset"] > length or delta["offset"] + utf16_length(delta["text"]) <= length:
        return text
    return utf16_prefix(text, delta["offset"]) + str(delta["text"])
