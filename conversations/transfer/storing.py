"""Stores what a file holds: as new rows of one person, with fresh ids, whole or not at all."""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _lazy

from accounts.models import User
from agents.models import Agent
from conversations import shelf
from conversations.models import ACTIVE, Conversation, Folder, Generation, Message, Tag
from conversations.titles import make_title
from conversations.transfer.archive import ErrorShape, HopShape, ReceiptShape, RunRecord, UsageShape
from conversations.transfer.reading import Reading, Skipped, read_file
from conversations.transfer.tree import ImportProblem, Node, Talk

TOGETHER: Final = 1000  # messages of one transaction: on SQLite everybody else waits for it
LONGEST: Final = 10 * settings.MAX_MESSAGE_LENGTH  # characters of a message
DEEPEST: Final = 6  # of the free parts of a run
WIDEST: Final = 100  # entries of one part
LONGEST_VALUE: Final = 10_000  # characters
SHOWN: Final = 100  # skipped conversations that a report names


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file. ``left_out`` counts what has no place here, by kind; ``first`` is where to look."""

    source: str
    conversations: int
    messages: int
    left_out: dict[str, int]
    skipped: list[Skipped]
    skipped_count: int
    first: uuid.UUID | None

    def record(self) -> dict[str, object]:
        """The JSON form."""
        return {**asdict(self), "skipped": [skip._asdict() for skip in self.skipped]}


def import_file(*, user: User, body: bytes) -> Report:
    """Take the conversations of a file in. Raises ``TooLarge`` and ``ImportProblem``, and then nothing is stored."""
    reading = read_file(body)
    batches = list(_batches(reading.talks, Checker()))
    stored: list[uuid.UUID] = []
    try:
        for batch in batches:
            with transaction.atomic():
                stored += _Writer(user).write(batch)
    except BaseException:
        Conversation.objects.filter(pk__in=stored).delete()
        raise
    return _report(reading, stored)


class Checker:
    """Makes the texts and the runs of a file fit for rows, before any is written."""

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
            node.agent_name, node.model = clean(node.agent_name, 100), clean(node.model, 200)
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


class _Writer:
    """Writes conversations of one person."""

    def __init__(self, user: User) -> None:
        self.user = user
        self.now = timezone.now()
        self.agents = {agent.name: agent for agent in Agent.objects.visible_to(user)}
        self.folders = {folder.name.casefold(): folder for folder in Folder.objects.visible_to(user)}

    def write(self, talks: list[Talk]) -> list[uuid.UUID]:
        """Their new ids, in order."""
        return [self._write(talk) for talk in talks]

    def _write(self, talk: Talk) -> uuid.UUID:
        title = talk.title or make_title(next((node.content for node in talk.nodes if node.content), ""))
        conversation = Conversation.objects.create(
            owner=self.user,
            agent=self.agents.get(talk.agent),
            folder=self._folder(talk),
            title=title[:200],
            is_title_automatic=talk.is_title_automatic,
            is_pinned=talk.is_pinned,
            is_archived=talk.is_archived,
        )
        messages = self._messages(talk, conversation)
        rows = list(messages.values())
        moments = [row.created_at for row in rows]
        Message.objects.bulk_create(rows, batch_size=100)
        for row, moment in zip(rows, moments, strict=True):
            row.created_at = moment  # an insertion writes its own
        Message.objects.bulk_update(rows, ["created_at"], batch_size=100)
        Generation.objects.bulk_create(self._runs(talk, conversation, messages), batch_size=100)
        Tag.objects.bulk_create(
            [Tag(conversation=conversation, name=name) for name in sorted({tag.casefold() for tag in talk.tags})],
            ignore_conflicts=True,
        )
        last = messages.get(talk.head or "") or _newest_end(rows)
        Conversation.objects.filter(pk=conversation.pk).update(
            head=last,
            created_at=self._moment(talk.created_at) or (min(moments) if moments else self.now),
            updated_at=self._moment(talk.updated_at) or (max(moments) if moments else self.now),
        )
        return conversation.pk

    def _messages(self, talk: Talk, conversation: Conversation) -> dict[str, Message]:
        """Unsaved messages by their names in the file. Without a time one comes right after its parent."""
        made: dict[str, Message] = {}
        start = self._moment(talk.created_at) or self.now
        for number, node in enumerate(talk.nodes):
            parent = made[node.parent] if node.parent is not None else None
            nearest = parent.created_at if parent else start
            made[node.key] = Message(
                id=uuid.uuid4(),
                conversation=conversation,
                parent=parent,
                role=node.role,
                content=node.content,
                reasoning=node.reasoning,
                agent_name=node.agent_name,
                created_at=self._moment(node.created_at) or nearest + timedelta(microseconds=number),
            )
        return made

    def _runs(self, talk: Talk, conversation: Conversation, messages: dict[str, Message]) -> Iterator[Generation]:
        for node in talk.nodes:
            if node.role != Message.Role.ASSISTANT:
                continue
            for run in node.runs or _made_up(node):
                yield self._run(run, conversation, messages[node.key])

    def _run(self, run: RunRecord, conversation: Conversation, message: Message) -> Generation:
        given: dict[str, Any] = msgspec.structs.asdict(run)
        for name in ("queued_at", "started_at", "first_token_at", "finished_at"):
            given[name] = self._moment(given[name])
        given["queued_at"] = given["queued_at"] or message.created_at
        return Generation(conversation=conversation, message=message, **given)

    def _folder(self, talk: Talk) -> Folder | None:
        if not talk.folder:
            return None
        key = talk.folder.casefold()
        if key not in self.folders:
            self.folders[key] = shelf.create_folder(user=self.user, name=talk.folder, instructions=talk.instructions)
        return self.folders[key]

    def _moment(self, moment: datetime | None) -> datetime | None:
        """A time of a file, but none in the future."""
        return min(moment, self.now) if moment else None


def _newest_end(messages: list[Message]) -> Message | None:
    """The newest message that nothing follows."""
    above = {message.parent_id for message in messages}
    return max((row for row in messages if row.pk not in above), key=lambda row: row.created_at, default=None)


def clean(text: str, limit: int) -> str:
    """The text without what no database stores, at most ``limit`` characters long."""
    text = text[:limit].replace("\0", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _batches(talks: list[Talk], checker: Checker) -> Iterator[list[Talk]]:
    """Conversations that are written together, all of them checked."""
    batch: list[Talk] = []
    size = 0
    for talk in talks:
        checker.check(talk)
        if batch and size + len(talk.nodes) > TOGETHER:
            yield batch
            batch, size = [], 0
        batch.append(talk)
        size += len(talk.nodes)
    if batch:
        yield batch


def _made_up(node: Node) -> list[RunRecord]:
    """A run for the answer of another program, if the program says which model wrote it."""
    return [RunRecord(status="completed", model=node.model, finish_reason="stop")] if node.model else []


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


def _report(reading: Reading, stored: list[uuid.UUID]) -> Report:
    left_out: Counter[str] = Counter()
    for talk in reading.talks:
        left_out.update(talk.left_out)
    left_out.pop("root", None)
    return Report(
        source=reading.source,
        conversations=len(stored),
        messages=sum(len(talk.nodes) for talk in reading.talks),
        left_out={kind: count for kind, count in left_out.items() if count},
        skipped=reading.skipped[:SHOWN],
        skipped_count=len(reading.skipped),
        first=stored[0] if stored else None,
    )


SENTENCES: Final = {
    "attachment": _lazy("%(count)d attachments: their files are not in the export."),
    "tool": _lazy("%(count)d calls of tools and their results."),
    "system": _lazy("%(count)d messages of the system."),
    "hidden": _lazy("%(count)d messages that were hidden there too."),
    "empty": _lazy("%(count)d messages without text."),
}
OTHER: Final = _lazy("%(count)d messages of another kind.")


def sentences(report: Report) -> list[str]:
    """What was left out, in words."""
    return [str(SENTENCES.get(kind, OTHER)) % {"count": count} for kind, count in report.left_out.items()]
