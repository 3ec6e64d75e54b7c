"""What the fields of an agent may hold: one place for forms, the API and commands."""

import math
import unicodedata
from collections.abc import Collection, Iterable
from typing import Final, TypedDict
from uuid import UUID

from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.models import User
from agents.marks import COLOURS, ICONS
from agents.models import Agent
from providers import requests
from providers.errors import SchemaRefused
from providers.models import Provider
from providers.schemas import check_schema
from providers.validation import clean_line

STARTERS: Final = 12
STARTER_LENGTH: Final = 500
FALLBACKS: Final = 5
PROMPT_LENGTH: Final = 100_000
EFFORTS: Final = ("", *requests.EFFORTS)
LINES: Final = {"name": 100, "description": 300, "model": 200, "note": 200}
NOT_TEXT: Final = {"Cc", "Cs"}  # Unicode categories: controls (but for line ends and tabs), lone surrogates


class Fallback(TypedDict):
    """Who is asked next when the agent's own provider fails."""

    provider: str
    model: str


def clean_agent(agent: Agent, *, kept_provider_id: object = None) -> None:
    """Bring the fields into the form that is stored; raises one ``ValidationError`` that names every wrong field.

    ``kept_provider_id`` is a provider that the agent has already: it may stay even if its owner can no longer see it.
    """
    errors = _find_errors(agent, CHECKS)
    if (
        agent.provider is not None
        and agent.provider_id != kept_provider_id
        and not sees_provider(agent.owner, agent.provider)
    ):
        errors["provider"] = [_("There is no such provider.")]
    if not errors.get("name") and _name_taken(agent):
        errors["name"] = [_("There is an agent with this name already.")]
    if errors:
        raise ValidationError(errors)
    agent.clean_fields(exclude=["slug", "starters", "fallbacks", "groups", "response_schema"])


def clean_settings(agent: Agent, names: Collection[str]) -> None:
    """As ``clean_agent``, but only these fields, of an agent that need not be complete."""
    if errors := _find_errors(agent, [name for name in CHECKS if name in names]):
        raise ValidationError(errors)
    agent.clean_fields(exclude=[field.name for field in Agent._meta.fields if field.name not in names])


def _find_errors(agent: Agent, names: Iterable[str]) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for name in names:
        try:
            CHECKS[name](agent)
        except ValidationError as error:
            errors[name] = error.messages
    return errors


def _clean_name(agent: Agent) -> None:
    agent.name = clean_line(agent.name, LINES["name"])
    if not agent.name:
        raise ValidationError(_("An agent needs a name."))


def _clean_description(agent: Agent) -> None:
    agent.description = clean_line(agent.description, LINES["description"])


def _clean_model(agent: Agent) -> None:
    agent.model = clean_line(agent.model, LINES["model"])


def _clean_system_prompt(agent: Agent) -> None:
    agent.system_prompt = clean_text(agent.system_prompt)
    if len(agent.system_prompt) > PROMPT_LENGTH:
        raise ValidationError(_("At most %d characters.") % PROMPT_LENGTH)


def _clean_temperature(agent: Agent) -> None:
    _require_finite(agent.temperature)


def _clean_top_p(agent: Agent) -> None:
    _require_finite(agent.top_p)


def _clean_effort(agent: Agent) -> None:
    if agent.reasoning_effort not in EFFORTS:
        raise ValidationError(_("Choose one of: %s.") % ", ".join(EFFORTS[1:]))


def _clean_icon(agent: Agent) -> None:
    if agent.icon not in ICONS:
        raise ValidationError(_("Choose one of: %s.") % ", ".join(filter(None, ICONS)))


def _clean_colour(agent: Agent) -> None:
    if agent.colour not in COLOURS:
        raise ValidationError(_("Choose one of: %s.") % ", ".join(filter(None, COLOURS)))


def _clean_response_schema(agent: Agent) -> None:
    if agent.response_schema is None:
        return
    if not isinstance(agent.response_schema, dict):
        raise ValidationError(_("A response schema is a JSON object."))
    try:
        check_schema(agent.response_schema)
    except SchemaRefused as error:
        raise ValidationError(error.detail) from None
    agent.response_schema = agent.response_schema or None


