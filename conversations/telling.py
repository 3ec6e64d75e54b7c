"""Tells programs that a run is over: ids and figures, never a word of what was written."""

from conversations.models import Generation
from providers.errors import ErrorRecord
from providers.models import WebhookEvent
from providers.webhooks.outbox import announce

FAILURES = (Generation.Status.FAILED, Generation.Status.INTERRUPTED)


def announce_end(
    generation: Generation,
    status: str,
    finish_reason: str,
    usage: dict[str, object] | None,
    error: ErrorRecord | None,
) -> None:
    """Put out the event of a run that ends in this transaction; of temporary conversations nobody is told."""
    conversation, message = generation.conversation, generation.message
    if conversation.is_temporary:
        return
    event = WebhookEvent.GENERATION_FAILED if status in FAILURES else WebhookEvent.GENERATION_FINISHED
    facts: dict[str, object] = {
        "generation": str(generation.pk),
        "conversation": str(conversation.pk),
        "message": str(message.pk),
        "user": str(conversation.owner_id),
        "agent": str(message.agent_id) if message.agent_id else None,
        "provider": generation.provider_name,
        "model": generation.model,
        "status": str(status),
        "finish_reason": finish_reason or None,
        "usage": usage,
        "error": {"code": error["code"], "message": error["message"]} if error else None,
    }
    announce(event=event, person_id=conversation.owner_id, facts=facts)
