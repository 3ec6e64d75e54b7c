"""The practice server: accepts, routes, checks the key, and hands the answer to a player."""

import asyncio
import contextlib
import json
from collections import Counter
from dataclasses import replace

from providers.practice import catalogue
from providers.practice.asked import Asked, example, understand
from providers.practice.connection import Broken, Connection, HungUp, Request
from providers.practice.dialects import AnthropicDialect, Dialect, OpenAIDialect
from providers.practice.embeddings import embed
from providers.practice.faults import KEY_REFUSED, NO_MODEL, NOTHING_HERE, REFUSALS, WRONG_BODIES, Refusal
from providers.practice.log import BROKEN, COMPLETED, HUNG_UP, RequestLog
from providers.practice.plans import BAD_ARGUMENTS, BAD_JSON, Plan, plan_for
from providers.practice.player import Player
from providers.practice.replies import tokens

COUNTED_CONVERSATIONS = 10_000
STREAM_LIMIT = 1_048_576  # bytes read ahead per connection


class PracticeServer:
    """Serves both dialects on one port. ``log`` holds the latest requests."""

    def __init__(self, *, api_key: str = "") -> None:
        self.log = RequestLog()
        self._api_key = api_key
        self._refused: Counter[tuple[str, str]] = Counter()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> int:
        """Listen; returns the port, a free one for 0."""
        self._server = await asyncio.start_server(self._accept, host, port, limit=STREAM_LIMIT, backlog=512)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        connection = Connection(reader, writer)
        # A cancelled connection is part of stopping; asyncio would log it as a failure.
        with contextlib.suppress(HungUp, Broken, asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            while (request := await connection.read_request()) is not None:
                await self._serve(connection, request)
        await connection.close()

    async def _serve(self, connection: Connection, request: Request) -> None:
        path = request.path.partition("?")[0]
        if path == "/log" and connection.is_local:
            await self._serve_log(connection, request.method)
            return
        entry = self.log.open(request.method, request.path, request.headers, request.body)
        ended = HUNG_UP
        try:
            await connection.while_connected(self._answer(connection, request, path))
            ended = COMPLETED
        except Broken:
            ended = BROKEN
            raise
        finally:
            self.log.close(entry, ended)

    async def _serve_log(self, connection: Connection, method: str) -> None:
        if method == "DELETE":
            self.log.clear()
        await connection.respond_json(200, self.log.entries())

    async def _answer(self, connection: Connection, request: Request, path: str) -> None:
        anthropic = path.endswith("/messages") or "anthropic-version" in request.headers
        forced, path = _split(path)
        is_chat = path in {"/v1/chat/completions", "/v1/messages"} and request.method == "POST"
        asked = understand(request.fields)
        if not self._knows_key(request):
            await _refuse(connection, KEY_REFUSED, anthropic=anthropic)
        elif path == "/v1/embeddings" and request.method == "POST" and not anthropic and not forced:
            await connection.respond_json(200, embed(request.fields))
        elif not is_chat and not (path == "/v1/models" and request.method == "GET"):
            await _refuse(connection, NOTHING_HERE, anthropic=anthropic)
        elif is_chat and not catalogue.knows(asked.model):
            await _refuse(connection, NO_MODEL, anthropic=anthropic)
        else:
            fault = forced or catalogue.fault_of(asked.model, asked.message)
            await self._serve_fault(connection, asked, fault, is_chat=is_chat, anthropic=anthropic)

    async def _serve_fault(
        self, connection: Connection, asked: Asked, fault: str, *, is_chat: bool, anthropic: bool
    ) -> None:
        refusal = REFUSALS.get(fault)
        if refusal is not None and self._is_refused(fault, asked, refusal):
            await _refuse(connection, refusal, anthropic=anthropic)
            return
        if fault in WRONG_BODIES:
            await _send_wrong_body(connection, fault)
            return
        dialect: Dialect = AnthropicDialect(asked) if anthropic else OpenAIDialect(asked)
        player = Player(connection, dialect, _plan(asked, fault), asked)
        if is_chat:
            await (player.play() if asked.streamed else player.play_whole())
        else:
            is_empty = fault == catalogue.EMPTY_LIST
            await player.play_list(catalogue.listing(anthropic=anthropic, is_empty=is_empty))

    def _is_refused(self, fault: str, asked: Asked, refusal: Refusal) -> bool:
        """Counts the refusals of each conversation, so that a later attempt can succeed."""
        if len(self._refused) > COUNTED_CONVERSATIONS:
            self._refused.clear()
        if refusal.structured_only and not asked.is_structured:
            return False
        key = (fault, asked.conversation)
        self._refused[key] += 1
        return self._refused[key] <= refusal.times

    def _knows_key(self, request: Request) -> bool:
        if not self._api_key:
            return True
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        return self._api_key in {given, request.headers.get("x-api-key", "")}


def _split(path: str) -> tuple[str, str]:
    """The fault that the beginning of a path names, and the rest; ``/fault-429/v1/models`` fails as ``429`` does."""
    first, _, rest = path.removeprefix("/").partition("/")
    name = first.removeprefix("fault-")
    return (name, f"/{rest}") if name != first and name in catalogue.FAULT_NAMES else ("", path)


def _plan(asked: Asked, fault: str) -> Plan:
    plan = plan_for(asked.model, fault, asked.message, asked.max_tokens, pictures=asked.pictures)
    is_bad = plan.bad_json == "always" or (plan.bad_json == "first" and not asked.is_answered)
    if asked.tool is not None:
        return replace(plan, pieces=[], reason="tool_calls", arguments=BAD_ARGUMENTS if is_bad else "")
    if is_bad:
        return replace(plan, pieces=tokens(BAD_JSON))
    if asked.schema is not None:
        return replace(plan, pieces=tokens(json.dumps(example(asked.schema))))
    return replace(plan, pieces=tokens(json.dumps({"answer": asked.message}))) if asked.wants_json else plan


async def _refuse(connection: Connection, refusal: Refusal, *, anthropic: bool) -> None:
    await connection.respond_json(refusal.status, refusal.body(anthropic=anthropic), refusal.sent_headers())


async def _send_wrong_body(connection: Connection, fault: str) -> None:
    wrong = WRONG_BODIES[fault]
    if wrong.status is None:
        await connection.write(wrong.body)
        connection.cut()
    elif fault == "204":
        await connection.write(b"HTTP/1.1 204 No Content\r\n\r\n")
    else:
        await connection.respond(wrong.status, wrong.body, wrong.kind)
