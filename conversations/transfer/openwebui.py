"""Reads the export of Open WebUI: a tree of messages per conversation, reasoning inside the text."""

import re

from msgspec import Struct, field

from conversations.transfer.moments import from_seconds
from conversations.transfer.tree import ASSISTANT, Node, Talk

_REASONING = re.compile(r'<details\s+type="reasoning"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*', re.DOTALL)
_TOOL_CALLS = re.compile(r'<details\s+type="tool_calls"[^>]*>.*?</details>\s*', re.DOTALL)
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
    text, tools = _TOOL_CALLS.subn("", text)
    talk.left_out["tool"] += tools
    is_answer = message.role == ASSISTANT
    return Node(
        key,
        parent,
        message.role or "system",
        content=_REASONING.sub("", text) if is_answer else text,
        reasoning="\n\n".join(_QUOTE.sub("", part).strip() for part in _REASONING.findall(text)) if is_answer else "",
        agent_name=(message.model_name or message.model or "")[:100] if is_answer else "",
        model=(message.model or "")[:200] if is_answer else "",
        created_at=from_seconds(message.timestamp),
    )
