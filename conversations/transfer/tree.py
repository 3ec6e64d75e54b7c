"""Conversations as they are read from a file, and their messages in the order and shape that the database takes."""

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from conversations.pictures import Picture
from conversations.transfer.archive import AttachmentRecord, RunRecord, ToolCallRecord
from conversations.transfer.tools import ToolPart, ToolResult, answered

USER: Final = "user"
ASSISTANT: Final = "assistant"
MOST_REPEATED: Final = 50_000_000  # characters of one file that are written once more, for versions that begin alike
OVERHEAD: Final = 100  # characters that a message or a call of a tool counts for beside its own


class NamedPicture(NamedTuple):
    """A picture of a file and what it is called there."""

    name: str
    picture: Picture


class ImportProblem(ValidationError):
    """A file cannot be taken; names the place in it."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__({place: problem})
        self.place, self.problem = place, problem

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


@dataclass(slots=True)
class Node:
    """A message of a file. ``key`` and ``parent`` are the file's own names; another ``role`` than ours is left out."""

    key: str
    parent: str | None
    role: str
    content: str
    reasoning: str = ""
    tool_parts: list[ToolPart] = field(default_factory=list)
    """What another program tells of tools; ``straighten`` makes ``tool_calls`` of it."""
    tool_calls: list[ToolCallRecord] = field(default_factory=list)
    agent_name: str = ""
    model: str = ""
    created_at: datetime | None = None
    runs: list[RunRecord] = field(default_factory=list)
    attachments: list[AttachmentRecord] = field(default_factory=list)
    pictures: list[NamedPicture] = field(default_factory=list)
    """The attachments that can be kept; set when the file is checked."""


@dataclass(slots=True)
class Talk:
    """A conversation of a file."""

    title: str
    nodes: list[Node]
    head: str | None = None
    agent: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    is_pinned: bool = False
    is_archived: bool = False
    is_title_automatic: bool = False
    folder: str = ""
    instructions: str = ""
    tags: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def order(nodes: Iterable[Node], place: str) -> list[Node]:
    """The messages with parents before children; raises ``ImportProblem`` for doubles, strangers and circles."""
    by_key: dict[str, Node] = {}
    children: dict[str | None, list[Node]] = {}
    numbers: dict[str, int] = {}
    for number, node in enumerate(nodes):
        if node.key in by_key:
            raise ImportProblem(f"{place}.messages[{number}].id", _("This id is there twice."))
        by_key[node.key], numbers[node.key] = node, number
        children.setdefault(node.parent, []).append(node)
    for key, node in by_key.items():
        if node.parent is not None and node.parent not in by_key:
            raise ImportProblem(
                f"{place}.messages[{numbers[key]}].parent", _("There is no such message in this conversation.")
            )
    ordered, waiting = list[Node](), [*reversed(children.get(None, []))]
    while waiting:
        node = waiting.pop()
        ordered.append(node)
        waiting.extend(reversed(children.get(node.key, [])))
    if len(ordered) < len(by_key):
        lost = min(numbers[key] for key in by_key.keys() - {node.key for node in ordered})
        raise ImportProblem(f"{place}.messages[{lost}].parent", _("Its parents go round in a circle."))
    return ordered


def straighten(talk: Talk, room: int = MOST_REPEATED) -> int:
    """Make a stranger's tree one of ours: questions and answers take turns, and only they are there.

    What is neither, and what is empty, is left out; its children go to its parent. Several messages of one side in a
    row become one. An answer at the very beginning gets an empty question above it.

    Where such a row forks, each end has the beginning once more: returns how many characters were written again, and
    raises ``ImportProblem`` before any is, if they are more than ``room``.
    """
    kept, merged = _without_others(talk)
    by_key = {node.key: node for node in kept}
    children: dict[str | None, list[Node]] = {}
    for node in kept:
        children.setdefault(node.parent, []).append(node)
    ends = [
        node
        for node in kept
        if not (below := children.get(node.key, [])) or any(child.role != node.role for child in below)
    ]
    repeated = _repeated(kept, ends, by_key)
    if repeated > room:
        raise ImportProblem("conversation", _("Its versions repeat too much of each other."))
    talk.nodes = []
    questions: dict[str, str] = {}
    for node in ends:
        run = _run(node, by_key)
        joined = _joined(run, parent=run[0].parent)
        if joined.parent is None and node.role == ASSISTANT:
            if run[0].key not in questions:
                talk.nodes.append(_question(run[0]))
                questions[run[0].key] = talk.nodes[-1].key
            joined.parent = questions[run[0].key]
        talk.nodes.append(joined)
    head = merged.get(talk.head or "")
    talk.head = head if any(node.key == head for node in ends) else None
    return repeated


def _without_others(talk: Talk) -> tuple[list[Node], dict[str, str | None]]:
    """The messages that stay, below those that stay; and for every message the one that stands for it."""
    stands: dict[str, str | None] = {}
    kept = []
    for node in order(talk.nodes, "conversation"):
        above = stands.get(node.parent) if node.parent is not None else None
        is_other = node.role not in (USER, ASSISTANT)
        if is_other or not (node.content.strip() or node.reasoning.strip() or node.tool_parts):
            talk.left_out[node.role if is_other else "empty"] += 1
            stands[node.key] = above
            continue
        node.parent = above
        stands[node.key] = node.key
        kept.append(node)
    return kept, stands


def _repeated(kept: list[Node], ends: list[Node], by_key: dict[str, Node]) -> int:
    """How much more the rows that end there hold than all messages do; ``kept`` has parents before children."""
    sizes: dict[str, int] = {}
    own = 0
    for node in kept:
        size = _size(node)
        own += size
        above = by_key[node.parent] if node.parent is not None else None
        sizes[node.key] = size + (sizes[above.key] if above and above.role == node.role else 0)
    return sum(sizes[node.key] for node in ends) - own


def _size(node: Node) -> int:
    texts = [node.content, node.reasoning]
    for part in node.tool_parts:
        texts += [part.text] if isinstance(part, ToolResult) else [part.arguments, part.result or ""]
    return sum(map(len, texts)) + OVERHEAD * (1 + len(node.tool_parts))


def _run(node: Node, by_key: dict[str, Node]) -> list[Node]:
    """The messages of one side that end here, oldest first."""
    run = [node]
    while (above := run[-1].parent) is not None and by_key[above].role == node.role:
        run.append(by_key[above])
    return run[::-1]


def _joined(run: list[Node], *, parent: str | None) -> Node:
    last = run[-1]
    return Node(
        key=last.key,
        parent=parent,
        role=last.role,
        content="\n\n".join(node.content for node in run if node.content.strip()),
        reasoning="\n\n".join(node.reasoning for node in run if node.reasoning.strip()),
        tool_calls=answered(part for node in run for part in node.tool_parts),
        agent_name=next((node.agent_name for node in reversed(run) if node.agent_name), ""),
        model=next((node.model for node in reversed(run) if node.model), ""),
        created_at=run[0].created_at,
        runs=last.runs,
    )


def _question(first: Node) -> Node:
    """The empty question above an answer that had none; no file can know its name."""
    return Node(str(uuid.uuid4()), None, USER, _("(no question)"), created_at=first.created_at)
