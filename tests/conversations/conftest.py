"""A person with an agent over the practice server, and ways to run and to follow."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import msgspec
import pytest

from accounts.models import User
from agents.models import Agent
from conversations.events import START, Event, EventId, EventType
from conversations.follow import follow
from conversations.models import Generation, Message
from conversations.services import Sent, send_message, start_conversation
from providers import engine
from providers.models import Provider
from providers.practice import running_practice
from tests.factories import make_agent, make_provider, make_user


@pytest.fixture(scope="session")
def practice_url() -> Iterator[str]:
    """A practice server in a thread, at its OpenAI-dialect base URL."""
    with running_practice() as url:
        yield f"{url}/v1"


@pytest.fixture
def person(transactional_db: None) -> User:
    return make_user(email="ada@example.org")


@pytest.fixture
def provider(person: User, practice_url: str) -> Provider:
    return make_provider(person, base_url=practice_url, kind="openai-compatible")


@pytest.fixture
def agent(person: User, provider: Provider) -> Agent:
    return make_agent(person, provider, model="practice-fast")


@pytest.fixture
def say(person: User, agent: Agent, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sent]:
    """Send a message in a new conversation; nothing runs until the test says so."""
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)

    def send(content: str, *, model: str = "") -> Sent:
        if model:
            Agent.objects.filter(pk=agent.pk).update(model=model)
            agent.refresh_from_db()
        conversation = start_conversation(user=person, agent=agent)
        return send_message(user=person, conversation=conversation, content=content)

    return send


@dataclass(frozen=True)
class Reading:
    """What a follower saw."""

    events: list[Event]

    @property
    def text(self) -> str:
        """The text-deltas of the last attempt, put together."""
        return self._joined(EventType.TEXT_DELTA)

    @property
    def reasoning(self) -> str:
        return self._joined(EventType.REASONING_DELTA)

    @property
    def end(self) -> dict[str, object]:
        assert self.events[-1].type is EventType.GENERATION_END
        return dict(msgspec.json.decode(self.events[-1].payload))

    def _joined(self, wanted: EventType) -> str:
        pieces: list[str] = []
        for event in self.events:
            if event.type is EventType.ATTEMPT_START:
                pieces = []
            elif event.type is wanted:
                data = msgspec.json.decode(event.payload)
                assert data["offset"] == len("".join(pieces).encode("utf-16-le")) // 2
                pieces.append(data["text"])
        return "".join(pieces)


async def collect(generation_id: UUID, after: EventId = START) -> list[Event]:
    return [event async for event in follow(generation_id, after)]


def read(generation: Generation, after: EventId = START) -> Reading:
    """Follow a generation to its end."""
    events = engine.run(collect(generation.pk, after), timeout=60)
    ids = [event.id for event in events]
    assert ids == sorted(set(ids)), "ids rise strictly"
    return Reading(events)


def stored(sent: Sent) -> Message:
    return Message.objects.get(pk=sent.reply.pk)
