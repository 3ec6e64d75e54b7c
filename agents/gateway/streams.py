"""Answers of models: waited for, or passed on as they come."""

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from agents.gateway.failures import Refused, from_provider
from agents.gateway.questions import Writer
from providers.answering import Answering
from providers.errors import Cancelled, Incomplete, ProviderError, UnknownError
from providers.feed import Feed
from providers.types import Completion, Finish, FinishReason, StreamEvent

FIRST_LOOK: Final = 10.0  # seconds within which a failure still becomes an HTTP status
HEARTBEAT: Final = 15.0  # seconds of silence after which a sign of life is sent
RECHECK_EVERY: Final = 3.0  # seconds after which the caller's right to listen is looked at again

logger = logging.getLogger(__name__)


async def wait_for_whole(answering: Answering) -> Completion:
    """The whole answer. Raises ``ProviderError``, also for one that the provider gave up."""
    completion = await answering.whole()
    if completion.finish_reason is FinishReason.ERROR:
        raise _given_up(answering, completion.raw_reason)
    return completion


async def begin_stream(
    answering: Answering, writer: Writer, may_listen: Callable[[], Awaitable[bool]], *, tells_detail: bool
) -> AsyncGenerator[bytes, None]:
    """The events of an answer, once there is something to tell. Raises ``ProviderError`` for what fails at once.

    Closing it, or losing the right to listen, closes the connection to the provider.
    """
    feed = Feed(answering.events())
    await feed.begin(FIRST_LOOK)
    return _tell(feed, answering, writer, may_listen, tells_detail=tells_detail)


async def _tell(
    feed: Feed[StreamEvent],
    answering: Answering,
    writer: Writer,
    may_listen: Callable[[], Awaitable[bool]],
    *,
    tells_detail: bool,
) -> AsyncGenerator[bytes, None]:
    finish: Finish | None = None
    failure: ProviderError = Cancelled()
    try:
        yield writer.begin()
        checked = heard = time.monotonic()
        while (batch := await feed.next_batch(RECHECK_EVERY)) is not None:
            now = time.monotonic()
            if now - checked >= RECHECK_EVERY:
                checked = now
                if not await may_listen():
                    break
            if batch and isinstance(batch[-1], Finish):
                finish = batch[-1]
            if written := writer.write(batch):
                heard = now
                yield written
            elif now - heard >= HEARTBEAT:
                heard = now
                yield writer.heartbeat
    except ProviderError as error:
        failure = error
    except Exception:
        logger.exception("A stream of %s failed unexpectedly.", answering.call.provider.pk)
        failure = UnknownError()
    finally:
        await feed.aclose()
    if finish and finish.reason is FinishReason.ERROR:
        failure, finish = _given_up(answering, finish.raw_reason), None
    yield writer.end(finish, answering.usage) if finish else writer.fail(_told(failure, tells_detail=tells_detail))


def _given_up(answering: Answering, reason: str) -> Incomplete:
    """The clients take every end that they do not know for a good one, so this one is told as a failure."""
    call = answering.call
    return Incomplete(detail=f"finish_reason: {reason}", provider=call.provider.name, model=call.request.model)


def _told(failure: ProviderError, *, tells_detail: bool) -> Refused:
    if isinstance(failure, Cancelled):
        return Refused(401, "The token or the permission was withdrawn.", code="invalid_api_key")
    return from_provider(failure, tells_detail=tells_detail)
