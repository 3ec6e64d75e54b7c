"""Calls of tools and their results, which other programs keep apart from each other."""

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec.structs import replace

from conversations.transfer.archive import ToolCallRecord


class ToolResult(NamedTuple):
    """What a tool answered; a file may tell the id of the call, the name of the tool, or neither."""

    id: str
    name: str
    text: str


ToolPart = ToolCallRecord | ToolResult


def answered(parts: Iterable[ToolPart]) -> list[ToolCallRecord]:
    """The calls in order, each with what its tool answered; a result without its call becomes a call of its own."""
    calls: list[ToolCallRecord] = []
    texts: dict[int, list[str]] = {}  # by the places of those that have an answer
    fitting: dict[_Trait, _Fitting] = defaultdict(_Fitting)
    for part in parts:
        place = None if isinstance(part, ToolCallRecord) else _place(part, fitting, texts)
        if place is None:
            place = len(calls)
            call = part if isinstance(part, ToolCallRecord) else ToolCallRecord(id=part.id, name=part.name)
            calls.append(call)
            for trait in _traits(call):
                fitting[trait].waiting.append(place)
                fitting[trait].last = place
            if call.result is not None:
                texts[place] = [call.result]
        if isinstance(part, ToolResult):
            texts.setdefault(place, []).append(part.text)
    return [
        replace(call, result="\n\n".join(filter(None, texts[place]))) if place in texts else call
        for place, call in enumerate(calls)
    ]


def text_of(value: object) -> str:
    """A text as it is, the texts of a list of blocks, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n\n".join(_texts(value))
    return json.dumps(value, ensure_ascii=False)


def _texts(blocks: list[object]) -> Iterator[str]:
    for block in blocks:
        told = block.get("text") if isinstance(block, dict) else block
        yield told if isinstance(told, str) else json.dumps(block, ensure_ascii=False)


_Trait = tuple[str, str | None]
"""What calls and results are compared by: a kind of name, and the name, or ``None`` for any."""


@dataclass(slots=True)
class _Fitting:
    """The places of the calls with a trait: those that may still wait, in order, and the last of all."""

    waiting: deque[int] = field(default_factory=deque)
    last: int = -1


def _traits(call: ToolCallRecord) -> list[_Trait]:
    """What a result finds the call by: the id where both have one, else the name; ``web`` is enough for ``web.run``."""
    name = call.name.partition(".")[0]
    named: list[_Trait] = [("name", name), ("name", None)]
    return [*named, ("id", call.id)] if call.id else [*named, ("name without id", name), ("name without id", None)]


def _place(result: ToolResult, fitting: dict[_Trait, _Fitting], texts: dict[int, list[str]]) -> int | None:
    """The first call that waits for this result, else the last that has got a part of it already."""
    name = result.name.partition(".")[0] if result.name else None
    traits = [("id", result.id), ("name without id", name)] if result.id else [("name", name)]
    found = [fitting[trait] for trait in traits if trait in fitting]
    for calls in found:
        while calls.waiting and calls.waiting[0] in texts:
            calls.waiting.popleft()
    waiting = (calls.waiting[0] for calls in found if calls.waiting)
    return min(waiting, default=max((calls.last for calls in found), default=None))
