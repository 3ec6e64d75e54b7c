"""Calls of tools and their results, which other programs keep apart from each other."""

import json
from collections.abc import Iterable, Iterator
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
    for part in parts:
        if isinstance(part, ToolCallRecord):
            calls.append(part)
            continue
        place = _place(part, calls)
        if place is None:
            calls.append(ToolCallRecord(id=part.id, name=part.name, result=part.text))
        else:
            calls[place] = _with_result(calls[place], part.text)
    return calls


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


def _place(result: ToolResult, calls: list[ToolCallRecord]) -> int | None:
    """The first call that waits for this result, else the last that has got a part of it already."""
    fitting = [number for number, call in enumerate(calls) if _fits(result, call)]
    waiting = (number for number in fitting if calls[number].result is None)
    return next(waiting, fitting[-1] if fitting else None)


def _fits(result: ToolResult, call: ToolCallRecord) -> bool:
    """By id where both have one, else by name: what ``web.run`` is asked, ``web`` may answer."""
    if result.id and call.id:
        return result.id == call.id
    return not result.name or result.name.partition(".")[0] == call.name.partition(".")[0]


def _with_result(call: ToolCallRecord, text: str) -> ToolCallRecord:
    """A new record: versions of an answer that begin alike share the old one."""
    return replace(call, result="\n\n".join(filter(None, (call.result, text))))
