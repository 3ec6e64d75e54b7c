"""What a conversation sets for itself: parameters instead of its agent's, and instructions added to the agent's."""

import copy
from collections.abc import Mapping
from typing import Final, TypedDict, cast

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from agents.models import Agent
from agents.validation import clean_settings
from conversations.models import Conversation

SETTINGS: Final = ("temperature", "top_p", "max_tokens", "reasoning_effort")
NAMES: Final = (*SETTINGS, "instructions")
INSTRUCTIONS_LENGTH: Final = 20_000


class Parameters(TypedDict, total=False):
    """What is set; whatever is absent is the agent's."""

    temperature: float
    top_p: float
    max_tokens: int
    reasoning_effort: str
    instructions: str


def read_parameters(conversation: Conversation) -> Parameters:
    """What the conversation has of its own."""
    stored = conversation.parameters if isinstance(conversation.parameters, dict) else {}
    return cast(Parameters, {name: stored[name] for name in NAMES if name in stored})


def clean_parameters(given: Mapping[str, object]) -> Parameters:
    """The values as they are stored, judged as an agent's are; ``None`` and empty texts are left out.

    Raises one ``ValidationError`` that names every wrong field.
    """
    if unknown := sorted(set(given) - set(NAMES)):
        raise ValidationError({name: [_("Unknown field.")] for name in unknown})
    values = {name: value for name, value in given.items() if value not in (None, "")}
    agent = Agent(system_prompt=str(values.get("instructions", "")).strip())
    for name in SETTINGS:
        if name in values:
            setattr(agent, name, values[name])
    _judge(agent)
    kept: dict[str, object] = {name: getattr(agent, name) for name in SETTINGS if name in values}
    return cast(Parameters, {**kept, **({"instructions": agent.system_prompt} if agent.system_prompt else {})})


def change_parameters(*, conversation: Conversation, changes: Mapping[str, object]) -> Conversation:
    """Set what is given, and give back to the agent what is ``None`` or empty. Raises ``ValidationError``."""
    merged = clean_parameters({**read_parameters(conversation), **changes})
    Conversation.objects.filter(pk=conversation.pk).update(parameters=merged)
    conversation.parameters = merged
    return conversation


def with_parameters(agent: Agent, parameters: Parameters) -> Agent:
    """The agent as this conversation wants it: a copy that is never saved."""
    tuned = copy.copy(agent)
    for name in SETTINGS:
        if name in parameters:
            setattr(tuned, name, parameters[name])
    tuned.system_prompt = "\n\n".join(filter(None, (agent.system_prompt, parameters.get("instructions", ""))))
    return tuned


def _judge(agent: Agent) -> None:
    if len(agent.system_prompt) > INSTRUCTIONS_LENGTH:
        raise ValidationError({"instructions": _("At most %d characters.") % INSTRUCTIONS_LENGTH})
    try:
        clean_settings(agent, {*SETTINGS, "system_prompt"})
    except ValidationError as error:
        errors = dict(error.message_dict)
        if "system_prompt" in errors:
            errors["instructions"] = errors.pop("system_prompt")
        raise ValidationError(errors) from None
