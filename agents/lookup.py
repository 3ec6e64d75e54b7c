"""The agent that a page is about."""

from uuid import UUID

from django.shortcuts import get_object_or_404

from accounts.models import User
from agents.models import Agent


def find_agent(user: User, pk: UUID) -> Agent:
    """An agent that this person may edit; raises ``Http404``."""
    return get_object_or_404(Agent.objects.editable_by(user).select_related("provider", "owner"), pk=pk)
