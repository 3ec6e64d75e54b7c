"""The registry's tables."""

from providers.models.budget import Budget, BudgetNotice
from providers.models.catalogue import ProviderModel
from providers.models.key import ProviderKey
from providers.models.ledger import UsageRecord
from providers.models.provider import Provider, ProviderQuerySet
from providers.models.webhook import WebhookDelivery, WebhookEndpoint, WebhookEvent

__all__ = [
    "Budget",
    "BudgetNotice",
    "Provider",
    "ProviderKey",
    "ProviderModel",
    "ProviderQuerySet",
    "UsageRecord",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
