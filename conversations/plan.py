"""What an attempt is going to ask of whom."""

import copy
from dataclasses import dataclass

from django.conf import settings

from agents.hops import Hop, read_hop
from agents.services import build_request
from conversations.claim import Claim
from conversations.events import EventType
from conversations.history import History, read_history, room_for_messages
from conversations.models import Folder, Generation
from providers.errors import ProviderNotFound
from providers.types import ChatMessage, ChatRequest

GO_ON = (
    "Your answer was cut off. Continue it exactly where it stops, in the middle of a word if need be. "
    "Repeat nothing of it, and say nothing about having been interrupted."
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The request of one attempt.

    ``dropped`` are the agent's parameters that the model does not take, ``instructions`` the length of the folder's.
    """

    hop: Hop
    request: ChatRequest
    dropped: tuple[str, ...]
    history: History
    instructions: int = 0

    def notices(self) -> list[tuple[EventType, object]]:
        """What the reader is told before the answer comes."""
        texts = [_dropped_notice(self)] if self.dropped else []
        if self.history.missing:
            texts.append(_left_out_notice(self.history))
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
    history = read_history(
        generation.message,
        room=room_for_messages(agent, hop),
        tail=continuation(generation.prefix),
        is_halved=generation.is_trimmed,
    )
    request, dropped = build_request(agent, history.messages, hop)
    return Plan(hop, request, dropped, history, instructions)


def plan_attempt(claim: Claim) -> Plan:
    """The plan for a claimed attempt, noted in its row. Raises as ``make_plan``."""
    rows = Generation.objects.select_related(
        "message__agent__provider", "message__agent__owner", "override_provider", "conversation__folder"
    )
    plan = make_plan(rows.get(pk=claim.generation_id))
    Generation.objects.owned({claim.generation_id: claim.attempt}).update(
        provider_name=plan.hop.provider.name, model=plan.hop.model
    )
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
    return f"{plan.request.model} does not take {names}; left out."


def _left_out_notice(history: History) -> str:
    count = history.missing
    what = "1 earlier message was" if count == 1 else f"{count} earlier messages were"
    is_full = history.left_out["by_context"]
    why = "the model's context holds no more" if is_full else f"only the last {settings.HISTORY_MESSAGES} are"
    return f"{what} not sent: {why}."
