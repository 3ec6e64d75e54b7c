"""Reads the export of Open WebUI: a tree of messages per conversation, reasoning and tool calls inside the text."""

import re
from html import unescape

import msgspec
from msgspec import Struct, field

from conversations.transfer.archive import ToolCallRecord
from conversations.transfer.moments import from_seconds
from conversations.transfer.tree import ASSISTANT, Node, Talk

_REASONING = re.compile(r'<details\s+type="reasoning"')
_TOOL_CALLS = re.compile(r'<details\s+type="tool_calls"')
_SUMMARY = re.compile(r"\s*(?:<summary>.*?</summary>)?", re.DOTALL)
_CLOSING = re.compile(r"</details>\s*")
_ATTRIBUTE = re.compile(r'\b(\w++)="([^"]*)"')
_QUOTE = re.compile(r"^>\s?", re.MULTILINE)


class Message(Struct, rename={"parent": "parentId", "model_name": "modelName"}):
    """A message of the tree."""

    role: str = ""
    content: str | None = None
    parent: str | None = None
    model: str | None = None
    model_name: str | None = None
    timestamp: float | None = None
    files: list[dict[str, object]] | None = None


class History(Struct, rename={"current": "currentId"}):
    """The tree and the last message that is shown."""

    messages: dict[str, Message] = field(default_factory=dict)
    current: str | None = None


class Chat(Struct):
    """What was said; very old exports have only a list of ``messages``."""

    history: History = field(default_factory=History)
    messages: list[Message] = field(default_factory=list)
    title: str | None = None
    tags: list[str] = field(default_factory=list)


class Meta(Struct):
    """What newer versions keep beside the conversation."""

    tags: list[str] = field(default_factory=list)


class Conversation(Struct):
    """One conversation of the file."""

    chat: Chat
    title: str | None = None
    created_at: float | None = None
    updated_at: float | None = None
    archived: bool | None = None
    pinned: bool | None = None
    meta: Meta | None = None

    def __len__(self) -> int:
        """How many messages it has."""
        return len(self.chat.history.messages or self.chat.messages)


def read(conversation: Conversation) -> Talk:
    """The conversation as a tree of ours, not straightened yet."""
    chat = conversation.chat
    talk = Talk(
        title=conversation.title or chat.title or "",
        nodes=[],
        head=chat.history.current,
        created_at=from_seconds(conversation.created_at),
        updated_at=from_seconds(conversation.updated_at),
        is_archived=bool(conversation.archived),
        is_pinned=bool(conversation.pinned),
        tags=[*(conversation.meta.tags if conversation.meta else []), *chat.tags],
    )
    tree = chat.history.messages
    for key, message in tree.items():
        talk.nodes.append(_node(talk, key, message.parent if message.parent in tree else None, message))
    for number, message in enumerate([] if tree else chat.messages):
        talk.nodes.append(_node(talk, str(number), str(number - 1) if number else None, message))
        talk.head = str(number)
    return talk


def _node(talk: Talk, key: str, parent: str | None, message: Message) -> Node:
    text = message.content or ""
    talk.left_out["attachment"] += len(message.files or [])
    is_answer = message.role == ASSISTANT
    rest, thoughts = _parted(text, _REASONING) if is_answer else (text, [])
    return Node(
        key,
        parent,
        message.role or "system",
        content=_parted(rest, _TOOL_CALLS)[0] if is_answer else text,
        reasoning="\n\n".join(_QUOTE.sub("", body).strip() for _attributes, body in thoughts),
        tool_parts=[_call(*found) for found in _parted(text, _TOOL_CALLS)[1]] if is_answer else [],
        agent_name=(message.model_name or message.model or "")[:100] if is_answer else "",
        model=(message.model or "")[:200] if is_answer else "",
        created_at=from_seconds(message.timestamp),
    )


def _parted(text: str, opening: re.Pattern[str]) -> tuple[str, list[tuple[str, str]]]:
    """The text without the blocks of a kind, and their attributes and bodies.

    The first block without an end is the last that is looked at: what has no end here has none further on.
    """
    kept, blocks, start = [], list[tuple[str, str]](), 0
    while found := opening.search(text, start):
        head = text.find(">", found.end())
        closing = _CLOSING.search(text, head) if head >= 0 else None
        if closing is None:
            break
        kept.append(text[start : found.start()])
        body = text[head + 1 : closing.start()]
        blocks.append((text[found.end() : head], _SUMMARY.sub("", body, count=1)))
        start = closing.end()
    return "".join([*kept, text[start:]]), blocks


def _call(attributes: str, body: str) -> ToolCallRecord:
    """A call with its result, which older versions have in an attribute and newer ones behind the summary."""
    told = {name: unescape(value) for name, value in _ATTRIBUTE.findall(attributes)}
    result = told.get("result") or unescape(body).strip()
    return ToolCallRecord(
        id=told.get("id", ""),
        name=told.get("name", ""),
        arguments=_decoded(told.get("arguments", "")),
        result=_decoded(result) if result or told.get("done") == "true" else None,
    )


def _decoded(text: str) -> str:
    """What is written as a JSON string, as the text that it stands for; anything else as it is."""
    try:
        return msgspec.json.decode(text, type=str)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return text
