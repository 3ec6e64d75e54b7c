"""The ledger entry of a run, and the form in which its usage is shown."""

from uuid import UUID

from conversations.models import Generation
from providers.ledger import record_usage
from providers.types import ChatRequest, Usage


def book_usage(generation_id: UUID, request: ChatRequest, usage: Usage) -> dict[str, object]:
    """Write the entry and return what followers and callers are told of it; ``cost`` is in US dollars."""
    rows = Generation.objects.select_related("conversation__owner", "message__agent__provider", "override_provider")
    generation = rows.get(pk=generation_id)
    agent = generation.message.agent
    own = agent.provider if agent else None
    record = record_usage(
        user=generation.conversation.owner,
        provider=generation.override_provider if generation.override_model else own,
        model=request.model,
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
