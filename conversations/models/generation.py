"""A generation: one run that produces one assistant message."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.db import models
from django.db.models import Count, Max, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.models import Agent
from conversations.models.conversation import Conversation
from conversations.models.message import Message
from providers.models import Provider

SERVED_RECENTLY = timedelta(minutes=10)
"""How far back it counts who was served last."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Turn(NamedTuple):
    """What decides who comes next: the smallest first."""

    running: int
    served_at: datetime


class GenerationQuerySet(models.QuerySet["Generation"]):
    """Reads of generations."""

    def visible_to(self, user: User) -> "GenerationQuerySet":
        """Those of one's own conversations that are not in the trash."""
        return self.filter(conversation__owner=user, conversation__trashed_at=None)

    def active(self) -> "GenerationQuerySet":
        """Queued or running."""
        return self.filter(status__in=ACTIVE)

    def dated(self) -> "GenerationQuerySet":
        """Each with ``read_at``: what other processes have written is compared with this clock alone."""
        return self.annotate(read_at=Now())  # type: ignore[no-redef]

    def due(self) -> "GenerationQuerySet":
        """Queued, and not waiting for a retry or about to be stopped."""
        waited = Q(next_attempt_at=None) | Q(next_attempt_at__lte=Now())
        return self.filter(waited, status=Generation.Status.QUEUED, cancel_requested=False)

    def turns(self) -> dict[uuid.UUID, Turn]:
        """The people who wait, whoever comes next first: with the fewest running, then served longest ago."""
        owner = "conversation__owner"
        waiting = list(self.due().order_by("queued_at").values_list(owner, flat=True))
        theirs = self.filter(conversation__owner__in=set(waiting)).order_by().values(owner)
        running = theirs.filter(status=Generation.Status.RUNNING).annotate(figure=Count("pk"))
        served = theirs.filter(started_at__gt=Now() - SERVED_RECENTLY).annotate(figure=Max("started_at"))
        counts = {row[owner]: row["figure"] for row in running}
        times = {row[owner]: row["figure"] for row in served}
        turns = {person: Turn(counts.get(person, 0), times.get(person, LONG_AGO)) for person in waiting}
        return dict(sorted(turns.items(), key=lambda item: item[1]))

    def places(self) -> dict[uuid.UUID, int]:
        """The place of every due run in the queue, 0 for the next one, as if nothing came and nothing ended."""
        turns = self.turns()
        before: Counter[uuid.UUID] = Counter()
        order: list[tuple[Turn, uuid.UUID]] = []
        for pk, person in self.due().order_by("queued_at", "pk").values_list("pk", "conversation__owner"):
            turn = turns.get(person, Turn(0, LONG_AGO))
            order.append((turn._replace(running=turn.running + before[person]), pk))
            before[person] += 1
        return {pk: place for place, (_, pk) in enumerate(sorted(order, key=lambda entry: entry[0]))}

    def owned(self, attempts: dict[uuid.UUID, int]) -> "GenerationQuerySet":
        """The running ones among these whose attempt is still the given one: the fence against zombies."""
        fences = Q(pk__in=[])
        for pk, attempt in attempts.items():
            fences |= Q(pk=pk, attempt=attempt)
        return self.filter(fences, status=Generation.Status.RUNNING)


class Generation(models.Model):
    """One run. Every write of a running attempt carries ``attempt=… AND status='running'``.

    ``epoch`` is the first half of the attempt's event ids: milliseconds at the claim, rising within a conversation.
    ``hop`` says whom the run asks: 0 is the agent's own provider and model, n its n-th fallback; ``hops`` tells which
    were left and why. ``failures`` counts the failed attempts of this hop, ``crashes`` those that died with their
    process; ``is_trimmed`` says that the model has refused a longer history. ``prefix`` and ``reasoning_prefix`` are
    the text that the run goes on from. All times are the database's.
    A run with an ``override_model`` asks that model of ``override_provider`` instead of its agent's own, or without an
    agent if its message has none.
    """

    class Status(models.TextChoices):
        """Where the run stands."""

        QUEUED = "queued", _("queued")
        RUNNING = "running", _("running")
        COMPLETED = "completed", _("completed")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("stopped")
        INTERRUPTED = "interrupted", _("interrupted")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="generations")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="generations")
    status = models.CharField(max_length=12, choices=Status, default=Status.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)
    hop = models.PositiveIntegerField(default=0)
    hops = models.JSONField(default=list)
    is_trimmed = models.BooleanField(default=False)
    prefix = models.TextField(blank=True)
    reasoning_prefix = models.TextField(blank=True)
    epoch = models.BigIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    override_provider = models.ForeignKey(Provider, on_delete=models.SET_NULL, null=True, related_name="+")
    override_model = models.CharField(max_length=200, blank=True)
    provider_name = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=200, blank=True)
    finish_reason = models.CharField(max_length=20, blank=True)
    usage = models.JSONField(null=True)
    error = models.JSONField(null=True)
    receipt = models.JSONField(default=dict)
    queued_at = models.DateTimeField(db_default=Now(), editable=False)
    published_at = models.DateTimeField(null=True)
    publications = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    first_token_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    read_at: datetime
    """The database's clock when the row was read; set by ``dated``."""

    objects = GenerationQuerySet.as_manager()

    class Meta:
        ordering = ("-queued_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("conversation",), condition=Q(status__in=("queued", "running")), name="one_active_run"
            ),
        )
        indexes = (
            models.Index(fields=("status", "heartbeat_at"), name="runs_by_heartbeat"),
            models.Index(fields=("started_at",), name="runs_by_start"),
        )

    def __str__(self) -> str:
        return f"{self.status} (attempt {self.attempt})"

    @property
    def asked_agent(self) -> Agent | None:
        """The answer's agent, over the model that the reader wanted for this one answer, if any; or a model alone."""
        agent = self.message.agent
        if not self.override_model:
            return agent
        if agent is None:
            return Agent.bare(self.conversation.owner, self.override_provider, self.override_model)
        return agent.over(self.override_provider, self.override_model)

    @property
    def is_active(self) -> bool:
        """Queued or running."""
        return self.status in ACTIVE


ACTIVE = (Generation.Status.QUEUED, Generation.Status.RUNNING)
