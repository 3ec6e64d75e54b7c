"""Followers end with exactly the stored text, whatever happens to the log on the way."""

import asyncio
import random
from contextlib import aclosing, suppress

from conversations.cancelling import cancel_and_wait
from conversations.events import START, Event, EventId, EventType
from conversations.flusher import Flusher
from conversations.follow import follow
from conversations.log import log_key
from conversations.models import Conversation, Generation, Message
from conversations.run import Run
from providers import engine, valkey
from tests.conversations.conftest import Reading, collect, read
from tests.conversations.sockets import open_socket

WORDS = [f"wörd{number} 😀 " for number in range(400)]
TEXT = "".join(WORDS)


class Writer:
    """Writes an answer through the real flusher, a few words a tick."""

    def __init__(self, generation: Generation, words: list[str] = WORDS) -> None:
        self.generation, self.words = generation, words
        self.run = Run(generation_id=generation.pk, message_id=generation.message_id, attempt=1, epoch=generation.epoch)

    async def write(self, pause: float = 0.005) -> None:
        flusher = Flusher()
        flusher.add(self.run)
        self.run.announce(EventType.GENERATION_START, {})
        self.run.announce(EventType.ATTEMPT_START, {"attempt": 1, "reason": ""})
        for word in self.words:
            self.run.append(EventType.TEXT_DELTA, word)
            flusher.wake()
            await asyncio.sleep(pause)
        await asyncio.to_thread(self.save, "completed")
        self.run.announce(EventType.GENERATION_END, {"status": "completed"})
        await flusher.drain(self.run, 5)
        flusher.close()

    def save(self, status: str = "running") -> None:
        from django.db import connection

        Message.objects.filter(pk=self.generation.message_id).update(content=self.run.text.join())
        Generation.objects.filter(pk=self.generation.pk).update(status=status)
        connection.close()


async def collect_with_cuts(generation: Generation, cuts: int) -> list[Event]:
    """Follow, hang up at random points, come back with the last id."""
    chance, last, seen = random.Random(7), START, list[Event]()
    for share in [*(chance.randint(1, 12) for _ in range(cuts)), 10**9]:
        patience = share
        async with aclosing(follow(generation.pk, last)) as events:
            async for event in events:
                seen.append(event)
                last = event.id
                patience -= 1
                if patience == 0 or event.type is EventType.GENERATION_END:
                    break
        if seen[-1].type is EventType.GENERATION_END:
            break
    return seen


async def both(writer: Writer, *followers: "asyncio.Future[list[Event]]") -> list[list[Event]]:
    writing = asyncio.ensure_future(writer.write())
    readings = await asyncio.wait_for(asyncio.gather(*followers), 60)
    await writing
    return list(readings)


def test_a_follower_sees_every_event_once_and_in_order(generation: Generation) -> None:
    async def scenario() -> list[list[Event]]:
        return await both(Writer(generation), *(asyncio.ensure_future(collect(generation.pk)) for _ in range(3)))

    for events in engine.run(scenario()):
        assert Reading(events).text == TEXT
        assert [event.id for event in events] == sorted({event.id for event in events})


def test_thirty_cuts_at_random_points_lose_and_double_nothing(generation: Generation) -> None:
    """R18."""

    async def scenario() -> list[list[Event]]:
        return await both(Writer(generation), asyncio.ensure_future(collect_with_cuts(generation, 30)))

    events = engine.run(scenario())[0]
    assert Reading(events).text == TEXT
    assert [event.id for event in events] == sorted({event.id for event in events})


def test_a_log_that_vanishes_in_the_middle_is_written_again(generation: Generation) -> None:
    """R6: the writer notices and starts the log anew; followers void their text and have it all again."""

    async def scenario() -> list[list[Event]]:
        async def destroy() -> list[Event]:
            await asyncio.sleep(0.8)
            await valkey.async_client().delete(log_key(generation.pk))
            return []

        followers = [asyncio.ensure_future(collect(generation.pk)), asyncio.ensure_future(destroy())]
        return await both(Writer(generation), *followers)

    events = engine.run(scenario())[0]
    assert Reading(events).text == TEXT
    assert [event.type for event in events].count(EventType.ATTEMPT_START) == 2
    assert read(generation).text == TEXT, "and so has a follower that comes later"


def test_a_finished_run_whose_log_is_gone_comes_from_the_database(generation: Generation) -> None:
    engine.run(Writer(generation).write(pause=0))
    valkey.client().delete(log_key(generation.pk))
    reading = read(generation)
    assert reading.text == TEXT
    assert [event.type for event in reading.events] == ["attempt-start", "text-delta", "generation-end"]
    assert read(generation, after=EventId(1000, 40)).text == TEXT


def test_a_log_that_lost_its_beginning_gets_it_from_the_database(generation: Generation) -> None:
    engine.run(Writer(generation).write())
    valkey.client().xtrim(log_key(generation.pk), maxlen=10, approximate=False)
    assert read(generation).text == TEXT
    events = engine.run(collect_with_cuts(generation, 8))
    assert Reading(events).text == TEXT


def test_who_has_the_end_already_gets_nothing_more(generation: Generation) -> None:
    engine.run(Writer(generation, WORDS[:5]).write())
    end = read(generation).events[-1].id
    assert engine.run(collect(generation.pk, end), timeout=10) == []


def test_an_id_from_the_future_replays_from_the_start(generation: Generation) -> None:
    """R19."""
    engine.run(Writer(generation, WORDS[:5]).write())
    assert read(generation, after=EventId(10**17, 4)).text == "".join(WORDS[:5])


def test_a_follower_leaves_no_subscription_behind(generation: Generation) -> None:
    """R25."""
    engine.run(Writer(generation, WORDS[:5]).write())
    read(generation)
    # Channels have no database number: on a shared server other tests have theirs.
    assert valkey.client().pubsub_channels(f"*{generation.pk.hex}*") == []


def test_a_page_that_closes_in_the_moment_an_answer_ends_leaves_no_follower_behind(generation: Generation) -> None:
    """R25: a cancellation that is swallowed is a follower that goes on for ever."""
    engine.run(Writer(generation, WORDS[:5]).write(pause=0))
    conversation = Conversation.objects.get(pk=generation.conversation_id)

    async def come_and_go() -> None:
        async with open_socket(conversation) as socket:
            await socket.follow("1000-4")
            await socket.next("generation-end")

    for _ in range(20):
        engine.run(come_and_go(), timeout=60)


def test_who_does_not_hear_a_cancellation_is_told_again_and_who_waits_is_not_mistaken_for_it() -> None:
    async def deaf_once() -> None:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    async def scenario() -> tuple[bool, bool]:
        deaf = asyncio.create_task(deaf_once())
        await asyncio.sleep(0)
        await asyncio.wait_for(cancel_and_wait(deaf), 10)
        waiting = asyncio.create_task(cancel_and_wait(asyncio.create_task(deaf_once())))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=5)
        return deaf.cancelled(), waiting.cancelled()

    assert engine.run(scenario(), timeout=30) == (True, True)
