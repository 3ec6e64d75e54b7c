"""Calls of tools in a stored answer. Wiz runs no tool in a conversation: a call is kept and shown, nothing more.

They are no part of what a model is told when the conversation goes on (``history.py`` sends words and pictures alone):
providers refuse a call without its result, or of a tool that the request does not offer.
"""

from collections.abc import Iterable
from typing import Final, TypedDict

import msgspec

from providers.types import ToolCall

MOST: Final = 100  # calls of one answer
LONGEST_NAME: Final = 200  # characters, also of an id


class StoredCall(TypedDict):
    """A call as ``Message.tool_calls`` holds it.

    ``arguments`` are as the model wrote them, usually JSON; ``result`` is ``None`` if no tool has answered.
    """

    id: str
    name: str
    arguments: str
    result: str | None


def with_calls(kept: list[StoredCall], calls: Iterable[ToolCall]) -> list[StoredCall]:
    """The calls of an answer and those that a run adds, ``MOST`` in all."""
    added = [
        StoredCall(id=call.id[:LONGEST_NAME], name=call.name[:LONGEST_NAME], arguments=call.arguments, result=None)
        for call in calls
    ]
    return [*kept, *added][:MOST]


def set_out(text: str) -> str:
    """JSON line by line, its numbers and strings exactly as they are written; anything else unchanged."""
    try:
        return msgspec.json.format(text, indent=2)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return text
