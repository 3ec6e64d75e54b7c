"""``manage.py refresh_models``."""

from django.core.management.base import BaseCommand

from providers import discovery
from providers.models import Provider


class Command(BaseCommand):
    """Fetch the models of every active provider now."""

    help = "Fetch the model lists of all active providers and store them."

    def handle(self, *_args: object, **_options: object) -> None:
        """One line per provider."""
        for provider in Provider.objects.active():
            count = discovery.refresh_models(provider=provider)
            provider.refresh_from_db(fields=["health", "health_message"])
            note = f" ({provider.health_message})" if provider.health == Provider.Health.FAILING else ""
            self.stdout.write(f"{provider.name}: {count} models{note}")
