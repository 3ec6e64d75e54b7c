"""What becomes of the running calls of a provider that is switched off or deleted.

They finish (``WIZ_RUNNING_CALLS=finish``), or they are ended within a second (``cancel``). For the latter every event
loop looks at the database twice a second, as long as a call runs.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from django.conf import settings
from django.db import Error as DatabaseError

from providers.database import in_thread
from providers.models import Provider
from providers.types import ClientConfig

CANCEL: Final = "cancel"
LOOK_EVERY: Final = 0.5  # seconds

logger = logging.getLogger(__name__)


class Withdrawable(Protocol):
    """A client whose calls can be ended."""

    config: ClientConfig

    async def withdraw(self) -> None:
        """End every running call with ``ProviderInactive``."""
        ...


class Watch:
    """The running calls of one event loop."""

    def __init__(self) -> None:
        self.running: dict[object, Withdrawable] = {}
        self.task: asyncio.Task[None] | None = None

    def add(self, call: object, client: Withdrawable) -> None:
        """A call begins."""
        self.running[call] = client
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self._look_for_ever(), name="withdrawals")

    async def _look_for_ever(self) -> None:
        """Until nothing runs any more."""
        while self.running:
            await asyncio.sleep(LOOK_EVERY)
            clients = set(self.running.values())
            try:
                active = await in_thread(_active, {client.config.provider_id for client in clients})
            except DatabaseError as error:
                logger.info("Nobody knows whether providers were switched off (%s).", type(error).__name__)
                continue
            for client in clients:
                if client.config.provider_id not in active:
                    await client.withdraw()


_watches: dict[asyncio.AbstractEventLoop, Watch] = {}


@contextmanager
def watched(client: Withdrawable) -> Iterator[None]:
    """Around a call: ended when its provider is withdrawn, if that is the operator's choice."""
    if settings.RUNNING_CALLS != CANCEL:
        yield
        return
    watch, call = _of_running_loop(), object()
    watch.add(call, client)
    try:
        yield
    finally:
        del watch.running[call]


def _of_running_loop() -> Watch:
    loop = asyncio.get_running_loop()
    if loop not in _watches:
        for dead in [other for other in list(_watches) if other.is_closed()]:
            _watches.pop(dead, None)
        _watches[loop] = Watch()
    return _watches[loop]


def _active(provider_ids: set[str]) -> set[str]:
    return {str(pk) for pk in Provider.objects.active().filter(pk__in=provider_ids).values_list("pk", flat=True)}
