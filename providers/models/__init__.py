"""The registry's tables."""

from providers.models.catalogue import ProviderModel
from providers.models.key import ProviderKey
from providers.models.ledger import UsageRecord
from providers.models.provider import Provider, ProviderQuerySet

__all__ = ["Provider", "ProviderKey", "ProviderModel", "ProviderQuerySet", "UsageRecord"]
