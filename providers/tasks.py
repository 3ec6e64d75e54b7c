"""Background work on providers. Arguments are ids; a row that has gone meanwhile is no error."""

from celery import shared_task

from providers import discovery, registry
from providers.models import Provider


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
