"""What the pages around the composer show."""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.models import Agent
from conversations.admission import NothingToContinue, RunActive, TooManyRuns
from conversations.forms import new_key, ready_agents
from conversations.idempotency import KeyReused
from conversations.models import Conversation, Folder
from providers.errors import ProviderError

Refusal = (ValidationError, ProviderError, RunActive, TooManyRuns, NothingToContinue, KeyReused)
STARTERS: Final = (
    _("Explain how sourdough works, step by step"),
    _("Draft a polite e-mail that moves a meeting to Thursday"),
    _("Write a Python function that finds duplicate files"),
)


@dataclass(frozen=True, slots=True)
class Composer:
    """The state of one rendered composer."""

    agents: list[Agent]
    agent: Agent | None
    text: str = ""
    errors: list[str] = field(default_factory=list)
    key: str = field(default_factory=new_key)
    is_running: bool = False
    limit: int = settings.MAX_MESSAGE_LENGTH
    folder: Folder | None = None
    is_temporary: bool = False

    @property
    def starters(self) -> list[str]:
        """Three prompts that work at once."""
        own = self.agent.starters if self.agent else []
        return [str(starter) for starter in own[:3]] or [str(starter) for starter in STARTERS]


def make_composer(
    user: User,
    *,
    wanted: str = "",
    conversation: Conversation | None = None,
    text: str = "",
    errors: list[str] | None = None,
    is_running: bool = False,
    folder: Folder | None = None,
    is_temporary: bool = False,
) -> Composer:
    """The composer for a conversation or a new one; ``wanted`` is the id of an agent that was asked for.

    ``folder`` and ``is_temporary`` are of the conversation that is about to begin. In one that goes on, what was
    written before and not sent is there again.
    """
    agents = list(ready_agents(user))
    by_id = {str(agent.pk): agent for agent in agents}
    current = conversation.agent_id if conversation else _last_used(user)
    agent = by_id.get(wanted) or by_id.get(str(current))
    return Composer(
        agents,
        agent or next(iter(agents), None),
        text or (conversation.draft if conversation else ""),
        errors or [],
        is_running=is_running,
        folder=folder,
        is_temporary=is_temporary,
    )


def _last_used(user: User) -> UUID | None:
    """Whom the person talked to last: probably also the one for the next conversation."""
    rows = Conversation.objects.visible_to(user).exclude(agent=None).order_by("-updated_at")
    return rows.values_list("agent", flat=True).first()


def sentences(refusal: BaseException) -> list[str]:
    """What a refused send says to the person."""
    if isinstance(refusal, ValidationError):
        return refusal.messages
    if isinstance(refusal, ProviderError):
        return [f"{refusal.message} {refusal.hint}"]
    return [str(refusal)]
