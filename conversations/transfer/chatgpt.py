"""Reads the ``conversations.json`` of a ChatGPT export: a tree of nodes per conversation."""

from typing import Any

from msgspec import Struct, field

from conversations.transfer.archive import ToolCallRecord
from conversations.transfer.moments import from_seconds
from conversations.transfer.tools import ToolPart, ToolResult
from conversations.transfer.tree import ASSISTANT, USER, Node, Talk

SPOKEN = {"text", "multimodal_text"}


class Author(Struct):
    """Who speaks; of a tool also its name."""

    role: str = ""
    name: str | None = None


class Content(Struct):
    """What is said: ``parts`` are texts, or dictionaries that stand for images and sound.

    Code has a ``text``, and so has what a tool answered, or a ``result``.
    """

    content_type: str = ""
    text: Any = None
    result: Any = None
    parts: list[Any] = field(default_factory=list)
    thoughts: list[dict[str, Any]] = field(default_factory=list)


class Metadata(Struct):
    """What we use of it."""

    model_slug: str | None = None
    is_visually_hidden_from_conversation: bool | None = None


class Message(Struct):
    """A message, of a person, a model, a tool or the system."""

    author: Author = field(default_factory=Author)
    content: Content = field(default_factory=Content)
    create_time: float | None = None
    metadata: Metadata = field(default_factory=Metadata)
    recipient: str | None = None


class Entry(Struct):
    """A node of the tree; the first has no message."""

    message: Message | None = None
    parent: str | None = None


class Conversation(Struct):
    """One conversation of the file."""

    mapping: dict[str, Entry]
    title: str | None = None
    create_time: float | None = None
    update_time: float | None = None
    current_node: str | None = None
    is_archived: bool | None = None

    def __len__(self) -> int:
        """How many messages it has."""
        return len(self.mapping)


def read(conversation: Conversation) -> Talk:
    """The conversation as a tree of ours, not straightened yet."""
    talk = Talk(
        title=conversation.title or "",
        nodes=[],
        head=conversation.current_node,
        created_at=from_seconds(conversation.create_time),
        updated_at=from_seconds(conversation.update_time),
        is_archived=bool(conversation.is_archived),
    )
    for key, entry in conversation.mapping.items():
        parent = entry.parent if entry.parent in conversation.mapping else None
        talk.nodes.append(_node(talk, key, parent, entry.message))
    return talk


def _node(talk: Talk, key: str, parent: str | None, message: Message | None) -> Node:
    if message is None:
        return Node(key, parent, "root", "")
    texts = [part for part in message.content.parts if isinstance(part, str)]
    talk.left_out["attachment"] += len(message.content.parts) - len(texts)
    tool_part = _tool_part(message, texts)
    thoughts = [str(thought.get("content") or thought.get("summary") or "") for thought in message.content.thoughts]
    return Node(
        key,
        parent,
        ASSISTANT if tool_part else _role(message),
        content="\n\n".join(filter(None, texts)) if message.content.content_type in SPOKEN and not tool_part else "",
        reasoning="\n\n".join(filter(None, thoughts)),
        tool_parts=[tool_part] if tool_part else [],
        agent_name="ChatGPT" if message.author.role == ASSISTANT else "",
        model=message.metadata.model_slug or "",
        created_at=from_seconds(message.create_time),
    )


def _tool_part(message: Message, texts: list[str]) -> ToolPart | None:
    """The call that a message to a tool is, or the result that a tool's message with words is."""
    content = message.content
    told = "\n\n".join(text for text in (content.text, content.result, *texts) if text and isinstance(text, str))
    if message.metadata.is_visually_hidden_from_conversation:
        return None
    if message.author.role == ASSISTANT and message.recipient not in (None, "all"):
        return ToolCallRecord(name=message.recipient or "", arguments=told)
    return ToolResult("", message.author.name or "", told) if message.author.role == "tool" and told else None


def _role(message: Message) -> str:
    """Ours, or a name for what is left out: hidden messages, and what else is said to or by tools."""
    if message.metadata.is_visually_hidden_from_conversation:
        return "hidden"
    if message.recipient not in (None, "all"):
        return "tool"
    return message.author.role if message.author.role in (USER, ASSISTANT) else message.author.role or "system"
