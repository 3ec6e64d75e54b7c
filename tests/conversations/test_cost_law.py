"""What an answer costs is in proportion to its length, however long it is, and reading it costs nothing afterwards."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import UUID

import pytest

from conversations.events import Event, EventId, EventType
from conversations.follow import follow
from conversations.log import append_commands
from conversations.models import Conversation, Generation, Message
from conversations.publication import publish_change
from conversations.run import LONG, Run
from providers import engine, valkey
from providers.practice.replies import Reply
from tests.conversations.sockets import Socket, open_socket

TOKENS_PER_EVENT = 3  # as at 60 tokens a second
BATCH = 40  # events until the readers have to have caught up: fewer than a slow reader may leave waiting


class Bytes:
    """What has gone over each connection."""

    def __init__(self) -> None:
        self.socket = self.blocks = self.stream = 0
        self.ends: list[int] = []
        self.last = EventId(0, 0)
        self.progress = asyncio.Event()

    async def read_socket(self, socket: Socket) -> None:
        event = ""
        while event != "generation-end":
            text = await socket.receive()
            frame = json.loads(text)
            event = frame["event"]
            self.socket += len(text.encode())
            if event == "block":
                self.blocks += len(text.encode())
                self.ends.append(frame["data"]["end"])
            elif "id" in frame:
                self.last = EventId.parse(frame["id"])
                self.progress.set()

    async def read_stream(self, generation: Generation) -> None:
        async with aclosing(follow(generation.pk)) as events:
            async for event in events:
                self.stream += len(event.sse())


async def stream(generation: Generation, tokens: int) -> Bytes:
    """Send an answer of so many tokens to a socket and a stream of events, at the pace at which they read."""
    counted = Bytes()
    run = Run(generation_id=generation.pk, message_id=generation.message_id, attempt=1, epoch=generation.epoch)
    run.start({"attempt": 1, "reason": ""})
    last = await send(run)
    async with open_socket(generation.conversation) as socket:
        await socket.follow()
        readers = [
            asyncio.create_task(counted.read_socket(socket)),
            asyncio.create_task(counted.read_stream(generation)),
        ]
        pieces = Reply("", limit=tokens).pieces()
        for start in range(0, len(pieces), TOKENS_PER_EVENT * BATCH):
            batch = pieces[start : start + TOKENS_PER_EVENT * BATCH]
            for first in range(0, len(batch), TOKENS_PER_EVENT):
                run.append(EventType.TEXT_DELTA, "".join(batch[first : first + TOKENS_PER_EVENT]))
                last = await send(run)
            await catch_up(counted, last)
        run.announce(EventType.GENERATION_END, {"status": "completed"})
        await send(run)
        await asyncio.wait_for(asyncio.gather(*readers), 60)
    assert run.text.length == len("".join(pieces))
    return counted


async def send(run: Run) -> EventId:
    """Flush the run; the id of its newest event."""
    events, run.outbox = list(run.fill_outbox()), []
    pipeline = valkey.async_client().pipeline(transaction=False)
    append_commands(pipeline, run.generation_id, events, creates=True, ttl=60)
    await pipeline.execute()
    return events[-1].id


async def catch_up(counted: Bytes, last: EventId) -> None:
    """The socket's reader has everything up to this event."""
    async with asyncio.timeout(60):
        while counted.last < last:
            counted.progress.clear()
            await counted.progress.wait()


@pytest.mark.parametrize("tokens", [10_000, 50_000])
def test_a_token_costs_the_same_bytes_whatever_the_length_of_the_answer(generation: Generation, tokens: int) -> None:
    """Within a tenth of what it costs in an answer of a thousand tokens, over the socket and as server-sent events."""

    def cost(count: int, epoch: int) -> Bytes:
        Generation.objects.filter(pk=generation.pk).update(epoch=epoch)
        row = Generation.objects.select_related("conversation__owner").get(pk=generation.pk)
        valkey.client().flushdb()
        counted = engine.run(stream(row, count), timeout=300)
        assert counted.ends == sorted(set(counted.ends)), "a block is sent once"
        return counted

    short, long = cost(1000, 2000), cost(tokens, 3000)
    for name in ("socket", "blocks", "stream"):
        ratio = getattr(long, name) / tokens / (getattr(short, name) / 1000)
        assert 0.9 < ratio < 1.1, f"{name}: {ratio:.3f}"


def test_a_long_text_is_saved_every_other_second_and_nothing_of_it_is_forgotten(generation: Generation) -> None:
    run = Run(generation_id=generation.pk, message_id=generation.message_id, attempt=1, epoch=generation.epoch)

    def saved() -> list[bool]:
        found = []
        for _ in range(4):
            run.append(EventType.TEXT_DELTA, "more")
            found.append(run.snapshot() is not None)
        return found

    assert saved() == [True, True, True, True]
    run.append(EventType.TEXT_DELTA, "x" * LONG)
    assert saved() == [False, True, False, True]
    run.append(EventType.TEXT_DELTA, "the end")
    offered = [run.snapshot() for _ in range(2)]
    assert [snapshot.text[-7:] for snapshot in offered if snapshot] == ["the end"]
    assert run.snapshot() is None


def test_a_page_that_stays_open_costs_nothing(generation: Generation, monkeypatch: pytest.MonkeyPatch) -> None:
    """What has ended is not read and rendered again, whatever happens in the conversation."""
    followed = []

    def counting(generation_id: UUID) -> AsyncGenerator[Event]:
        followed.append(generation_id)
        return follow(generation_id)

    monkeypatch.setattr("conversations.consumers.follow", counting)
    conversation = Conversation.objects.select_related("owner").get(pk=generation.conversation_id)
    Generation.objects.filter(pk=generation.pk).update(status="completed")
    Message.objects.filter(pk=generation.message_id).update(content="Whole.\n\nAnd at rest.\n")

    async def scenario() -> bool:
        async with open_socket(conversation) as socket:
            await socket.follow("1000-4")
            await socket.next("generation-end")
            await socket.next("block")
            await asyncio.to_thread(publish_change, conversation.pk)
            await socket.next("changed")
            return await socket.is_silent(1.0)

    assert engine.run(scenario(), timeout=60)
    assert followed == [generation.pk]
