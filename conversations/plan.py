"""What an attempt is going to ask of whom."""

import copy
from dataclasses import dataclass, field

from django.conf import settings

from accounts.models import User
from agents.hops import Hop, read_hop
from agents.services import build_request
from conversations.claim import Claim
from conversations.events import EventType
from conversations.history import History, read_history, room_for_messages
from conversations.models import Folder, Generation
from conversations.parameters import Parameters, read_parameters, with_parameters
from providers import notices
from providers.budgets.gate import check_budget
from providers.errors import ProviderNotFound
from providers.fitting import takes_images
from providers.types import ChatMessage, ChatRequest

GO_ON = (
    "Your answer was cut off. Continue it exactly where it stops, in the middle of a word if need be. "
    "Repeat nothing of it, and say nothing about having been interrupted."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The request of one attempt, and on whom it is booked.

    ``dropped`` are the agent's parameters that the model does not take, ``instructions`` the length of the folder's,
    ``parameters`` what the conversation has of its own.
    """

    owner: User
    agent_name: str
    hop: Hop
    request: ChatRequest
    dropped: tuple[str, ...]
    history: History
    instructions: int = 0
    parameters: Parameters = field(default_factory=Parameters)

    def notices(self) -> list[tuple[EventType, object]]:
        """What the reader is told before the answer comes."""
        texts = [_dropped_notice(self)] if self.dropped else []
        if self.history.missing:
            texts.append(_left_out_notice(self.history))
        if self.history.pictures.left_out:
            texts.append(_pictures_notice(self))
        return [(EventType.NOTICE, {"text": text}) for text in texts]


def make_plan(generation: Generation) -> Plan:
    """The request of the run's present hop, from what the database says now.

    Raises ``ProviderNotFound`` or ``ProviderInactive``.
    """
    agent = generation.asked_agent
    if agent is None:
        raise ProviderNotFound
    hop = read_hop(agent, generation.hop)
    agent = copy.copy(agent)  # never saved: what the folder adds is this run's alone
    agent.system_prompt, instructions = with_folder(agent.system_prompt, generation.conversation.folder)
    parameters = read_parameters(generation.conversation)
    agent = with_parameters(agent, parameters)
    history = read_history(
        generation.message,
        room=room_for_messages(agent, hop),
        tail=continuation(generation.prefix),
        is_halved=generation.is_trimmed,
        takes_pictures=takes_images(hop.provider, hop.model),
    )
    request, dropped = build_request(agent, history.messages, hop)
    owner, agent_name = generation.conversation.owner, generation.message.agent_name
    return Plan(owner, agent_name, hop, request, dropped, history, instructions, parameters)


def plan_attempt(claim: Claim) -> Plan:
    """The plan for a claimed attempt, noted in its row. Raises as ``make_plan``, and ``BudgetExceeded``."""
    rows = Generation.objects.select_related(
        "message__agent__provider",
        "message__agent__owner",
        "override_provider",
        "conversation__folder",
        "conversation__owner",
    )
    generation = rows.get(pk=claim.generation_id)
    plan = make_plan(generation)
    Generation.objects.owned({claim.generation_id: claim.attempt}).update(
        provider_name=plan.hop.provider.name, model=plan.hop.model
    )
    check_budget(generation.conversation.owner, plan.hop.provider)
    return plan


def with_folder(system_prompt: str, folder: Folder | None) -> tuple[str, int]:
    """The system prompt with the instructions of the conversation's folder, and how many characters those have."""
    added = folder.instructions if folder is not None else ""
    return "\n\n".join(part for part in (system_prompt, added) if part), len(added)


def continuation(prefix: str) -> tuple[ChatMessage, ...]:
    """The messages that ask the model to go on from ``prefix``: current models refuse a prefilled answer."""
    if not prefix:
        return ()
    return ChatMessage("assistant", prefix), ChatMessage("user", GO_ON)


def _dropped_notice(plan: Plan) -> str:
    names = ", ".join(name.replace("_", " ") for name in plan.dropped)
    return notices.DROPPED.format(model=plan.request.model, names=names)


def _left_out_notice(history: History) -> str:
    count = history.missing
    told = notices.MESSAGES_LEFT_OUT[count == 1, bool(history.left_out["by_context"])]
    return told.format(count=count, limit=settings.HISTORY_MESSAGES)


def _pictures_notice(plan: Plan) -> str:
    sent, count = plan.history.pictures
    told = notices.PICTURES_LEFT_OUT[count == 1, bool(sent)]
    return told.format(count=count, sent=sent, model=plan.request.model)
