"""What a socket does while the database is away: a stop is heard all the same, and nothing stays behind."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import pytest
from django.db import OperationalError

from conversations import consumers
from conversations.models import Conversation, Generation
from conversations.publication import publish_to_group, user_group
from conversations.run import Run
from conversations.services import request_stop
from providers import engine
from tests.conversations.sockets import Socket, open_socket
from tests.conversations.test_cost_law import send

Result = TypeVar("Result")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The runs whose stop was published beside the database."""
    found: list[UUID] = []
    monkeypatch.setattr(consumers, "publish_stop", found.append)
    monkeypatch.setattr(consumers, "STOP_PAUSE", 0.01)
    return found


def break_database(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """So many stops cannot be written."""
    failures = iter(range(times))

    def failing(*, generation: Generation) -> None:
        if next(failures, None) is not None:
            raise OperationalError("the database is away")
        request_stop(generation=generation)

    monkeypatch.setattr(consumers, "request_stop", failing)


async def on_socket(generation: Generation, act: Callable[[Socket], Awaitable[Result]]) -> Result:
    """Do something on a socket that follows the run; the consumer must end with it."""
    run = Run(generation_id=generation.pk, message_id=generation.message_id, attempt=1, epoch=generation.epoch)
    run.start({"attempt": 1, "reason": ""})
    await send(run)
    conversation = await asyncio.to_thread(Conversation.objects.get, pk=generation.conversation_id)
    async with open_socket(conversation) as socket:
        await socket.follow()
        await socket.next("attempt-start")
        return await act(socket)


def test_a_stop_survives_a_database_that_is_away_for_a_moment(
    generation: Generation, monkeypatch: pytest.MonkeyPatch, published: list[UUID]
) -> None:
    break_database(monkeypatch, 1)
    engine.run(on_socket(generation, Socket.stop), timeout=60)
    generation.refresh_from_db()
    assert generation.cancel_requested
    assert published == [generation.pk], "whoever runs it has heard at once"


def test_a_stop_that_cannot_be_written_is_published_and_ends_the_socket(
    generation: Generation, monkeypatch: pytest.MonkeyPatch, published: list[UUID]
) -> None:
    break_database(monkeypatch, 1000)

    async def stop(socket: Socket) -> int:
        await socket.stop()
        return await socket.closed()

    assert engine.run(on_socket(generation, stop), timeout=60) == consumers.CLOSE_FAILED
    assert set(published) == {generation.pk}


def test_a_revocation_that_cannot_be_looked_up_ends_the_socket(
    generation: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: object) -> bool:
        raise OperationalError("the database is away")

    monkeypatch.setattr(consumers, "is_still_signed_in", failing)
    owner = Conversation.objects.get(pk=generation.conversation_id).owner_id

    async def revoke(socket: Socket) -> int:
        await asyncio.to_thread(publish_to_group, user_group(owner), {"type": "user.revoked"})
        return await socket.closed()

    assert engine.run(on_socket(generation, revoke), timeout=60) == consumers.CLOSE_FAILED
