"""The ledger: what every call used and cost."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.models.provider import Provider


class UsageRecordQuerySet(models.QuerySet["UsageRecord"]):
    """Reads of the ledger."""

    def visible_to(self, user: User) -> "UsageRecordQuerySet":
        """One's own; staff sees all."""
        return self if user.is_staff else self.filter(user=user)


class UsageRecord(models.Model):
    """One call. Rows are only ever added; names are copied so that they outlive what they name."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="usage_records"
    )
    provider = models.ForeignKey(Provider, on_delete=models.SET_NULL, null=True, related_name="usage_records")
    provider_name = models.CharField(max_length=100)
    model = models.CharField(max_length=200)
    agent_name = models.CharField(max_length=100, blank=True)
    is_shared = models.BooleanField(_("asked of a shared provider"), default=False)
    generation_id = models.UUIDField(null=True, blank=True)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cache_read_tokens = models.PositiveBigIntegerField(default=0)
    cache_write_tokens = models.PositiveBigIntegerField(default=0)
    reasoning_tokens = models.PositiveBigIntegerField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=8, null=True, blank=True)
    is_certain = models.BooleanField(_("told by the provider"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UsageRecordQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("user", "created_at"), name="usage_of_user_by_time"),
            models.Index(fields=("created_at",), name="usage_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.model}: {self.input_tokens} + {self.output_tokens}"
