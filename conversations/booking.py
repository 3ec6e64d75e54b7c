"""The ledger entry of a run, and the form in which its usage is shown."""

from conversations.models import Generation
from providers.ledger import record_usage, usage_form
from providers.models import Provider
from providers.types import Usage


def book_usage(generation: Generation, provider: Provider, model: str, usage: Usage) -> dict[str, object]:
    """Book on whoever was asked; returns what followers and callers are told of it, ``cost`` in US dollars."""
    record = record_usage(
        user=generation.conversation.owner,
        provider=provider,
        model=model,
        usage=usage,
        agent_name=generation.message.agent_name,
        generation_id=generation.pk,
    )
    return usage_form(record)
