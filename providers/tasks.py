"""Background work on providers. Arguments are ids; a row that has gone meanwhile is no error."""

from uuid import UUID

from celery import shared_task

from providers import discovery, registry
from providers.budgets import watch
from providers.models import Provider
from providers.webhooks import delivery
from providers.webhooks.settlement import purge_deliveries


@shared_task(expires=3600)
def refresh_models(provider_id: str) -> None:
    """Fetch one provider's models. While another process does, there is nothing to do: it sees later saves too."""
    provider = Provider.objects.active().filter(pk=provider_id).first()
    if provider is not None:
        discovery.refresh_models(provider=provider, patience=0)


@shared_task(expires=3600)
def refresh_all_models() -> None:
    """One task per active provider, so that a slow one delays nobody."""
    for provider_id in Provider.objects.active().values_list("pk", flat=True):
        refresh_models.delay(str(provider_id))


@shared_task(expires=600)
def cleanup_registry() -> None:
    """Close what this process has not used for long."""
    registry.cleanup()


@shared_task(expires=3600)
def deliver_webhook(delivery_id: str) -> None:
    """Begin one attempt; the event loop waits for the receiver, and no worker's thread."""
    delivery.start(UUID(delivery_id))


@shared_task(expires=10)
def sweep_webhooks() -> None:
    """Begin what is due and nobody has begun."""
    delivery.sweep()


@shared_task(expires=30)
def watch_budgets() -> None:
    """Tell of budgets that are nearly used, or wholly."""
    watch.watch_budgets()


@shared_task(expires=3600)
def forget_old_records() -> None:
    """Deliveries older than 30 days, and what was told of budgets in periods long over."""
    purge_deliveries()
    watch.forget_old_notices()
