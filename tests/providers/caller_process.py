"""What runs in a process that uses providers again and again; ``processes.py`` starts it and talks to it.

It obeys lines on its standard input. ``complete ID``, ``stream ID`` and ``read ID ID …`` start a loop each; ``stop``
ends all loops and prints one line of JSON: how many rounds there were, and when and how some failed.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable

from asgiref.sync import sync_to_async
from django.db import connections

from providers import engine, registry
from providers.errors import ProviderError
from providers.models import Provider
from providers.types import ChatMessage, ChatRequest, TextDelta

PACE = 0.05  # seconds between two rounds
Action = Callable[[], Awaitable[None]]


class Rounds:
    """Loops on the engine, counted."""

    def __init__(self) -> None:
        self.count = 0
        self.failures: list[tuple[float, str]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.ending = False

    async def start(self, action: Action) -> None:
        self.tasks.append(asyncio.create_task(self._repeat(action)))

    async def stop(self) -> str:
        self.ending = True
        await asyncio.gather(*self.tasks)
        return json.dumps({"count": self.count, "failures": self.failures})

    async def _repeat(self, action: Action) -> None:
        while not self.ending:
            try:
                await action()
            except ProviderError as error:
                self.failures.append((time.time(), error.code))
            except Exception as error:
                self.failures.append((time.time(), f"{type(error).__name__}: {error}"))
            self.count += 1
            await asyncio.sleep(PACE)


def completing(provider_id: str) -> Action:
    """One short call; the provider reads in it who calls."""

    async def action() -> None:
        client = await registry.get_client(provider_id)
        await client.complete(request("practice-fast", f"echo: {os.getpid()}"))

    return action


def streaming(provider_id: str) -> Action:
    """One call that lasts more than a second, and whose text must arrive whole."""

    async def action() -> None:
        wanted = f"{os.getpid()} reads on"
        client = await registry.get_client(provider_id)
        events = client.stream(request("practice-slow", f"echo: {wanted}"))
        text = "".join([event.text async for event in events if isinstance(event, TextDelta)])
        assert text == wanted, text

    return action


def reading(provider_ids: str) -> Action:
    """Decrypt every key twice: as the registry has it, and straight from the row."""

    def read() -> None:
        try:
            for provider_id in provider_ids.split():
                shared = registry.load_config(provider_id).api_key
                stored = Provider.objects.defer(None).get(pk=provider_id).open_secret("api_key")
                assert shared.startswith("key-"), shared
                assert stored.startswith("key-"), stored
        finally:
            connections.close_all()

    return sync_to_async(read, thread_sensitive=False)


def request(model: str, text: str) -> ChatRequest:
    return ChatRequest(model=model, messages=(ChatMessage("user", text),))


ACTIONS: dict[str, Callable[[str], Action]] = {"complete": completing, "stream": streaming, "read": reading}


def main() -> None:
    """Obey until the input ends."""
    rounds = Rounds()
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "stop":
            print(engine.run(rounds.stop()), flush=True)  # noqa: T201 - the answer
            rounds = Rounds()
        else:
            engine.run(rounds.start(ACTIONS[word](rest)))
