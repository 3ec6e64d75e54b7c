"""Writes conversations into files: all of them as JSON that can be read in again, or one as Markdown for people.

No system prompt and nobody else's words are in it: an agent is named, nothing more.
"""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

import msgspec
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import slugify
from django.utils.translation import gettext as _

from conversations.branch import active_branch
from conversations.models import Conversation, Generation, Message
from conversations.models.conversation import ConversationQuerySet
from conversations.tool_calls import StoredCall, set_out
from conversations.transfer.archive import (
    FORMAT,
    VERSION,
    ArchiveRecord,
    ConversationRecord,
    FolderRecord,
    MessageRecord,
    RunRecord,
    ToolCallRecord,
)
from conversations.transfer.embedding import Embedding, pictures_as_links
from conversations.transfer.fencing import fenced

TOGETHER = 200  # conversations whose messages are read at once


def as_json(conversations: ConversationQuerySet) -> bytes:
    """Everything of these conversations: every version, every run, every time, and pictures up to a limit."""
    rows = list(conversations.select_related("agent", "folder").prefetch_related("tags"))
    embedding = Embedding()
    batches = (rows[start : start + TOGETHER] for start in range(0, len(rows), TOGETHER))
    records = [record for batch in batches for record in _records(batch, embedding)]
    archive = ArchiveRecord(FORMAT, VERSION, timezone.now(), records)
    return msgspec.json.format(msgspec.json.encode(archive), indent=1)


def as_markdown(conversation: Conversation) -> str:
    """The branch that is shown, to be read."""
    title = conversation.title or _("New conversation")
    day = date_format(timezone.localtime(conversation.updated_at), "DATE_FORMAT")
    parts = [f"# {title}", f"*{_('Exported from Wiz')}, {day}*"]
    for message in active_branch(conversation):
        parts += [f"## {_speaker(message)}", *pictures_as_links(message), *map(_called, message.tool_calls)]
        if message.content.strip() or not (message.tool_calls or message.attachments.all()):
            parts.append(message.content.strip() or f"*{_('(nothing)')}*")
    return "\n\n".join(parts) + "\n"


def filename(conversation: Conversation, ending: str) -> str:
    """What the file of a conversation is called."""
    return f"{slugify(conversation.title, allow_unicode=True)[:60] or 'conversation'}.{ending}"


def _speaker(message: Message) -> str:
    if message.role == Message.Role.USER:
        return _("You")
    name = message.agent_name or _("Agent")
    return f"{name} ({message.run.model})" if message.run and message.run.model else name


def _called(call: StoredCall) -> str:
    """A call of a tool: its name, the arguments and the result as code."""
    name = " ".join(call["name"].replace("`", "'").split())
    parts = [f"**{_('Tool call')}: `{name}`**"]
    if call["arguments"]:
        parts.append(fenced(set_out(call["arguments"])))
    if call["result"] is not None:
        parts += [f"{_('Result')}:", fenced(set_out(call["result"]))]
    return "\n\n".join(parts)


def _records(conversations: list[Conversation], embedding: Embedding) -> Iterable[ConversationRecord]:
    messages: dict[UUID, list[Message]] = defaultdict(list)
    for message in Message.objects.filter(conversation__in=conversations).prefetch_related("attachments"):
        messages[message.conversation_id].append(message)
    runs: dict[UUID, list[Generation]] = defaultdict(list)
    for run in Generation.objects.filter(conversation__in=conversations).order_by("queued_at"):
        runs[run.message_id].append(run)
    for conversation in conversations:
        yield _record(conversation, [_message(row, runs[row.pk], embedding) for row in messages[conversation.pk]])


def _record(conversation: Conversation, messages: list[MessageRecord]) -> ConversationRecord:
    folder = conversation.folder
    return ConversationRecord(
        title=conversation.title,
        agent=conversation.agent.name if conversation.agent else None,
        head=str(conversation.head_id) if conversation.head_id else None,
        is_pinned=conversation.is_pinned,
        is_archived=conversation.is_archived,
        is_title_automatic=conversation.is_title_automatic,
        folder=FolderRecord(folder.name, folder.instructions) if folder else None,
        tags=[tag.name for tag in conversation.tags.all()],
        created_at=conversation.created_at,
        updated_at=conversation.updated_at,
        messages=messages,
    )


def _message(message: Message, runs: list[Generation], embedding: Embedding) -> MessageRecord:
    return MessageRecord(
        id=str(message.pk),
        parent=str(message.parent_id) if message.parent_id else None,
        role=message.role,  # type: ignore[arg-type] # one of the two
        content=message.content,
        reasoning=message.reasoning,
        tool_calls=[ToolCallRecord(**call) for call in message.tool_calls],
        agent_name=message.agent_name,
        created_at=message.created_at,
        attachments=[embedding.record(row) for row in message.attachments.all()],
        runs=[_run(run) for run in runs],
    )


def _run(run: Generation) -> RunRecord:
    names = [name for name in RunRecord.__struct_fields__ if name != "error"]
    return RunRecord(error=dict(run.error) if run.error else None, **{name: getattr(run, name) for name in names})
