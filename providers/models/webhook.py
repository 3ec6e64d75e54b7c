"""Where Wiz tells programs what has happened, and what it has told them: the outbox and the log in one."""

import uuid
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Field, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.errors import KeyUnreadable
from providers.sealed import Sealed, SealedField, SecretUnreadable, sealed_field

SEALED_FOR = "webhook"  # a signing secret is never sent anywhere, so it is bound to its row alone


class WebhookEvent(models.TextChoices):
    """What can be told."""

    GENERATION_FINISHED = "generation.finished", _("An answer is finished")
    GENERATION_FAILED = "generation.failed", _("An answer failed")
    BUDGET_WARNING = "budget.warning", _("A budget is used to four fifths")
    BUDGET_EXCEEDED = "budget.exceeded", _("A budget is used up")
    PROVIDER_UNHEALTHY = "provider.unhealthy", _("A provider began to fail")
    PROVIDER_RECOVERED = "provider.recovered", _("A provider works again")


TEST_EVENT = "webhook.test"


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    """Reads of endpoints."""

    def visible_to(self, user: User) -> "WebhookEndpointQuerySet":
        """One's own, and for staff those of the whole server."""
        return self.filter(Q(owner=user) | (Q(owner=None) if user.is_staff else Q(pk__in=[])))

    def concerned_with(self, person_id: uuid.UUID | None) -> "WebhookEndpointQuerySet":
        """Those that hear what happens to a person, or to nobody in particular."""
        own = Q(owner=person_id, owner__is_active=True) if person_id else Q(pk__in=[])
        return self.filter(Q(owner=None) | own, is_active=True)


class WebhookEndpointManager(models.Manager["WebhookEndpoint"].from_queryset(WebhookEndpointQuerySet)):  # type: ignore[misc]
    """Leaves the secrets behind unless they are asked for."""

    def get_queryset(self) -> WebhookEndpointQuerySet:
        """Every endpoint, without its secrets."""
        return super().get_queryset().defer("secret", "old_secret")  # type: ignore[no-any-return]


class WebhookEndpoint(models.Model):
    """An address that is told what happens to its owner; without an owner, what happens on the whole server."""

    class Reason(models.TextChoices):
        """Why it is switched off."""

        NONE = "", ""
        PERSON = "person", _("switched off")
        GONE = "gone", _("switched off: the receiver answered that it is gone (410)")
        FAILING = "failing", _("switched off: nothing could be delivered for three days")
        SECRET_LOST = "secret_lost", _("switched off: its secret cannot be read any more")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="webhook_endpoints"
    )
    url = models.CharField(_("address"), max_length=1000)
    description = models.CharField(_("description"), max_length=100, blank=True)
    events = models.JSONField(_("events"), default=list, blank=True)
    secret: "Field[Sealed | None, Sealed | None]" = SealedField(null=True, editable=False)
    old_secret: "Field[Sealed | None, Sealed | None]" = SealedField(null=True, editable=False)
    old_secret_until = models.DateTimeField(null=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    off_reason = models.CharField(max_length=20, choices=Reason, blank=True, default=Reason.NONE, editable=False)
    failing_since = models.DateTimeField(_("failing since"), null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[WebhookEndpointManager] = WebhookEndpointManager()

    class Meta:
        ordering = ("created_at", "id")
        verbose_name = _("webhook endpoint")

    def __str__(self) -> str:
        return self.description or self.place

    @property
    def place(self) -> str:
        """The address without its query, in which some receivers expect a password."""
        return self.url.partition("?")[0]

    @property
    def host(self) -> str:
        """Where messages go, in short."""
        return urlsplit(self.url).netloc

    def hears(self, event: str) -> bool:
        """Whether it wants to be told; an endpoint that names no event wants all."""
        return not self.events or event in self.events

    @property
    def has_old_secret(self) -> bool:
        """Whether the secret before the last rotation still signs too."""
        return self.old_secret_until is not None and timezone.now() < self.old_secret_until

    def seal(self, field_name: str, secret: str) -> Sealed:
        """Encrypt a secret for this row; does not save."""
        return sealed_field(WebhookEndpoint, field_name).seal(secret, row=str(self.pk), host=SEALED_FOR)

    def open_secret(self, field_name: str) -> str:
        """The plaintext of ``secret`` or ``old_secret``, empty when there is none; raises ``KeyUnreadable``."""
        sealed: Sealed | None = getattr(self, field_name)
        if sealed is None:
            return ""
        try:
            return sealed.open(row=str(self.pk), host=SEALED_FOR)
        except SecretUnreadable:
            raise KeyUnreadable from None


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    """Reads of deliveries."""

    def due(self) -> "WebhookDeliveryQuerySet":
        """Those whose next attempt may begin now and that nobody has taken."""
        free = Q(claimed_until=None) | Q(claimed_until__lt=Now())
        return self.filter(free, status=WebhookDelivery.Status.PENDING, next_attempt_at__lte=Now())


class WebhookDelivery(models.Model):
    """One event for one endpoint: what is to be sent, and what became of it."""

    class Status(models.TextChoices):
        """How far it is."""

        PENDING = "pending", _("waiting")
        DELIVERED = "delivered", _("delivered")
        FAILED = "failed", _("given up")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(_("event"), max_length=40)
    body = models.TextField()
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, db_default=Now())
    claimed_until = models.DateTimeField(null=True)
    response_code = models.PositiveSmallIntegerField(_("response"), null=True)
    response_text = models.CharField(max_length=500, blank=True)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    attempted_at = models.DateTimeField(_("last attempt"), null=True)
    created_at = models.DateTimeField(_("when"), db_default=Now())

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        indexes = (
            models.Index(fields=("endpoint", "-created_at"), name="delivery_log"),
            models.Index(fields=("next_attempt_at",), condition=Q(status="pending"), name="delivery_due"),
        )

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"

    @property
    def message_id(self) -> str:
        """The ``webhook-id``: the same at every attempt, so that receivers can tell repetitions."""
        return f"msg_{self.pk.hex}"
