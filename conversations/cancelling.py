"""Ending what runs beside."""

import asyncio
from typing import Any

AGAIN_AFTER = 0.25  # seconds


async def cancel_and_wait(future: asyncio.Future[Any]) -> None:
    """Cancel and return when it has ended, however that was.

    Once is not always enough: on Python 3.11 ``asyncio.wait_for``, on which redis-py stands, forgets a cancellation
    that comes in the moment its call is done. And awaiting the future itself would not do: its cancellation could not
    be told from that of whoever waits here.
    """
    while not future.done():
        future.cancel()
        await asyncio.wait({future}, timeout=AGAIN_AFTER)
    if not future.cancelled():
        future.exception()  # looked at, so that nobody complains that it was not
