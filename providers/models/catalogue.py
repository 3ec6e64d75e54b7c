"""The stored catalogue of models."""

from datetime import date

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.models.provider import Provider


class ProviderModelQuerySet(models.QuerySet["ProviderModel"]):
    """Reads of the catalogue."""

    def visible_to(self, user: User) -> "ProviderModelQuerySet":
        """The models of the providers that a person may use."""
        return self.filter(provider__in=Provider.objects.visible_to(user))

    def offered(self) -> "ProviderModelQuerySet":
        """Chat models of active providers that nobody has hidden and that still answer."""
        return self.filter(provider__is_active=True, is_hidden=False, is_chat=True).exclude(ended())

    def ending(self) -> "ProviderModelQuerySet":
        """Models whose end has come or was announced."""
        return self.filter(~Q(lifecycle=ProviderModel.Lifecycle.ACTIVE) | Q(ends_on__isnull=False))


def today() -> date:
    """The day by which models end: the vendors' days are in UTC."""
    return timezone.now().date()


def ended() -> Q:
    """The condition that the vendor calls a model retired, or that its last day has passed."""
    return Q(lifecycle=ProviderModel.Lifecycle.RETIRED) | Q(ends_on__isnull=False, ends_on__lt=today())


class ProviderModel(models.Model):
    """One model of one provider: what it is called, what it can do, what it costs."""

    class Source(models.TextChoices):
        """Where the row came from."""

        LIVE = "live", _("told by the provider")
        STATIC = "static", _("known beforehand")

    class Lifecycle(models.TextChoices):
        """What the vendor says about its future."""

        ACTIVE = "active", _("active")
        DEPRECATED = "deprecated", _("deprecated")
        RETIRED = "retired", _("retired")

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="catalogue")
    model_id = models.CharField(max_length=200)
    display_name = models.CharField(max_length=200, blank=True)
    capabilities = models.JSONField(default=dict)
    context_length = models.PositiveIntegerField(null=True, blank=True)
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True)
    input_price = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    output_price = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    cache_read_price = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    cache_write_price = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    is_chat = models.BooleanField(default=True)
    is_hidden = models.BooleanField(default=False)
    overrides = models.JSONField(default=dict, blank=True)
    lifecycle = models.CharField(max_length=10, choices=Lifecycle, default=Lifecycle.ACTIVE)
    ends_on = models.DateField(_("ends on"), null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source, default=Source.LIVE)
    position = models.PositiveIntegerField(default=0)
    fetched_at = models.DateTimeField(auto_now=True)

    objects = ProviderModelQuerySet.as_manager()

    class Meta:
        ordering = ("provider", "position", "model_id")
        constraints = (models.UniqueConstraint(fields=("provider", "model_id"), name="model_once_per_provider"),)

    def __str__(self) -> str:
        return self.display_name or self.model_id

    @property
    def stage(self) -> "ProviderModel.Lifecycle":
        """The lifecycle as of today: a model whose last day has passed is retired, whatever was told before."""
        if self.ends_on is not None and self.ends_on < today():
            return self.Lifecycle.RETIRED
        if self.lifecycle == self.Lifecycle.ACTIVE and self.ends_on is not None:
            return self.Lifecycle.DEPRECATED
        return self.Lifecycle(self.lifecycle)
