"""``manage.py refresh_models``."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from django.core.management.base import BaseCommand
from django.db import connections

from providers import discovery
from providers.models import Provider

AT_ONCE: Final = 8

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Fetch the models of every active provider now."""

    help = "Fetch the model lists of all active providers and store them."

    def handle(self, *_args: object, **_options: object) -> None:
        """One line per provider, in the order of their names; a dead one delays nobody."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="refresh") as pool:
            for line in pool.map(_refresh, list(Provider.objects.active())):
                self.stdout.write(line)


def _refresh(provider: Provider) -> str:
    try:
        count = discovery.refresh_models(provider=provider)
        provider.refresh_from_db(fields=["models_error"])
    except Exception as error:
        logger.exception("The models of provider %s could not be refreshed.", provider.pk)
        return f"{provider.name}: {type(error).__name__}, see the log"
    finally:
        connections.close_all()
    return f"{provider.name}: {count} models" + (f" ({provider.models_error})" if provider.models_error else "")
