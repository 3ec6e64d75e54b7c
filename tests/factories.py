"""Small ready-made rows, built by the services that production uses."""

import io
from collections.abc import Mapping, Sequence
from typing import TypedDict, Unpack

from django.contrib.auth.models import Group
from PIL import Image

from accounts.models import User
from agents import services as agent_services
from agents.models import Agent
from conversations.models import Conversation, Message
from providers import services as provider_services
from providers.models import Provider

PASSWORD = "correct horse battery staple"


class ProviderFields(TypedDict, total=False):
    """What ``make_provider`` can be told."""

    name: str
    kind: str
    base_url: str
    api_key: str
    is_shared: bool
    is_active: bool
    is_default: bool
    organization: str
    project: str
    headers: Mapping[str, str]
    key_weight: int
    max_concurrency: int | None
    connect_timeout: int | None
    first_event_timeout: int | None
    idle_timeout: int | None
    total_timeout: int | None


class AgentFields(TypedDict, total=False):
    """What ``make_agent`` can be told."""

    name: str
    model: str
    system_prompt: str
    temperature: float | None
    max_tokens: int | None
    top_p: float | None
    description: str
    visibility: str
    starters: Sequence[str]
    fallbacks: Sequence[agent_services.Fallback]
    reasoning_effort: str
    response_schema: Mapping[str, object] | None
    icon: str
    colour: str
    groups: Sequence[Group]
    is_active: bool


def make_user(email: str = "owner@example.org", **fields: object) -> User:
    """A person with the password ``PASSWORD``."""
    return User.objects.create_user(email, PASSWORD, **fields)


def make_staff(email: str = "staff@example.org") -> User:
    """An administrator."""
    return User.objects.create_superuser(email, PASSWORD)


def make_provider(owner: User | None = None, **fields: Unpack[ProviderFields]) -> Provider:
    """A provider at an address where nothing listens, unless told otherwise; shared when it has no owner."""
    given = ProviderFields(
        name=f"Provider {Provider.objects.count() + 1}",
        kind="openai-compatible",
        base_url="http://127.0.0.1:9/v1",
        is_shared=owner is None,
    )
    given.update(fields)
    return provider_services.create_provider(owner=owner, **given)


def make_agent(owner: User | None, provider: Provider | None, **fields: Unpack[AgentFields]) -> Agent:
    """An agent with the model ``practice``; without an owner it is open to everyone."""
    given = AgentFields(name=f"Agent {Agent.objects.count() + 1}", model="practice")
    if owner is None:
        given["visibility"] = Agent.Visibility.EVERYONE
    given.update(fields)
    return agent_services.create_agent(owner=owner, provider=provider, **given)


def png(size: tuple[int, int] = (40, 30), color: str = "teal") -> bytes:
    """A picture of one colour."""
    target = io.BytesIO()
    Image.new("RGB", size, color).save(target, "PNG")
    return target.getvalue()


def make_answer(conversation: Conversation, content: str = "", *, parent: Message | None = None) -> Message:
    """An answer without a run, below a question of its own, both below ``parent``."""
    question = Message.objects.create(conversation=conversation, parent=parent, role="user", content="Well?")
    return Message.objects.create(conversation=conversation, parent=question, role="assistant", content=content)
