"""Makes the texts and the runs of a file fit for rows, before any is written."""

from typing import Any, Final

import msgspec
from django.conf import settings

from conversations import shelf
from conversations.models import ACTIVE
from conversations.tool_calls import LONGEST_NAME, MOST
from conversations.transfer.archive import ErrorShape, HopShape, ReceiptShape, RunRecord, ToolCallRecord, UsageShape
from conversations.transfer.embedding import read_pictures
from conversations.transfer.tree import ImportProblem, Talk

LONGEST: Final = 10 * settings.MAX_MESSAGE_LENGTH  # characters of a message
DEEPEST: Final = 6  # of the free parts of a run
WIDEST: Final = 100  # entries of one part
LONGEST_VALUE: Final = 10_000  # characters


class Checker:
    """Goes through the conversations of one file, in order."""

    def __init__(self) -> None:
        self.number = -1

    def check(self, talk: Talk) -> None:
        """Clean one conversation; raises ``ImportProblem`` with its place."""
        self.number += 1
        talk.title = clean(" ".join(talk.title.split()), 200)
        talk.tags = [name for tag in talk.tags if (name := clean(tag, shelf.LONGEST_TAG).strip())][: shelf.MOST_TAGS]
        talk.folder = " ".join(clean(talk.folder, 100).split())
        talk.instructions = clean(talk.instructions, 20_000)
        for number, node in enumerate(talk.nodes):
            place = f"conversations[{self.number}].messages[{number}]"
            node.content, node.reasoning = clean(node.content, LONGEST), clean(node.reasoning, LONGEST)
            talk.left_out["tool"] += len(node.tool_calls[MOST:])
            node.tool_calls = [_clean_call(call) for call in node.tool_calls[:MOST]]
            node.agent_name, node.model = clean(node.agent_name, 100), clean(node.model, 200)
            node.pictures = read_pictures(node.attachments)
            talk.left_out["attachment"] += len(node.attachments) - len(node.pictures)
            for position, run in enumerate(node.runs):
                self._check_run(run, f"{place}.runs[{position}]")

    def _check_run(self, run: RunRecord, place: str) -> None:
        for name, shape in (("usage", UsageShape), ("error", ErrorShape), ("receipt", ReceiptShape)):
            value = getattr(run, name)
            if value:
                _shaped(value, shape, f"{place}.{name}")
                setattr(run, name, _bounded(value, DEEPEST))
        for number, hop in enumerate(run.hops):
            _shaped(hop, HopShape, f"{place}.hops[{number}]")
        run.hops = [_bounded(hop, DEEPEST) for hop in run.hops]
        run.provider_name, run.model = clean(run.provider_name, 100), clean(run.model, 200)
        run.finish_reason = clean(run.finish_reason, 20)
        if run.status in ACTIVE:
            run.status = "interrupted"


def clean(text: str, limit: int) -> str:
    """The text without what no database stores, at most ``limit`` characters long."""
    text = text[:limit].replace("\0", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _clean_call(call: ToolCallRecord) -> ToolCallRecord:
    return ToolCallRecord(
        id=clean(call.id, LONGEST_NAME),
        name=clean(call.name, LONGEST_NAME),
        arguments=clean(call.arguments, LONGEST),
        result=None if call.result is None else clean(call.result, LONGEST),
    )


def _shaped(value: dict[str, Any], shape: type[msgspec.Struct], place: str) -> None:
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        problem, _separator, rest = str(error).partition(" - at `$")
        raise ImportProblem(place + rest.rstrip("`"), problem) from None


def _bounded(value: Any, depth: int) -> Any:
    """JSON without what is too deep, too wide or too long."""
    if isinstance(value, str):
        return clean(value, LONGEST_VALUE)
    if isinstance(value, dict):
        pairs = list(value.items())[:WIDEST] if depth else []
        return {clean(str(key), 100): _bounded(item, depth - 1) for key, item in pairs}
    if isinstance(value, list):
        return [_bounded(item, depth - 1) for item in value[:WIDEST]] if depth else []
    return value
