"""Queues runs: the row and, on commit, its task. Called in the transaction that has locked the conversation."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from accounts.models import User
from agents.models import Agent
from conversations import publication
from conversations.admission import admit_run
from conversations.models import Conversation, Generation, Message
from conversations.titles import make_title
from providers.models import Provider


@dataclass(frozen=True, slots=True)
class Sent:
    """What a send made: the person's message, the answer to come, and the run that writes it."""

    message: Message
    reply: Message
    generation: Generation


class Override(NamedTuple):
    """A model that one answer is asked of instead of its agent's own; none without a ``model``."""

    provider: Provider | None = None
    model: str = ""

    def of(self, agent: Agent | None, user: User) -> Agent | None:
        """The agent over that model, or the model alone as ``user`` may ask it; never saved."""
        if not self.model:
            return agent
        if agent is None or agent.is_bare:
            return Agent.bare(user, self.provider, self.model)
        return agent.over(self.provider, self.model)


OWN_MODEL = Override()


def queue_reply(
    user: User, conversation: Conversation, message: Message, agent: Agent, *, override: Override = OWN_MODEL
) -> Sent:
    """An empty answer to ``message`` and the run that writes it; the branch with it is shown from now on.

    An agent stays with the conversation; a model that answers alone does so once, unless it was chosen before.
    """
    saved = None if agent.is_bare else agent
    if agent.is_bare:
        override = Override(agent.provider, agent.model)
    reply = Message.objects.create(
        conversation=conversation, parent=message, role=Message.Role.ASSISTANT, agent=saved, agent_name=agent.name
    )
    generation = queue_run(user, reply, override=override)
    stays = {"agent": saved, "provider": None, "model": ""} if saved else {}
    title = conversation.title or make_title(message.content) or _("Pictures")
    Conversation.objects.filter(pk=conversation.pk).update(head=reply, updated_at=Now(), title=title, **stays)
    return Sent(message, reply, generation)


def queue_run(
    user: User, reply: Message, *, prefix: str = "", reasoning_prefix: str = "", override: Override = OWN_MODEL
) -> Generation:
    """The run that writes ``reply``, from the prefixes on if there are any; raises ``TooManyRuns``."""
    admit_run(user)
    generation = Generation.objects.create(
        conversation_id=reply.conversation_id,
        message=reply,
        prefix=prefix,
        reasoning_prefix=reasoning_prefix,
        override_provider=override.provider,
        override_model=override.model,
        published_at=Now(),
        publications=1,
    )
    transaction.on_commit(partial(publication.publish_run, generation.pk), robust=True)
    transaction.on_commit(partial(publication.publish_change, reply.conversation_id), robust=True)
    return generation
