"""The consumer of a conversation without a server around it: frames as the server would send them."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asgiref.testing import ApplicationCommunicator

from accounts.models import User
from conversations.consumers import ConversationConsumer
from conversations.database import in_thread
from conversations.models import Conversation

LIMIT = 30.0  # seconds until the next frame must have come
CLOSE_LIMIT = 10.0  # seconds until a socket must be gone: less than anything that it looks at by itself takes


class Socket:
    """One open socket; call it on the engine's loop."""

    def __init__(self, communicator: Any) -> None:
        self._communicator = communicator

    async def follow(self, after: str | None = None) -> None:
        """Ask for the events behind an id."""
        await self._communicator.send_input(
            {"type": "websocket.receive", "text": json.dumps({"type": "follow", "after": after})}
        )

    async def stop(self) -> None:
        """Ask for the end of what is being written."""
        await self._communicator.send_input({"type": "websocket.receive", "text": '{"type": "stop"}'})

    async def closed(self) -> int:
        """The code with which the server closes; frames before it are dropped."""
        while (message := await self._communicator.receive_output(LIMIT))["type"] != "websocket.close":
            continue
        return int(message["code"])

    async def receive(self) -> str:
        """The next frame as it goes over the wire; what else the server does, as closing, fails the test."""
        message = await self._communicator.receive_output(LIMIT)
        assert message["type"] == "websocket.send", message
        return str(message["text"])

    async def next(self, event: str) -> dict[str, Any]:
        """The next frame of this kind; others before it are dropped."""
        while True:
            frame: dict[str, Any] = json.loads(await self.receive())
            if frame["event"] == event:
                return frame

    async def is_silent(self, seconds: float) -> bool:
        """Whether nothing comes for so long."""
        return bool(await self._communicator.receive_nothing(timeout=seconds))


@asynccontextmanager
async def open_socket(conversation: Conversation) -> AsyncIterator[Socket]:
    """A socket of the conversation's owner."""
    scope = {
        "type": "websocket",
        "user": await in_thread(User.objects.get, pk=conversation.owner_id),
        "url_route": {"kwargs": {"conversation_id": conversation.pk}},
    }
    communicator: Any = ApplicationCommunicator(ConversationConsumer.as_asgi(), scope)  # type: ignore[no-untyped-call]
    await communicator.send_input({"type": "websocket.connect"})
    assert (await communicator.receive_output(LIMIT))["type"] == "websocket.accept"
    yield Socket(communicator)
    await communicator.send_input({"type": "websocket.disconnect", "code": 1000})
    left = time.monotonic()
    await communicator.wait(LIMIT)
    assert time.monotonic() - left < CLOSE_LIMIT, "the consumer stayed behind"
