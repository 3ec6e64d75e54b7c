"""The models that a caller may ask, in a form that clients of both dialects read."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from accounts.models import User
from agents.gateway.failures import no_model
from agents.gateway.targets import AGENT, find_target
from agents.models import Agent
from providers.discovery import list_user_models

OWNER_OF_AGENTS: Final = "wiz"
Fields = dict[str, object]


def list_models(user: User) -> Fields:
    """Agents, then the models of the providers that the person may use. Reads the database."""
    models = list(_models(user))
    ends = {"first_id": models[0]["id"], "last_id": models[-1]["id"]} if models else {"first_id": None, "last_id": None}
    return {"object": "list", "data": models, "has_more": False, **ends}


def retrieve_model(user: User, name: str) -> Fields:
    """One of them; a model that is not listed exists if the caller may ask it and it is in the catalogue.

    Raises ``Refused``.
    """
    target = find_target(user, name)
    place = target.places[0]
    if target.agent is not None:
        return _form(name, target.agent.name, target.agent.created_at, OWNER_OF_AGENTS)
    if place.row is None:
        raise no_model(name)
    return _form(name, str(place.row), place.provider.created_at, place.provider.slug)


def example_model(name: str) -> Fields:
    """One that nobody has, for the documentation."""
    return _form(name, "Guide", datetime(2025, 12, 24, tzinfo=UTC), OWNER_OF_AGENTS)


def _models(user: User) -> Iterator[Fields]:
    for agent in Agent.objects.visible_to(user).usable().filter(provider__is_active=True).exclude(model=""):
        yield _form(f"{AGENT}/{agent.slug}", agent.name, agent.created_at, OWNER_OF_AGENTS)
    for row in list_user_models(user):
        provider = row.provider
        yield _form(f"{provider.slug}/{row.model_id}", str(row), provider.created_at, provider.slug)


def _form(name: str, label: str, created: datetime, owner: str) -> Fields:
    return {
        "id": name,
        "object": "model",
        "created": int(created.timestamp()),
        "owned_by": owner,
        "type": "model",
        "display_name": label,
        "created_at": created.isoformat(),
    }
