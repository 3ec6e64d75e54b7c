"""Reads the ``conversations.json`` of a Claude export: a list of messages per conversation, newer ones with parents."""

from typing import Any

from msgspec import Struct, field

from conversations.transfer.archive import ToolCallRecord
from conversations.transfer.fencing import fenced
from conversations.transfer.moments import from_text
from conversations.transfer.tools import ToolPart, ToolResult, text_of
from conversations.transfer.tree import ASSISTANT, USER, Node, Talk

ROLES = {"human": USER, "assistant": ASSISTANT}
NOBODY = "00000000-0000-4000-8000-000000000000"
"""The parent of a first message, as the export writes it."""


class Block(Struct):
    """A part of a message: words, a thought, the call of a tool or what the tool answered."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None
    tool_use_id: str | None = None
    content: Any = None


class Attachment(Struct):
    """A file whose text the export holds."""

    file_name: str | None = None
    extracted_content: str | None = None


class Message(Struct):
    """A message; ``text`` is what the blocks say, without thoughts and tools."""

    sender: str
    uuid: str | None = None
    parent_message_uuid: str | None = None
    text: str | None = None
    content: list[Block] = field(default_factory=list)
    created_at: str | None = None
    attachments: list[Attachment] = field(default_factory=list)
    files: list[dict[str, object]] = field(default_factory=list)


class Conversation(Struct):
    """One conversation of the file."""

    chat_messages: list[Message]
    name: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    current_leaf_message_uuid: str | None = None

    def __len__(self) -> int:
        """How many messages it has."""
        return len(self.chat_messages)


def read(conversation: Conversation) -> Talk:
    """The conversation as a tree of ours, not straightened yet."""
    talk = Talk(
        title=conversation.name or "",
        nodes=[],
        head=conversation.current_leaf_message_uuid,
        created_at=from_text(conversation.created_at),
        updated_at=from_text(conversation.updated_at),
    )
    keys = {message.uuid for message in conversation.chat_messages}
    before: str | None = None
    for number, message in enumerate(conversation.chat_messages):
        key = message.uuid or f"message {number}"
        named = message.parent_message_uuid
        parent = named if named in keys else None if named == NOBODY else before
        talk.nodes.append(_node(talk, key, parent, message))
        before = key
    talk.head = talk.head or before
    return talk


def _node(talk: Talk, key: str, parent: str | None, message: Message) -> Node:
    spoken = [block.text for block in message.content if block.type == "text" and block.text]
    quoted = [_quoted(attachment) for attachment in message.attachments if attachment.extracted_content]
    talk.left_out["attachment"] += len(message.files)
    return Node(
        key,
        parent,
        ROLES.get(message.sender, message.sender or "system"),
        content="\n\n".join([*(spoken or filter(None, [message.text])), *quoted]),
        reasoning="\n\n".join(block.thinking for block in message.content if block.thinking),
        tool_parts=[part for block in message.content if (part := _tool_part(block)) is not None],
        agent_name="Claude" if message.sender == ASSISTANT else "",
        created_at=from_text(message.created_at),
    )


def _quoted(attachment: Attachment) -> str:
    """The text of a file below its name."""
    return f"{attachment.file_name or ''}\n{fenced(attachment.extracted_content or '')}".strip()


def _tool_part(block: Block) -> ToolPart | None:
    if block.type == "tool_use":
        return ToolCallRecord(id=block.id or "", name=block.name or "", arguments=text_of(block.input or {}))
    if block.type == "tool_result":
        return ToolResult(block.tool_use_id or "", block.name or "", text_of(block.content or ""))
    return None
