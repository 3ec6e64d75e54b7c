"""From the bytes of a file to conversations: which program wrote it, and what of it can be taken."""

import io
import zipfile
from collections.abc import Callable, Sized
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec
from django.utils.translation import gettext as _
from msgspec import Raw, Struct

from conversations.transfer import chatgpt, claude, openwebui
from conversations.transfer.archive import ClosedRecord, ConversationRecord, MessageRecord
from conversations.transfer.counting import TooMany, check_count, check_parts, split
from conversations.transfer.tree import MOST_REPEATED, ImportProblem, Node, Talk, order, straighten

LIMIT: Final = 104_857_600  # bytes of a file, also after unpacking
MOST_CONVERSATIONS: Final = 20_000
MOST_MESSAGES: Final = 500_000
MOST_PARTS: Final = 4_000_000  # objects and lists: one in 26 bytes of the largest file
INSIDE: Final = "conversations.json"  # what ChatGPT and Claude call it in their ZIP files


class Skipped(NamedTuple):
    """A conversation that was not taken, and why."""

    place: str
    title: str
    reason: str


@dataclass(slots=True)
class Reading:
    """What a file holds."""

    source: str
    talks: list[Talk] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


class TooLarge(Exception):
    """The file has more bytes than are taken."""

    def __init__(self) -> None:
        super().__init__(_("The file is too large: at most %(limit)d MB are accepted.") % {"limit": LIMIT // 2**20})


class Probe(Struct):
    """The fields by which programs are told apart."""

    format: Raw = Raw()
    mapping: Raw = Raw()
    chat_messages: Raw = Raw()
    chat: Raw = Raw()
    title: Any = None
    name: Any = None


class Source(NamedTuple):
    """How the conversations of a program are read."""

    name: str
    kind: type[Sized]
    read: Callable[[Any], Talk]


SOURCES: Final = {
    "mapping": Source("chatgpt", chatgpt.Conversation, chatgpt.read),
    "chat_messages": Source("claude", claude.Conversation, claude.read),
    "chat": Source("openwebui", openwebui.Conversation, openwebui.read),
}


def read_file(body: bytes) -> Reading:
    """The conversations of a file of Wiz, ChatGPT, Claude or Open WebUI, as JSON or in a ZIP file.

    A file of Wiz is taken whole or refused; of others' files what makes no sense is skipped. Raises ``TooLarge`` and
    ``ImportProblem``, which names the place.
    """
    body = _unpacked(body).removeprefix(b"\xef\xbb\xbf")
    check_parts(body, MOST_PARTS)
    start = body[:64].lstrip()[:1]
    try:
        if start == b"{" and msgspec.json.decode(body, type=Probe).format:
            return _read_own(body)
        entries = [Raw(body)] if start == b"{" else split(body, MOST_CONVERSATIONS)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ImportProblem("file", _("This is not JSON that we know: %(reason)s") % {"reason": error}) from None
    check_count(len(entries), MOST_CONVERSATIONS, _("conversations"))
    return _read_others(entries)


def _unpacked(body: bytes) -> bytes:
    if len(body) > LIMIT:
        raise TooLarge
    if not body.startswith(b"PK\x03\x04"):
        return body
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            name = next(name for name in archive.namelist() if name.rsplit("/", 1)[-1] == INSIDE)
            with archive.open(name) as inside:
                text = inside.read(LIMIT + 1)
    except StopIteration:
        raise ImportProblem("file", _("There is no %(name)s in this ZIP file.") % {"name": INSIDE}) from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError):
        raise ImportProblem("file", _("This ZIP file cannot be opened.")) from None
    if len(text) > LIMIT:
        raise TooLarge
    return text


def _read_own(body: bytes) -> Reading:
    """A file of ours: strict, with the place of the first mistake."""
    reading, messages = Reading("wiz"), 0
    place = ""
    try:
        archive = msgspec.json.decode(body, type=ClosedRecord)
        place = "conversations"
        entries = split(archive.conversations, MOST_CONVERSATIONS)
        check_count(len(entries), MOST_CONVERSATIONS, _("conversations"))
        for number, entry in enumerate(entries):
            place = f"conversations[{number}]"
            row = msgspec.json.decode(entry, type=ConversationRecord)
            messages += len(row.messages)
            check_count(messages, MOST_MESSAGES, _("messages"))
            reading.talks.append(_own(row, place))
    except msgspec.ValidationError as error:
        problem, _separator, rest = str(error).partition(" - at `$")
        raise ImportProblem((place + rest.rstrip("`")).removeprefix(".") or "file", problem) from None
    return reading


def _own(row: ConversationRecord, place: str) -> Talk:
    nodes = [_own_node(message) for message in row.messages]
    ordered = order(nodes, place)
    roles = {node.key: node.role for node in ordered}
    for number, node in enumerate(nodes):
        above = roles.get(node.parent) if node.parent is not None else "assistant"
        if above == node.role:
            raise ImportProblem(f"{place}.messages[{number}].role", _("Questions and answers take turns."))
    if row.head is not None and row.head not in roles:
        raise ImportProblem(f"{place}.head", _("There is no such message in this conversation."))
    return Talk(
        title=row.title,
        nodes=ordered,
        head=row.head,
        agent=row.agent or "",
        created_at=row.created_at,
        updated_at=row.updated_at,
        is_pinned=row.is_pinned,
        is_archived=row.is_archived,
        is_title_automatic=row.is_title_automatic,
        folder=row.folder.name if row.folder else "",
        instructions=row.folder.instructions if row.folder else "",
        tags=row.tags,
    )


def _own_node(row: MessageRecord) -> Node:
    return Node(
        key=row.id,
        parent=row.parent,
        role=row.role,
        content=row.content,
        reasoning=row.reasoning,
        tool_calls=row.tool_calls,
        agent_name=row.agent_name,
        created_at=row.created_at,
        runs=row.runs,
        attachments=row.attachments,
    )


def _read_others(entries: list[Raw]) -> Reading:
    """A file of somebody else's: each conversation for itself."""
    reading, messages, room = Reading(""), 0, MOST_REPEATED
    for number, entry in enumerate(entries):
        place, title = f"conversations[{number}]", ""
        try:
            probe = msgspec.json.decode(entry, type=Probe)
            title = str(probe.title or probe.name or "")[:200]
            source = next((SOURCES[name] for name in SOURCES if getattr(probe, name)), None)
            if source is None:
                reading.skipped.append(Skipped(place, title, _("This is no conversation of a program that we know.")))
                continue
            conversation = msgspec.json.decode(entry, type=source.kind, strict=False)
            messages += len(conversation)
            check_count(messages, MOST_MESSAGES, _("messages"))
            talk = source.read(conversation)
            room -= straighten(talk, room)
        except TooMany:
            raise
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            reading.skipped.append(Skipped(place, title, str(error)))
            continue
        except ImportProblem as problem:
            reading.skipped.append(Skipped(place, title, problem.problem))
            continue
        reading.source = reading.source or source.name
        if talk.nodes:
            reading.talks.append(talk)
        else:
            reading.skipped.append(Skipped(place, title, _("Nothing is said in it.")))
    if not reading.source and entries:
        raise ImportProblem("file", reading.skipped[0].reason)
    return reading
