"""Stores what a file holds: as new rows of one person, with fresh ids, whole or not at all."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from agents.models import Agent
from conversations import shelf
from conversations.models import Conversation, Folder, Generation, Message, Tag
from conversations.titles import make_title
from conversations.transfer.archive import RunRecord
from conversations.transfer.checking import Checker
from conversations.transfer.embedding import store_pictures
from conversations.transfer.reading import read_file
from conversations.transfer.reporting import Report, make_report
from conversations.transfer.tree import Node, Talk

TOGETHER: Final = 1000  # messages of one transaction: on SQLite everybody else waits for it
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    return make_report(reading, stored)


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
        for node in talk.nodes:
            talk.left_out["attachment"] += store_pictures(self.user, node.pictures, messages[node.key])
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
                tool_calls=[msgspec.structs.asdict(call) for call in node.tool_calls],
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
        """A time of a file, but none in the future, and none that a database or a time zone cannot tell."""
        return max(EARLIEST, min(moment, self.now)) if moment else None


def _newest_end(messages: list[Message]) -> Message | None:
    """The newest message that nothing follows."""
    above = {message.parent_id for message in messages}
    return max((row for row in messages if row.pk not in above), key=lambda row: row.created_at, default=None)


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
