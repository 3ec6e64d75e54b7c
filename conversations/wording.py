"""The words in events, for who follows a conversation on a page; the API has them as they were stored."""

import json

from django.utils.translation import get_language

from conversations.events import Event, EventType
from providers.sentences import in_readers_language

SENTENCES = ("text", "message", "hint")


def spoken_payload(event: Event) -> bytes:
    """The event's payload with its notice or error in the language that is active."""
    if event.type not in {EventType.NOTICE, EventType.GENERATION_END} or (get_language() or "en").startswith("en"):
        return event.payload
    payload = json.loads(event.payload)
    told = payload if event.type is EventType.NOTICE else payload.get("error") or {}
    told.update({name: in_readers_language(told[name]) for name in SENTENCES if told.get(name)})
    return json.dumps(payload, separators=(",", ":")).encode()
