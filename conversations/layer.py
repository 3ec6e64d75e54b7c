"""The channel layer: Valkey's pub/sub with bounded queues."""

import asyncio
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisPubSubLoopLayer
from channels_redis.utils import _wrap_close

QUEUE_LIMIT = 256
"""Frames that may wait for one reader before it counts as lagging."""


class BoundedQueue(asyncio.Queue[bytes]):
    """Drops what comes when full and remembers that it did; the reader catches up from the log."""

    def __init__(self) -> None:
        super().__init__(QUEUE_LIMIT)
        self.is_lagging = False

    def put_nowait(self, item: bytes) -> None:
        """Keep the item if there is room."""
        if self.full():
            self.is_lagging = True
        else:
            super().put_nowait(item)


class BoundedLoopLayer(RedisPubSubLoopLayer):  # type: ignore[misc]
    """The layer of one event loop, with a bounded queue per channel."""

    async def _subscribe_to_channel(self, channel: str) -> None:
        self.channels[channel] = BoundedQueue()
        await self._get_shard(channel).subscribe(channel)

    async def drop_channel(self, channel: str) -> None:
        """Forget a channel that nobody receives from any more."""
        if self.channels.pop(channel, None) is not None:
            await self._get_shard(channel).unsubscribe(channel)

    def is_lagging(self, channel: str) -> bool:
        """Whether frames for this channel were dropped."""
        queue = self.channels.get(channel)
        return isinstance(queue, BoundedQueue) and queue.is_lagging


class BoundedPubSubChannelLayer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """The layer named in the settings. At most once: whoever follows a run compares ids and reads the log."""

    def __init__(self, *args: Any, prefix: str = "asgi", **kwargs: Any) -> None:
        super().__init__(*args, prefix=prefix, **kwargs)
        self.prefix = prefix

    def group_channel(self, group: str) -> str:
        """The pub/sub channel of a group, for writers that publish in a pipeline of their own."""
        return f"{self.prefix}__group__{group}"

    def _get_layer(self) -> BoundedLoopLayer:
        loop = asyncio.get_running_loop()
        if loop not in self._layers:
            self._layers[loop] = BoundedLoopLayer(*self._args, **self._kwargs, channel_layer=self)
            _wrap_close(self, loop)
        return self._layers[loop]  # type: ignore[no-any-return]
