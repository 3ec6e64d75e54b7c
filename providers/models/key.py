"""Further keys of a provider: they share its load, and stand in for one that was refused."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Field
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.models.provider import Provider
from providers.sealed import Sealed, SealedField


class ProviderKeyQuerySet(models.QuerySet["ProviderKey"]):
    """Reads of further keys."""

    def editable_by(self, user: User) -> "ProviderKeyQuerySet":
        """Those of the providers that a person may change; nobody else sees that they exist."""
        return self.filter(provider__in=Provider.objects.editable_by(user))


class ProviderKeyManager(models.Manager["ProviderKey"].from_queryset(ProviderKeyQuerySet)):  # type: ignore[misc]
    """Leaves the secret column behind unless it is asked for."""

    def get_queryset(self) -> ProviderKeyQuerySet:
        """Every key, without its secret."""
        return super().get_queryset().defer("api_key")  # type: ignore[no-any-return]


class ProviderKey(models.Model):
    """One more key of a provider; calls are shared out by weight."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="further_keys")
    label = models.CharField(_("label"), max_length=100, blank=True)
    api_key: "Field[Sealed, Sealed]" = SealedField(editable=False)
    key_hint = models.CharField(max_length=4, blank=True, editable=False)
    weight = models.PositiveSmallIntegerField(_("weight"), default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[ProviderKeyManager] = ProviderKeyManager()

    class Meta:
        ordering = ("created_at", "id")

    def __str__(self) -> str:
        return self.label or f"…{self.key_hint}"
