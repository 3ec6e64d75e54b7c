"""The ledger entry of a run, and the form in which its usage is shown."""

from uuid import UUID

from conversations.models import Generation
from providers.ledger import record_usage, usage_form
from providers.types import ChatRequest, Usage


def book_usage(generation_id: UUID, request: ChatRequest, usage: Usage) -> dict[str, object]:
    """Write the entry and return what followers and callers are told of it; ``cost`` is in US dollars."""
    generation = Generation.objects.select_related("conversation__owner", "message__agent__provider").get(
        pk=generation_id
    )
    agent = generation.message.agent
    record = record_usage(
        user=generation.conversation.owner,
        provider=agent.provider if agent else None,
        model=request.model,
        usage=usage,
        agent_name=generation.message.agent_name,
        generation_id=generation.pk,
    )
    return usage_form(record)
