"""The ASGI application below /v1/.

It stands beside Django's handler, not behind it: sessions, CSRF, messages and the other middleware have nothing to do
here, and cost several times what a call of the gateway costs itself. Only a token counts.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Final

import msgspec

from agents.gateway import access
from agents.gateway.chat_questions import read_chat
from agents.gateway.door import check_door, security_headers
from agents.gateway.embeddings import embed, read_embeddings
from agents.gateway.failures import Refused, error_form, from_provider
from agents.gateway.messages_questions import read_messages
from agents.gateway.models_list import list_models, retrieve_model
from agents.gateway.questions import Asked
from agents.gateway.replies import Left, Receive, Reply, Request, Scope, Send, read_request, send_reply, while_connected
from agents.gateway.responses_questions import read_responses
from agents.gateway.streams import begin_stream, wait_for_whole
from providers.answering import Answering
from providers.database import in_thread
from providers.errors import ProviderError
from providers.network import HOP_HEADER
from providers.retry import NO_RETRY

PREFIX: Final = "/v1/"
HOP: Final = HOP_HEADER.lower().encode()
encode: Final = msgspec.json.Encoder().encode

logger = logging.getLogger(__name__)


async def gateway(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request; ends every call that it made when the caller leaves."""
    path = scope["path"].removeprefix(PREFIX)
    headers = dict(scope["headers"])
    told = security_headers(scope["scheme"], headers)
    try:
        check_door(scope["scheme"], headers)
        request = await read_request(scope, receive, path)
    except Left:
        return
    except Refused as refusal:
        await send_reply(_error(path, headers, refusal), told, send)
        return
    async with while_connected(receive):
        await send_reply(await _reply(request), told, send)


async def _reply(request: Request) -> Reply:
    try:
        return await _route(request)
    except Refused as error:
        refusal = error
    except Exception:
        logger.exception("The gateway failed at %s.", request.path[:100])
        refusal = Refused(500, "Something went wrong on our side. The log of the server says what.", "server_error")
    return _error(request.path, request.headers, refusal)


async def _route(request: Request) -> Reply:
    if HOP in request.headers:
        message = "This request comes from a provider of a Wiz that points at a Wiz, which would never end. Refused."
        raise Refused(400, message, code="loop")
    method, view = _view(request.path)
    if request.method != method:
        raise Refused(405, f"Use {method} here.", code="method_not_allowed")
    return await view(request)


def _view(path: str) -> tuple[str, Callable[[Request], Awaitable[Reply]]]:
    if path in DIALECTS:
        return "POST", partial(_answer, DIALECTS[path])
    if path == "embeddings":
        return "POST", _embed
    if path == "models":
        return "GET", _list_models
    if path.startswith("models/"):
        return "GET", _retrieve_model
    raise Refused(404, f"There is nothing at {PREFIX}{path[:100]}. See docs/gateway.md.", code="not_found")


async def _answer(read: Callable[[bytes], Awaitable[Asked]], request: Request) -> Reply:
    caller = access.read_caller(request.headers)
    user = await access.enter(caller, access.CHAT)
    tells_detail = True
    try:
        asked = await read(request.body)
        target = await access.find(user, asked.model)
        tells_detail = target.agent is None
        calls = target.calls(asked.request)
        answering = Answering(calls, user=user, policy=NO_RETRY, waits_for_ledger=False)
        if asked.is_streamed:
            may_listen = partial(access.is_still_admitted, caller, asked.model)
            events = await begin_stream(answering, asked.form.writer(), may_listen, tells_detail=tells_detail)
            return Reply(events, headers=_told(answering))
        completion = await wait_for_whole(answering)
        return Reply(encode(asked.form.whole(completion, answering.usage)), headers=_told(answering))
    except ProviderError as error:
        refusal = from_provider(error, tells_detail=tells_detail)
    raise refusal


def _told(answering: Answering) -> dict[str, str]:
    """What was left out because the model does not take it."""
    dropped = answering.call.dropped
    return {"wiz-dropped": ", ".join(dropped)} if dropped else {}


async def _list_models(request: Request) -> Reply:
    user = await access.enter(access.read_caller(request.headers), access.READ)
    return Reply(encode(await in_thread(list_models, user)))


async def _retrieve_model(request: Request) -> Reply:
    user = await access.enter(access.read_caller(request.headers), access.READ)
    name = request.path.removeprefix("models/")
    return Reply(encode(await in_thread(retrieve_model, user, name)))


async def _embed(request: Request) -> Reply:
    user = await access.enter(access.read_caller(request.headers), access.CHAT)
    asked = await read_embeddings(request.body)
    target = await access.find(user, asked.model)
    try:
        return Reply(encode(await embed(asked, target, user)))
    except ProviderError as error:
        refusal = from_provider(error, tells_detail=True)
    raise refusal


def _error(path: str, headers: Mapping[bytes, bytes], refusal: Refused) -> Reply:
    form = error_form(path, refusal, is_anthropic=b"anthropic-version" in headers)
    return Reply(encode(form), refusal.status, refusal.headers())


DIALECTS: Final = {
    "chat/completions": read_chat,
    "responses": read_responses,
    "messages": read_messages,
}
