"""The ledger entry of a run, and the form in which its usage is shown."""

from uuid import UUID

from django.db.models import Q

from conversations.plan import Plan
from providers.ledger import record_usage, usage_form
from providers.models import UsageRecord
from providers.types import Usage


def book_usage(generation_id: UUID, plan: Plan, usage: Usage) -> dict[str, object]:
    """Book on whoever was asked; returns what followers and callers are told of it, ``cost`` in US dollars."""
    record = record_usage(
        user=plan.owner,
        provider=plan.hop.provider,
        model=plan.hop.model,
        usage=usage,
        agent_name=plan.agent_name,
        generation_id=generation_id,
    )
    return usage_form(record)


def is_booked(generation_id: UUID, plan: Plan) -> bool:
    """Whether a run has its entry; that of a person who is gone is nobody's."""
    theirs = UsageRecord.objects.filter(Q(user=plan.owner) | Q(user=None))
    return theirs.filter(generation_id=generation_id).exists()
