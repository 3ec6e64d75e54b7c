"""Writes the partial text and the heartbeats of all running attempts of a process, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from conversations.models import Generation, Message
from conversations.run import Snapshot


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which attempts still own their rows, and which of them a person wants to stop."""

    owned: frozenset[UUID]
    stopped: frozenset[UUID]


def save_checkpoints(attempts: dict[UUID, int], snapshots: Sequence[Snapshot]) -> Verdict:
    """Beat for ``attempts`` and save ``snapshots``, but only where the attempt still owns its row.

    Three statements, whatever the number of runs; the first locks the rows, so no other attempt can slip in between.
    """
    try:
        with transaction.atomic():
            owned_rows = Generation.objects.owned(attempts)
            owned_rows.update(heartbeat_at=Now())
            rows = dict(owned_rows.values_list("pk", "cancel_requested"))
            messages = [
                Message(pk=snapshot.message_id, content=snapshot.text, reasoning=snapshot.reasoning)
                for snapshot in snapshots
                if snapshot.generation_id in rows
            ]
            Message.objects.bulk_update(messages, ["content", "reasoning"])
        return Verdict(frozenset(rows), frozenset(pk for pk, wanted in rows.items() if wanted))
    finally:
        connection.close()
