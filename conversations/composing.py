"""What the pages around the composer show."""

from dataclasses import dataclass, field
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.models import Agent
from conversations.admission import NothingToContinue, RunActive, TooManyRuns
from conversations.forms import new_key, offered_models, ready_agents
from conversations.idempotency import KeyReused
from conversations.models import Attachment, Conversation, Folder
from conversations.parameter_forms import ParametersForm
from conversations.picking import find_row
from conversations.pictures import PictureRefused
from providers.errors import ProviderError
from providers.models import Provider, ProviderModel
from providers.sentences import in_readers_language

Refusal = (ValidationError, ProviderError, RunActive, TooManyRuns, NothingToContinue, KeyReused, PictureRefused)
STARTERS: Final = (
    _("Explain how sourdough works, step by step"),
    _("Draft a polite e-mail that moves a meeting to Thursday"),
    _("Write a Python function that finds duplicate files"),
)


@dataclass(frozen=True, slots=True)
class Composer:
    """The state of one rendered composer. ``agent`` answers; it may stand for a model alone, whose row is ``row``."""

    agents: list[Agent]
    agent: Agent | None
    row: ProviderModel | None = None
    form: ParametersForm | None = None
    text: str = ""
    errors: list[str] = field(default_factory=list)
    key: str = field(default_factory=new_key)
    is_running: bool = False
    limit: int = settings.MAX_MESSAGE_LENGTH
    folder: Folder | None = None
    is_temporary: bool = False
    pictures: list[Attachment] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Who answers, in words."""
        return str(self.row) if self.row else self.agent.name if self.agent else ""

    @property
    def starters(self) -> list[str]:
        """Three prompts that work at once."""
        own = self.agent.starters if self.agent else []
        return [str(starter) for starter in own[:3]] or [str(starter) for starter in STARTERS]


def make_composer(
    user: User,
    *,
    wanted: str = "",
    wanted_model: str = "",
    conversation: Conversation | None = None,
    text: str = "",
    errors: list[str] | None = None,
    is_running: bool = False,
    folder: Folder | None = None,
    is_temporary: bool = False,
    pictures: list[Attachment] | None = None,
    parameters: ParametersForm | None = None,
) -> Composer:
    """The composer for a conversation or a new one; ``wanted`` and ``wanted_model`` are ids of who was asked for.

    ``folder``, ``is_temporary`` and ``parameters`` are of the conversation that is about to begin. In one that goes on,
    what was written or attached before and not sent is there again.
    """
    if conversation and pictures is None:
        pictures = list(Attachment.objects.all().unsent().filter(conversation=conversation))
    agents = list(ready_agents(user))
    preferred = None if conversation else next((one for one in agents if one.pk == user.default_agent), None)
    agent = (
        _named(user, agents, wanted, wanted_model)
        or preferred
        or _able(user, agents, conversation or _last_used(user))
        or next(iter(agents), None)
        or _first_model(user)
    )
    return Composer(
        agents,
        agent,
        row=find_row(agent) if agent is not None and agent.is_bare else None,
        form=parameters or ParametersForm(answerer=agent, conversation=conversation),
        text=text or (conversation.draft if conversation else ""),
        errors=errors or [],
        is_running=is_running,
        folder=folder,
        is_temporary=is_temporary,
        pictures=pictures or [],
    )


def _named(user: User, agents: list[Agent], agent: str, model: str) -> Agent | None:
    """Who was asked for by an id; an agent goes before a model."""
    if agent:
        return next((one for one in agents if str(one.pk) == agent), None)
    if not (model.isascii() and model.isdigit() and len(model) < 19):
        return None
    row = offered_models(user).filter(pk=int(model)).first()
    return Agent.bare(user, row.provider, row.model_id) if row else None


def _able(user: User, agents: list[Agent], conversation: Conversation | None) -> Agent | None:
    """Who answers in this conversation, if that can be asked now."""
    answerer = conversation.answerer if conversation else None
    if answerer is None or not answerer.is_bare:
        return next((one for one in agents if answerer and one.pk == answerer.pk), None)
    can_be_asked = Provider.objects.visible_to(user).active().filter(pk=answerer.provider_id).exists()
    return answerer if can_be_asked else None


def _last_used(user: User) -> Conversation | None:
    """Whom the person talked to last: probably also the one for the next conversation."""
    rows = Conversation.objects.visible_to(user).exclude(agent=None, model="").order_by("-updated_at")
    return rows.select_related("agent", "provider", "owner").first()


def _first_model(user: User) -> Agent | None:
    """Without any agent, a model that can be asked: the default provider's first."""
    row = offered_models(user).order_by("-provider__is_default", "provider__is_practice", "position").first()
    return Agent.bare(user, row.provider, row.model_id) if row else None


def sentences(refusal: BaseException) -> list[str]:
    """What a refused send says to the person."""
    if isinstance(refusal, ValidationError):
        return refusal.messages
    if isinstance(refusal, ProviderError):
        return [in_readers_language(f"{refusal.message} {refusal.hint}")]
    return [str(refusal)]
