"""The ledger entry of a run, and the form in which its usage is shown."""

from conversations.models import Generation
from providers.ledger import record_usage
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
    return {
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "cache_read_tokens": record.cache_read_tokens,
        "cache_write_tokens": record.cache_write_tokens,
        "reasoning_tokens": record.reasoning_tokens,
        "cost": str(record.cost) if record.cost is not None else None,
        "certain": record.is_certain,
    }
