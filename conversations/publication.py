"""Hints to other processes. The rows are the truth: a hint that is lost is made up for by the reaper or a look."""

import logging
from uuid import UUID

from channels.layers import get_channel_layer

from providers import broker
from providers.outage import BRIEFLY, outage

logger = logging.getLogger(__name__)

RUN_TASK = "conversations.tasks.run_generation"
CHANGED = "conversation.changed"


def publish_run(generation_id: UUID) -> None:
    """Ask the workers to run a queued generation; the reaper publishes again what nobody claims."""
    broker.send_task(RUN_TASK, str(generation_id))


def conversation_group(conversation_id: UUID) -> str:
    """The channel-layer group of everyone who looks at a conversation."""
    return f"conversation.{conversation_id.hex}"


def user_group(user_id: UUID) -> str:
    """The channel-layer group of all sockets and streams of a person."""
    return f"user.{user_id.hex}"


def publish_change(conversation_id: UUID) -> None:
    """Tell the open pages of a conversation to look again."""
    publish_to_group(conversation_group(conversation_id), {"type": CHANGED})


def publish_to_group(group: str, message: dict[str, str]) -> None:
    """Send to a group from synchronous code, over the pooled connection (no event loop, no new socket)."""
    layer = get_channel_layer()
    channel, content = layer.group_channel(group), layer.serialize(message)
    if outage.guard(lambda client: client.publish(channel, content), None, pause=BRIEFLY) is None:
        logger.warning("Valkey did not take a notice for %s.", group.split(".", maxsplit=1)[0])
