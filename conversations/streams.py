"""Events over HTTP: server-sent events of a run, and waiting for its end."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, MethodNotAllowed, Throttled

from accounts.callers import identify
from accounts.scopes import READING
from conversations.cancelling import cancel_and_wait
from conversations.database import in_thread
from conversations.events import START, Event, EventId
from conversations.follow import Lagging, follow, look
from conversations.models import Generation
from providers.listeners import PAUSE, Listener, listening
from providers.throttling import check_rate

HEARTBEAT = 15.0  # seconds between two comments on a silent stream


@csrf_exempt
async def generation_events(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Server-sent events from the start or behind ``Last-Event-ID``; ends with generation-end."""
    refusal = await in_thread(_refusal, request, pk)
    if refusal is not None:
        return refusal
    text = request.headers.get("Last-Event-ID", "") or request.GET.get("after", "")
    try:
        after = EventId.parse(text) if text else START
    except ValueError as error:
        return _error(400, "invalid_request", str(error))
    response = StreamingHttpResponse(_encode(request, pk, after), content_type="text/event-stream; charset=utf-8")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


generation_events.needs = READING  # type: ignore[attr-defined]


async def wait_for_end(generation_id: UUID) -> None:
    """Return when the run is over."""
    while not (await in_thread(look, generation_id)).is_over:
        with suppress(Lagging):
            async for _ in follow(generation_id):
                pass


def _refusal(request: HttpRequest, pk: UUID) -> HttpResponse | None:
    try:
        user = identify(request, READING)
        check_rate(user, getattr(request, "auth", None))
        if request.method != "GET":
            raise MethodNotAllowed(str(request.method))
    except APIException as error:
        return _refuse(error)
    if not Generation.objects.visible_to(user).filter(pk=pk).exists():
        return _error(404, "not_found", "There is no such generation.")
    return None


def _refuse(error: APIException) -> HttpResponse:
    response = _error(error.status_code, str(error.get_codes()), str(error.detail))
    if error.status_code == 401:
        response["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed):
        response["Allow"] = "GET"
    if isinstance(error, Throttled):
        response["Retry-After"] = str(getattr(error, "wait", 60))
    return response


def _error(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"error": {"code": code, "message": message, "detail": None}}, status=status)


async def _encode(request: HttpRequest, generation_id: UUID, after: EventId) -> AsyncIterator[bytes]:
    """The stream's bytes. A lagging reader comes back by itself; one who may not listen any more hears no more."""
    yield b"retry: 1000\n\n"
    with listening(request) as listener, suppress(Lagging):
        # From the inside out: an event that is still waited for has to be given up before its source can be closed.
        async with (
            aclosing(follow(generation_id, after)) as events,
            aclosing(_with_pauses(events, PAUSE)) as paced,
            aclosing(_written(paced, listener)) as pieces,
        ):
            async for piece in pieces:
                yield piece


async def _written(paced: AsyncGenerator[Event | None], listener: Listener) -> AsyncGenerator[bytes]:
    """The events, and comments while nothing happens."""
    heard = time.monotonic()
    async for event in paced:
        if not listener.may_listen:
            return
        now = time.monotonic()
        if event is not None:
            heard = now
            yield event.sse()
        elif now - heard >= HEARTBEAT:
            heard = now
            yield b": still here\n\n"


async def _with_pauses(events: AsyncGenerator[Event], seconds: float) -> AsyncGenerator[Event | None]:
    """The events, and ``None`` for every ``seconds`` without one."""
    pending = asyncio.ensure_future(anext(events))
    try:
        while True:
            done, _ = await asyncio.wait({pending}, timeout=seconds)
            if not done:
                yield None
                continue
            try:
                event = pending.result()
            except StopAsyncIteration:
                return
            yield event
            pending = asyncio.ensure_future(anext(events))
    finally:
        await cancel_and_wait(pending)
