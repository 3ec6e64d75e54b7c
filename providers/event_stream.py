"""A stateless answer as server-sent events, straight from the provider to the caller."""

import json
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from django.http import HttpRequest, StreamingHttpResponse

from providers.adapters.completion import Calls
from providers.answer_forms import answer_end, hop_form, tool_call_form
from providers.answering import Answering
from providers.errors import Cancelled, ProviderError, UnknownError
from providers.feed import Feed
from providers.listeners import PAUSE, listening
from providers.types import WORDS, Finish, ReasoningDelta, StreamEvent, TextDelta, ToolCallDelta

HEARTBEAT: Final = 15.0  # seconds between two comments on a silent stream
FIRST_LOOK: Final = 10.0  # seconds within which a failure still becomes an HTTP status
STILL_HERE: Final = b": still here\n\n"
NAMES: Final = {TextDelta: "text-delta", ReasoningDelta: "reasoning-delta"}

logger = logging.getLogger(__name__)


async def stream_answer(answering: Answering, request: HttpRequest) -> StreamingHttpResponse:
    """The response, once there is something to tell. Raises ``ProviderError`` for what fails at once.

    The connection to the provider is closed when the caller leaves or may not listen any more.
    """
    feed = Feed(answering.events())
    await feed.begin(FIRST_LOOK)
    content = _encode(feed, answering, request)
    response = StreamingHttpResponse(content, content_type="text/event-stream; charset=utf-8")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def encode_event(name: str, payload: Mapping[str, object]) -> bytes:
    """One event on a text/event-stream."""
    return f"event: {name}\ndata: {json.dumps(payload, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


async def _encode(feed: Feed[StreamEvent], answering: Answering, request: HttpRequest) -> AsyncGenerator[bytes, None]:
    writer = _Writer(answering)
    end = partial(writer.end, "failed")
    try:
        async for written in _written(feed, writer, request):
            yield written
        end = partial(writer.end, "completed" if writer.finish else "cancelled", None if writer.finish else Cancelled())
    except ProviderError as error:
        end = partial(writer.end, "failed", error)
    except Exception:
        logger.exception("A stream of %s failed unexpectedly.", answering.call.provider.pk)
        end = partial(writer.end, "failed", UnknownError())
    finally:
        await feed.aclose()
    yield end()


async def _written(feed: Feed[StreamEvent], writer: "_Writer", request: HttpRequest) -> AsyncGenerator[bytes, None]:
    """The events up to the last but one, with comments between them; ends early when the caller may not listen."""
    heard = time.monotonic()
    with listening(request) as listener:
        while (batch := await feed.next_batch(PAUSE)) is not None and listener.may_listen:
            now = time.monotonic()
            if written := writer.write(batch):
                heard = now
                yield written
            elif now - heard >= HEARTBEAT:
                heard = now
                yield STILL_HERE


class _Writer:
    """What the caller has been told so far."""

    def __init__(self, answering: Answering) -> None:
        self.finish: Finish | None = None
        self._answering = answering
        self._offsets = {TextDelta: 0, ReasoningDelta: 0}
        self._calls = Calls()
        self._told_hops = 0
        self._told_dropped: tuple[str, ...] = ()

    def write(self, batch: list[StreamEvent]) -> bytes:
        """The batch, encoded; nothing when there is nothing to tell."""
        return b"".join([*self._notices(), *self._deltas(batch)])

    def end(self, status: str, error: ProviderError | None = None) -> bytes:
        """The tool calls, which are told whole, and generation-end."""
        calls = (encode_event("tool-call", tool_call_form(call)) for call in self._calls.whole() if self.finish)
        payload = answer_end(self._answering, status, self.finish, error)
        return b"".join([*self._notices(), *calls, encode_event("generation-end", payload)])

    def _notices(self) -> Iterator[bytes]:
        hops, dropped = self._answering.hops, self._answering.call.dropped
        for hop in hops[self._told_hops :]:
            text = f"{hop.model} failed, so the next model is asked: {hop.error['message']}"
            yield encode_event("notice", {"text": text, "hop": hop_form(hop)})
        self._told_hops = len(hops)
        if dropped != self._told_dropped:
            text = f"{self._answering.call.request.model} does not take {', '.join(dropped)}; left out."
            yield encode_event("notice", {"text": text, "dropped": dropped})
            self._told_dropped = dropped

    def _deltas(self, batch: Iterable[StreamEvent]) -> Iterator[bytes]:
        """Deltas of one kind in a row are told as one."""
        kind: type[TextDelta] | type[ReasoningDelta] = TextDelta
        pieces: list[str] = []
        for event in batch:
            if isinstance(event, WORDS):
                if type(event) is not kind and pieces:
                    yield self._delta(kind, pieces)
                    pieces = []
                kind = type(event)
                pieces.append(event.text)
            elif isinstance(event, ToolCallDelta):
                self._calls.add(event)
            elif isinstance(event, Finish):
                self.finish = event
        if pieces:
            yield self._delta(kind, pieces)

    def _delta(self, kind: type[TextDelta] | type[ReasoningDelta], pieces: list[str]) -> bytes:
        text = "".join(pieces)
        offset = self._offsets[kind]
        self._offsets[kind] += len(text.encode("utf-16-le")) // 2
        return encode_event(NAMES[kind], {"offset": offset, "text": text})
