"""Callers who listen to a stream: whose token is revoked or whose log-in has ended hears no more within a second.

Every event loop looks at the database for all of its listeners at once, as long as there are any.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.db import Error as DatabaseError
from django.http import HttpRequest

from accounts.callers import Credential, credential_of, still_valid
from providers.database import in_thread

LOOK_EVERY: Final = 0.4  # seconds between two looks at the database
PAUSE: Final = 0.4  # seconds after which a silent stream looks whether it may go on

logger = logging.getLogger(__name__)


class Listener:
    """One caller on one stream."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential
        self.may_listen = True


class Watch:
    """The listeners of one event loop."""

    def __init__(self) -> None:
        self.listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, listener: Listener) -> None:
        """Look after one more."""
        self.listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._look_on(), name="listeners")

    async def _look_on(self) -> None:
        while self.listeners:
            await asyncio.sleep(LOOK_EVERY)
            asked = {listener.credential for listener in self.listeners}
            try:
                valid = await in_thread(still_valid, asked)
            except DatabaseError as error:
                logger.info("Nobody knows whether tokens were revoked (%s).", type(error).__name__)
                continue
            for listener in self.listeners:
                if listener.credential in asked - valid:
                    listener.may_listen = False


_watches: dict[asyncio.AbstractEventLoop, Watch] = {}


@contextmanager
def listening(request: HttpRequest) -> Iterator[Listener]:
    """Around a stream: ``may_listen`` becomes false when the caller may not any more. Needs a running loop."""
    watch, listener = _of_running_loop(), Listener(credential_of(request))
    watch.add(listener)
    try:
        yield listener
    finally:
        watch.listeners.discard(listener)


def _of_running_loop() -> Watch:
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        for dead in [other for other in _watches if other.is_closed()]:
            del _watches[dead]
        _watches[loop] = Watch()
    return _watches[loop]
