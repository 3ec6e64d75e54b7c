"""The WebSocket of a conversation: events as they come, finished blocks as sanitised HTML, places in the queue."""

import asyncio
import json
import logging
import time
from collections import deque
from contextlib import aclosing, suppress
from typing import Any
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError
from django.utils import translation

from accounts.factors import owes_factor
from accounts.languages import spoken_language
from accounts.models import User
from conversations.access import is_still_signed_in
from conversations.cancelling import cancel_and_wait
from conversations.control import publish_stop
from conversations.database import in_thread
from conversations.events import START, Event, EventId, EventType
from conversations.follow import Lagging, follow
from conversations.models import Conversation, Generation
from conversations.places import watch_place
from conversations.publication import conversation_group, user_group
from conversations.rendering import BlockRenderer
from conversations.sequence import Followed, generations_after
from conversations.services import request_stop
from conversations.wording import spoken_payload

logger = logging.getLogger(__name__)

SECOND_LOOK = 1.0  # seconds: the signal of a log-out comes before the session is deleted
RECHECK_EVERY = 30.0  # seconds: makes up for a lost revocation or change
SEND_LIMIT = 10.0  # seconds a reader may take to accept one frame
FLOOD = 20  # messages in ten seconds
LONGEST_MESSAGE = 4096  # characters a client may send at once
STOP_TRIES = 3
STOP_PAUSE = 0.5  # seconds between two of them

CLOSE_BAD_DATA = 1007
CLOSE_REFUSED = 1008
CLOSE_FAILED = 1011
CLOSE_SIGNED_OUT = 4001
CLOSE_TOO_SLOW = 4008


class ConversationConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Follows the runs of one conversation for one signed-in person."""

    async def connect(self) -> None:
        """Refuse, before accepting, whoever may not see the conversation."""
        self.task: asyncio.Task[None] | None = None
        self.followed: UUID | None = None
        self.second_look: asyncio.TimerHandle | None = None
        self.is_closing = False
        self.change = asyncio.Event()
        self.received: deque[float] = deque(maxlen=FLOOD)
        self.user: User = self.scope["user"]
        self.conversation_id: UUID = self.scope["url_route"]["kwargs"]["conversation_id"]
        if not self.user.is_authenticated or not await in_thread(self._may_see):
            await self.close(CLOSE_REFUSED)
            return
        await self.accept()
        self.groups_joined = [conversation_group(self.conversation_id), user_group(self.user.pk)]
        for group in self.groups_joined:
            await self.channel_layer.group_add(group, self.channel_name)

    async def disconnect(self, code: int) -> None:  # noqa: ARG002 - Channels' signature
        """Leave nothing behind."""
        self.is_closing = True
        if self.second_look is not None:
            self.second_look.cancel()
        if self.task is not None:
            await cancel_and_wait(self.task)
        for group in getattr(self, "groups_joined", []):
            with suppress(Exception):
                await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Only ``follow`` and ``stop`` are understood; a client that sends anything else is shown out."""
        if self.is_closing:
            return
        now = time.monotonic()
        if len(self.received) == FLOOD and now - self.received[0] < 10:
            await self.close(CLOSE_REFUSED)
            return
        self.received.append(now)
        message = _parse(text_data if bytes_data is None else None)
        match message:
            case {"type": "follow", **rest}:
                await self._start(rest.get("after"), rest.get("number"))
            case {"type": "stop"}:
                await self._stop()
            case None:
                await self.close(CLOSE_BAD_DATA)
            case _:
                await self.close(CLOSE_REFUSED)

    async def conversation_changed(self, _: dict[str, Any]) -> None:
        """Something was sent, from here or elsewhere."""
        self.change.set()
        await self._send_json(b'{"event":"changed"}')

    async def user_revoked(self, _: dict[str, Any]) -> None:
        """The person may have signed out: look at once, and again when the session is surely gone."""
        if await self._recheck():
            self.second_look = asyncio.get_running_loop().call_later(
                SECOND_LOOK, lambda: asyncio.ensure_future(self._recheck())
            )

    async def _start(self, after: object, number: object) -> None:
        try:
            position = EventId.parse(after) if isinstance(after, str) and after else None
        except ValueError:
            await self.close(CLOSE_BAD_DATA)
            return
        if self.task is not None:
            await cancel_and_wait(self.task)
        self.task = asyncio.create_task(self._follow_all(position, number if isinstance(number, int) else None))

    async def _follow_all(self, position: EventId | None, number: int | None) -> None:
        """Follow one run after the other, each once, for as long as the socket lasts; all of it in one language.

        A client that has numbered its follow is told when what comes is of this one and not of the one before.
        """
        translation.activate(spoken_language(self.user, _header(self.scope, b"accept-language")))
        over: set[UUID] = set()
        try:
            if number is not None:
                await self._send_json(b'{"event":"following","number":%d}' % number)
            while not self.is_closing:
                self.change.clear()
                for followed in await in_thread(generations_after, self.conversation_id, position):
                    if followed.pk not in over:
                        position = await self._follow_run(followed, position or START)
                        over.add(followed.pk)
                if not await self._is_changed(RECHECK_EVERY) and not await self._recheck():
                    return
        except (Lagging, TimeoutError):
            await self.close(CLOSE_TOO_SLOW)
        except (asyncio.CancelledError, OSError):
            return  # the reader has gone, or a new follow takes over
        except Exception:
            logger.exception("Following conversation %s failed.", self.conversation_id)
            await self.close(CLOSE_FAILED)

    async def _is_changed(self, seconds: float) -> bool:
        """Whether something was sent within so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await self.change.wait()
        return False

    async def _follow_run(self, followed: Followed, position: EventId) -> EventId:
        """Send what lies behind ``position``; what lies before only brings the renderer up to date."""
        self.followed = followed.pk
        renderer = BlockRenderer(followed.message_id.hex)
        head = b'"generation":"%s","message":"%s"' % (str(followed.pk).encode(), str(followed.message_id).encode())
        watch = asyncio.create_task(self._tell_place(followed.pk, head))
        try:
            async with aclosing(follow(followed.pk)) as events:
                async for event in events:
                    if event.type is EventType.ATTEMPT_START:
                        renderer = BlockRenderer(followed.message_id.hex)
                    if event.id > position:
                        await self._send_event(event, head)
                    await self._send_blocks(event, renderer, head, silent=event.id < position)
                    position = max(position, event.id)
        finally:
            watch.cancel()
        return position

    async def _tell_place(self, generation_id: UUID, head: bytes) -> None:
        """Say which place a waiting run has; a place that cannot be told is not worth a socket."""
        with suppress(OSError, TimeoutError, DatabaseError):
            async for place in watch_place(generation_id):
                await self._send_json(b'{"event":"queue",%s,"position":%d}' % (head, place))

    async def _send_event(self, event: Event, head: bytes) -> None:
        await self._send_json(
            b'{"id":"%s","event":"%s",%s,"data":%s}'
            % (str(event.id).encode(), event.type.encode(), head, spoken_payload(event))
        )

    async def _send_blocks(self, event: Event, renderer: BlockRenderer, head: bytes, *, silent: bool) -> None:
        if event.type is EventType.TEXT_DELTA:
            text = json.loads(event.payload)["text"]
            blocks = await asyncio.to_thread(renderer.feed, text) if "\n" in text else renderer.feed(text)
        elif event.type is EventType.GENERATION_END:
            blocks = await asyncio.to_thread(renderer.close)
        else:
            return
        for block in [] if silent else blocks:
            data = json.dumps({"html": block.html, "end": block.end}).encode()
            await self._send_json(b'{"event":"block",%s,"data":%s}' % (head, data))

    async def _send_json(self, frame: bytes) -> None:
        async with asyncio.timeout(SEND_LIMIT):
            await self.send(text_data=frame.decode())

    async def close(self, code: int | None = None, reason: str | None = None) -> None:
        """Close once; a socket that is closing already is left alone."""
        if not self.is_closing:
            self.is_closing = True
            with suppress(OSError):
                await super().close(code, reason)

    async def _recheck(self) -> bool:
        """Whether the person may still listen; while nobody can tell, nobody does: whoever comes back is looked at."""
        try:
            if await in_thread(is_still_signed_in, self.scope) and await in_thread(self._may_see):
                return True
            await self.close(CLOSE_SIGNED_OUT)
        except DatabaseError:
            await self.close(CLOSE_FAILED)
        return False

    def _may_see(self) -> bool:
        """Not without the second factor that is required: no middleware of the pages stands before a socket."""
        return (
            not owes_factor(self.user)
            and Conversation.objects.visible_to(self.user).filter(pk=self.conversation_id).exists()
        )

    async def _stop(self) -> None:
        """Whoever runs what is followed hears of it even while the database is away; a queued run has to wait."""
        for _ in range(STOP_TRIES):
            try:
                await in_thread(self._request_stops)
            except DatabaseError as error:
                logger.warning("A stop could not be written yet (%s).", type(error).__name__)
                if self.followed is not None:
                    await in_thread(publish_stop, self.followed)
                await asyncio.sleep(STOP_PAUSE)
            else:
                return
        await self.close(CLOSE_FAILED)

    def _request_stops(self) -> None:
        for generation in Generation.objects.filter(conversation=self.conversation_id).active():
            request_stop(generation=generation)


def _header(scope: dict[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope.get("headers", ()) if key == name), "")


def _parse(text: str | None) -> dict[str, Any] | None:
    """The client's message, or ``None`` when it is not a small JSON object."""
    if text is None or len(text) > LONGEST_MESSAGE:
        return None
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None
