"""Tells the process that runs a generation to stop it. A lost message is made up for by the next checkpoint."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from redis.exceptions import RedisError

from providers import valkey
from providers.outage import BRIEFLY, outage

logger = logging.getLogger(__name__)

PAUSE = 1.0  # seconds between two attempts to listen


def channel_name() -> str:
    """Where stops are published."""
    return valkey.key("stop")


def publish_stop(generation_id: UUID) -> None:
    """Reach the running process at once, if Valkey is there."""
    outage.guard(lambda client: client.publish(channel_name(), generation_id.hex), None, pause=BRIEFLY)


async def listen_for_stops(stop: Callable[[UUID], None]) -> None:
    """Call ``stop`` with every id that is published, for ever."""
    while True:
        with suppress(RedisError, OSError, TimeoutError):
            async with valkey.async_client().pubsub() as pubsub:
                await pubsub.subscribe(channel_name())
                while True:
                    message = await pubsub.get_message(ignore_subscribe_messages=True, timeout=1)
                    if message is not None:
                        with suppress(ValueError):
                            stop(UUID(bytes(message["data"]).decode()))
        await asyncio.sleep(PAUSE)
