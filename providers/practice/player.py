"""Plays a plan over a connection: frames at their pace, then the ending."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping

from providers.practice.asked import Asked, example
from providers.practice.connection import Connection
from providers.practice.dialects import Dialect, Frame, Told
from providers.practice.plans import Plan, counted

COMMENT_INTERVAL = 1.0  # seconds
BREATH = 64  # unpaced tokens between two looks at the other tasks


class Player:
    """One answer."""

    def __init__(self, connection: Connection, dialect: Dialect, plan: Plan, asked: Asked) -> None:
        self._connection = connection
        self._dialect = dialect
        self._plan = plan
        self._arguments = plan.arguments or (json.dumps(example(asked.tool["parameters"])) if asked.tool else "")
        self._said: list[str] = []

    async def play(self) -> None:
        """Send the answer as a stream. Raises ``Broken`` where the plan breaks off, ``HungUp`` with the client."""
        plan = self._plan
        if plan.ending == "stall" and plan.stop_after == 0:
            await asyncio.Event().wait()
        self._connection.one_byte = plan.one_byte
        await self._connection.start_stream()
        if plan.comments:
            await self._comment_for_ever()
        await asyncio.sleep(plan.delay)
        for frame in self._dialect.head():
            await self._send(frame)
        await self._pace()
        await self._end()

    async def play_list(self, listing: Mapping[str, object]) -> None:
        """Send a list of models; whatever ends an answer early ends it in the middle. Raises as ``play``."""
        if self._plan.ending == "stall" and self._plan.stop_after == 0:
            await asyncio.Event().wait()
        await asyncio.sleep(self._plan.delay)
        if self._plan.ending in {"finish", "error"}:
            await self._connection.respond_json(200, listing)
            return
        await self._connection.respond_half(json.dumps(listing).encode(), "application/json")
        await self._end()

    async def play_whole(self) -> None:
        """Send the answer as one JSON body."""
        self._said = list(counted(self._plan))
        await self._connection.respond_json(200, self._dialect.whole(self._plan, self._told()))

    async def _pace(self) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for number, frames in enumerate(self._tokens()):
            if self._plan.pace:
                await asyncio.sleep(max(start + number / self._plan.pace - loop.time(), 0))
            elif number % BREATH == 0:
                await asyncio.sleep(0)
            for frame in frames:
                await self._send(frame)

    def _tokens(self) -> Iterator[Iterable[Frame]]:
        for text in self._plan.reasoning:
            yield self._dialect.thought(text)
        for text in counted(self._plan):
            self._said.append(text)
            for part in _halves(text) if self._plan.halves else (text,):
                yield self._dialect.piece(part)

    async def _end(self) -> None:
        if self._plan.ending == "cut":
            self._connection.cut()
        elif self._plan.ending == "reset":
            self._connection.reset()
        elif self._plan.ending == "stall":
            await asyncio.Event().wait()
        elif self._plan.ending == "error":
            await self._send(self._dialect.failure())
        else:
            for frame in self._dialect.tail(self._plan, self._told()):
                await self._send(frame)
        await self._connection.end_stream()

    async def _comment_for_ever(self) -> None:
        while True:
            await self._connection.chunk(b": still here\n\n")
            await asyncio.sleep(COMMENT_INTERVAL)

    async def _send(self, frame: Frame) -> None:
        name, value = frame
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=self._plan.halves)
        event = f"event: {name}\ndata: {text}\n\n" if name else f"data: {text}\n\n"
        if self._plan.crlf:
            event = event.replace("\n", "\r\n")
        await self._connection.chunk(event.encode("utf-8", "replace"))

    def _told(self) -> Told:
        reasoning = self._plan.reasoning
        return Told(
            text="".join(self._said),
            reasoning="".join(reasoning),
            output_tokens=len(self._said) + len(reasoning),
            reasoning_tokens=len(reasoning),
            arguments=self._arguments,
        )


def _halves(text: str) -> Iterator[str]:
    """The text, cut inside each character beyond the basic plane."""
    units = text.encode("utf-16-le", "surrogatepass")
    run = ""
    for position in range(0, len(units), 2):
        unit = units[position : position + 2].decode("utf-16-le", "surrogatepass")
        run += unit
        if "\ud800" <= unit <= "\udbff":
            yield run
            run = ""
    if run:
        yield run
