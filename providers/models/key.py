"""Further keys of a provider: they share its load, and stand in for one that was refused."""

import uuid
from typing import ClassVar

from django.db import models
from django.db.models import Field
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from providers.errors import KeyUnreadable
from providers.models.provider import Provider
from providers.sealed import Sealed, SealedField, SecretUnreadable, sealed_field


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
        return self.name

    @property
    def name(self) -> str:
        """What people call it: the label, else the end of the key, which short keys do not show."""
        return self.label or self.key_hint or str(_("Further key"))

    def seal(self, field_name: str, secret: str) -> Sealed:
        """Encrypt a secret for this row and its provider's present address; does not save."""
        return sealed_field(ProviderKey, field_name).seal(secret, row=str(self.pk), host=self.provider.origin)

    def open_secret(self, field_name: str) -> str:
        """The plaintext; raises ``KeyUnreadable``."""
        sealed: Sealed = getattr(self, field_name)
        try:
            return sealed.open(row=str(self.pk), host=self.provider.origin)
        except SecretUnreadable:
            raise KeyUnreadable(provider=self.provider.name) from None