def _clean_starters(agent: Agent) -> None:
    if not all(isinstance(starter, str) for starter in agent.starters):
        raise ValidationError(_("A starter is a text."))
    agent.starters = [text for starter in agent.starters if (text := clean_text(starter).strip())]
    if len(agent.starters) > STARTERS or any(len(starter) > STARTER_LENGTH for starter in agent.starters):
        raise ValidationError(
            _("At most %(count)d starters of %(length)d characters.") % {"count": STARTERS, "length": STARTER_LENGTH}
        )


def _clean_fallbacks(agent: Agent) -> None:
    if len(agent.fallbacks) > FALLBACKS:
        raise ValidationError(_("At most %d fallbacks.") % FALLBACKS)
    agent.fallbacks = [_clean_fallback(agent.owner, fallback) for fallback in agent.fallbacks]


CHECKS: Final = {
    "name": _clean_name,
    "description": _clean_description,
    "model": _clean_model,
    "system_prompt": _clean_system_prompt,
    "temperature": _clean_temperature,
    "top_p": _clean_top_p,
    "reasoning_effort": _clean_effort,
    "icon": _clean_icon,
    "colour": _clean_colour,
    "response_schema": _clean_response_schema,
    "starters": _clean_starters,
    "fallbacks": _clean_fallbacks,
}


def _clean_fallback(owner: User | None, fallback: object) -> Fallback:
    if not isinstance(fallback, dict) or set(fallback) != {"provider", "model"}:
        raise ValidationError(_("A fallback names a provider and a model."))
    try:
        provider = Provider.objects.filter(pk=UUID(str(fallback["provider"]))).first()
    except ValueError:
        provider = None
    if provider is None or not sees_provider(owner, provider):
        raise ValidationError(_("There is no such provider."))
    model = clean_line(str(fallback["model"]), LINES["model"])
    if not model:
        raise ValidationError(_("A fallback needs a model."))
    return Fallback(provider=str(provider.pk), model=model)


def check_groups(agent: Agent, groups: Collection[Group], *, kept: Collection[Group] = ()) -> None:
    """Raise ``ValidationError`` unless the owner may open the agent to these groups, and they are as many as needed.

    ``kept`` are those that the agent is open to already. An agent without an owner may be open to any group.
    """
    if agent.owner is not None:
        strange = {group.pk for group in groups} - {group.pk for group in kept}
        if strange - set(agent.owner.groups.values_list("pk", flat=True)):
            raise ValidationError({"groups": [_("Choose among your own groups.")]})
    if agent.visibility == Agent.Visibility.GROUPS and not groups:
        raise ValidationError({"groups": [_("Choose at least one group.")]})


def clean_note(note: str) -> str:
    """What somebody says about a version; raises ``ValidationError``."""
    try:
        return clean_line(note, LINES["note"])
    except ValidationError as error:
        raise ValidationError({"note": error.messages}) from None


def clean_text(text: str) -> str:
    """The text with line ends as everywhere but in forms, so that a save in a browser changes nothing else."""
    if any(unicodedata.category(character) in NOT_TEXT and character not in "\n\r\t" for character in text):
        raise ValidationError(_("Control characters are not allowed."))
    return text.replace("\r\n", "\n")


def _require_finite(value: float | None) -> None:
    if value is not None and not math.isfinite(value):
        raise ValidationError(_("Enter a number."))


def sees_provider(owner: User | None, provider: Provider) -> bool:
    """Whether an agent of this owner may use the provider; one that belongs to nobody may use shared ones only."""
    if owner is None:
        return provider.is_shared
    return bool(Provider.objects.visible_to(owner).filter(pk=provider.pk).exists())


def _name_taken(agent: Agent) -> bool:
    same = Agent.objects.filter(owner=agent.owner, name=agent.name)
    return same.exclude(pk=agent.pk).exists()
