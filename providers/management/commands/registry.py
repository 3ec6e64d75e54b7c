"""``manage.py registry``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from providers import registry
from providers.errors import ProviderNotFound

ALL = "all"


class Command(BaseCommand):
    """List the providers in use, or make every process build their clients anew."""

    help = "Show the cached providers; --clear empties the cache, --clear ID only for one provider."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--clear [ID]``."""
        parser.add_argument("--clear", nargs="?", const=ALL, metavar="ID", help="forget all, or one provider")

    def handle(self, *_args: object, **options: Any) -> None:
        """Clear if asked, else list."""
        if options["clear"]:
            self._clear(options["clear"])
            return
        for provider in registry.cached_providers():
            used = provider.last_used.isoformat(timespec="seconds")
            self.stdout.write(
                f"{provider.id}  {provider.name}  {provider.kind}  {used}  {', '.join(provider.processes)}"
            )

    def _clear(self, which: str) -> None:
        if which == ALL:
            registry.clear_all()
        else:
            try:
                registry.clear_provider(which)
            except ProviderNotFound:
                raise CommandError(f"{which!r} is not the id of a provider.") from None
        self.stdout.write("Cleared.")
