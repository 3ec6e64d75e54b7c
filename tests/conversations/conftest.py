"""A person with an agent over the practice server, and ways to run and to follow."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx2
import msgspec
import pytest
from django.utils import timezone

from accounts.models import User
from agents.models import Agent
from conversations.claim import claim_generation
from conversations.events import START, Event, EventId, EventType
from conversations.execution import execute_generation
from conversations.follow import follow
from conversations.models import Conversation, Generation, Message
from conversations.queueing import Sent
from conversations.run import Run
from conversations.runner import begin_run, finish_run
from conversations.services import send_message, start_conversation
from providers import engine
from providers.models import Provider
from providers.practice import running_practice
from tests.factories import make_agent, make_answer, make_provider, make_user

LONG_AGO = timedelta(minutes=5)


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


@pytest.fixture
def generation(transactional_db: None) -> Iterator[Generation]:
    """A running run without a worker: the test writes its events."""
    conversation = Conversation.objects.create(owner=make_user(email="eve@example.org"))
    message = make_answer(conversation)
    yield Generation.objects.create(
        conversation=conversation, message=message, status="running", attempt=1, epoch=1000, heartbeat_at=timezone.now()
    )
    Generation.objects.update(status="failed")


class Calls:
    """What the practice server was asked since the test began."""

    def __init__(self, practice_url: str) -> None:
        self._url = practice_url.removesuffix("/v1") + "/log"
        httpx2.delete(self._url, trust_env=False)

    def all(self) -> list[dict[str, object]]:
        """The requests for answers, oldest first."""
        entries = httpx2.get(self._url, trust_env=False).json()
        return [entry for entry in entries if entry["method"] == "POST"]

    @property
    def models(self) -> list[str]:
        """Which model each of them asked for."""
        return [entry["body"]["model"] for entry in self.all()]  # type: ignore[index]

    def bodies(self) -> list[dict[str, list[dict[str, str]]]]:
        """What each of them sent."""
        return [entry["body"] for entry in self.all()]  # type: ignore[misc]


@pytest.fixture
def calls(practice_url: str) -> Calls:
    return Calls(practice_url)


def run_to_end(generation: Generation) -> Generation:
    """Run attempt after attempt without waiting for the delays between them."""
    for _ in range(20):
        Generation.objects.filter(pk=generation.pk).update(next_attempt_at=None)
        settlement = execute_generation(generation.pk)
        if settlement is None or settlement.is_final:
            break
    return Generation.objects.get(pk=generation.pk)


def die(generation: Generation, *words: str) -> None:
    """Claim and write as a worker does, checkpoint the first word only, and never come back."""
    claim = claim_generation(generation.pk)
    assert claim is not None
    run = Run(
        generation_id=claim.generation_id, message_id=claim.message_id, attempt=claim.attempt, epoch=claim.epoch,
        prefix=claim.prefix, reasoning_prefix=claim.reasoning_prefix,
    )  # fmt: skip

    async def write() -> None:
        await begin_run(run, claim.reason)
        for word in words:
            run.append(EventType.TEXT_DELTA, word)
        await finish_run(run, ended=False)

    engine.run(write())
    Message.objects.filter(pk=claim.message_id).update(content=claim.prefix + "".join(words[:1]))
    Generation.objects.filter(pk=generation.pk).update(heartbeat_at=timezone.now() - LONG_AGO)


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
    def notices(self) -> list[str]:
        return [msgspec.json.decode(event.payload)["text"] for event in self.events if event.type is EventType.NOTICE]

    @property
    def reasons(self) -> list[str]:
        """Why there was each attempt."""
        starts = [event.payload for event in self.events if event.type is EventType.ATTEMPT_START]
        return [msgspec.json.decode(payload)["reason"] for payload in starts]

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
