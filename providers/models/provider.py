"""A configured account at a vendor."""

import uuid
from typing import ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Field, Q, TextChoices
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.errors import KeyUnreadable
from providers.sealed import Sealed, SealedField, SecretUnreadable, sealed_field


class ProviderQuerySet(models.QuerySet["Provider"]):
    """Reads of providers."""

    def visible_to(self, user: User) -> "ProviderQuerySet":
        """One's own, and the shared ones that are open to everyone or to one of the person's groups."""
        shared = Q(is_shared=True) & (Q(groups=None) | Q(groups__in=user.groups.values("pk")))
        staff = Q(is_shared=True) if user.is_staff else Q(pk__in=[])
        return self.filter(Q(owner=user) | shared | staff).distinct()

    def editable_by(self, user: User) -> "ProviderQuerySet":
        """One's own, and for staff the shared ones."""
        return self.filter(Q(owner=user, is_shared=False) | (Q(is_shared=True) if user.is_staff else Q(pk__in=[])))

    def active(self) -> "ProviderQuerySet":
        """Switched on."""
        return self.filter(is_active=True)


class ProviderManager(models.Manager["Provider"].from_queryset(ProviderQuerySet)):  # type: ignore[misc]
    """Leaves the secret columns behind unless they are asked for."""

    def get_queryset(self) -> ProviderQuerySet:
        """Every provider, without its secrets."""
        return super().get_queryset().defer("api_key", "headers")  # type: ignore[no-any-return]


class Provider(models.Model):
    """Who can generate text, where, and with what key."""

    class Kind(TextChoices):
        """The dialect and its defaults."""

        OPENAI = "openai", "OpenAI"
        ANTHROPIC = "anthropic", "Anthropic"
        DEEPSEEK = "deepseek", "DeepSeek"
        COMPATIBLE = "openai-compatible", _("OpenAI-compatible")

    class Health(TextChoices):
        """What the last real call showed."""

        UNKNOWN = "unknown", _("not checked yet")
        OK = "ok", _("works")
        FAILING = "failing", _("failing")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="providers"
    )
    name = models.CharField(_("name"), max_length=100)
    slug = models.SlugField(max_length=60, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=30, choices=Kind)
    base_url = models.CharField(_("base URL"), max_length=500)
    api_key: "Field[Sealed | None, Sealed | None]" = SealedField(null=True, blank=True, editable=False)
    headers: "Field[Sealed | None, Sealed | None]" = SealedField(null=True, blank=True, editable=False)
    key_hint = models.CharField(max_length=4, blank=True, editable=False)
    has_api_key = models.BooleanField(default=False, editable=False)
    key_weight = models.PositiveSmallIntegerField(_("weight of the key"), default=1)
    header_names = models.JSONField(default=list, blank=True, editable=False)
    organization = models.CharField(max_length=200, blank=True)
    project = models.CharField(max_length=200, blank=True)
    connect_timeout = models.PositiveIntegerField(_("seconds to connect"), null=True, blank=True)
    first_event_timeout = models.PositiveIntegerField(_("seconds to the first word"), null=True, blank=True)
    idle_timeout = models.PositiveIntegerField(_("seconds between two words"), null=True, blank=True)
    total_timeout = models.PositiveIntegerField(_("seconds for a whole answer"), null=True, blank=True)
    max_concurrency = models.PositiveIntegerField(_("calls at the same time"), null=True, blank=True)
    is_shared = models.BooleanField(_("shared"), default=False)
    groups = models.ManyToManyField(Group, blank=True, related_name="providers")
    is_active = models.BooleanField(_("active"), default=True)
    is_default = models.BooleanField(_("default"), default=False)
    is_practice = models.BooleanField(default=False, editable=False)
    revision = models.PositiveIntegerField(default=1, editable=False)
    health = models.CharField(max_length=10, choices=Health, default=Health.UNKNOWN, editable=False)
    health_code = models.CharField(max_length=40, blank=True, editable=False)
    health_message = models.CharField(max_length=500, blank=True, editable=False)
    health_detail = models.CharField(max_length=2000, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    models_fetched_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[ProviderManager] = ProviderManager()

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=("owner", "name"), name="provider_name_per_owner"),
            models.UniqueConstraint(fields=("name",), condition=Q(owner=None), name="provider_name_shared"),
            models.UniqueConstraint(
                fields=("owner",), condition=Q(is_default=True, is_shared=False), name="provider_default_per_owner"
            ),
            models.UniqueConstraint(
                fields=("is_default",), condition=Q(is_default=True, is_shared=True), name="provider_default_shared"
            ),
            models.CheckConstraint(
                condition=Q(is_shared=True) | Q(owner__isnull=False), name="provider_owned_or_shared"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def origin(self) -> str:
        """Scheme, host and port: what the key is bound to."""
        parts = urlsplit(self.base_url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return f"{parts.scheme}://{parts.hostname}:{port}"

    def seal(self, field_name: str, secret: str) -> Sealed:
        """Encrypt a secret for this row and its present address; does not save."""
        return sealed_field(Provider, field_name).seal(secret, row=str(self.pk), host=self.origin)

    def open_secret(self, field_name: str) -> str:
        """The plaintext of ``api_key`` or ``headers``, empty when there is none; raises ``KeyUnreadable``."""
        sealed: Sealed | None = getattr(self, field_name)
        if sealed is None:
            return ""
        try:
            return sealed.open(row=str(self.pk), host=self.origin)
        except SecretUnreadable:
            raise KeyUnreadable(provider=self.name) from None
