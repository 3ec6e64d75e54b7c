"""A generation: one run that produces one assistant message."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from agents.models import Agent
from conversations.models.conversation import Conversation
from conversations.models.message import Message
from providers.models import Provider


class GenerationQuerySet(models.QuerySet["Generation"]):
    """Reads of generations."""

    def visible_to(self, user: User) -> "GenerationQuerySet":
        """Those of one's own conversations."""
        return self.filter(conversation__owner=user)

    def active(self) -> "GenerationQuerySet":
        """Queued or running."""
        return self.filter(status__in=ACTIVE)

    def owned(self, attempts: dict[uuid.UUID, int]) -> "GenerationQuerySet":
        """The running ones among these whose attempt is still the given one: the fence against zombies."""
        fences = Q(pk__in=[])
        for pk, attempt in attempts.items():
            fences |= Q(pk=pk, attempt=attempt)
        return self.filter(fences, status=Generation.Status.RUNNING)


class Generation(models.Model):
    """One run. Every write of a running attempt carries ``attempt=… AND status='running'``.

    ``epoch`` is the first half of the attempt's event ids: milliseconds at the claim, rising within a conversation.
    A run with an ``override_model`` asks that model of ``override_provider`` instead of its agent's own.
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
    queued_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True)
    publications = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    first_token_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = GenerationQuerySet.as_manager()

    class Meta:
        ordering = ("-queued_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("conversation",), condition=Q(status__in=("queued", "running")), name="one_active_run"
            ),
        )
        indexes = (models.Index(fields=("status", "heartbeat_at"), name="runs_by_heartbeat"),)

    def __str__(self) -> str:
        return f"{self.status} (attempt {self.attempt})"

    @property
    def asked_agent(self) -> Agent | None:
        """The answer's agent, over the model that the reader wanted for this one answer, if any."""
        agent = self.message.agent
        if agent is None or not self.override_model:
            return agent
        return agent.over(self.override_provider, self.override_model)

    @property
    def is_active(self) -> bool:
        """Queued or running."""
        return self.status in ACTIVE


ACTIVE = (Generation.Status.QUEUED, Generation.Status.RUNNING)
