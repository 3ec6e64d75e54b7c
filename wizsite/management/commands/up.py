"""``manage.py up``: the whole of Wiz with one command."""

import argparse
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from wizsite import launch, processes
from wizsite.preparation import StartError


class Command(BaseCommand):
    """Start everything that is missing, and keep it running."""

    help = "Migrates, starts Valkey (unless REDIS_URL is set), web, workers and beat, and keeps them running."
    requires_system_checks = []  # our own checks run first and answer in one line

    def add_arguments(self, parser: CommandParser) -> None:
        """Address and size."""
        parser.add_argument("--port", type=whole_number(0, 65535), default=settings.PORT, help="0 picks a free one")
        parser.add_argument("--host", default=processes.DEFAULT_HOST)
        parser.add_argument("--workers", type=whole_number(1, 64), default=2, help="worker processes")
        parser.add_argument(
            "--concurrency",
            type=whole_number(1, 1000),
            default=processes.DEFAULT_CONCURRENCY,
            help="generations at a time in each worker",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until Ctrl-C or SIGTERM; exit status 1 when Wiz cannot start."""
        plan = launch.Plan(options["host"], options["port"], options["workers"], options["concurrency"])
        launch.raise_on_stop_signals()
        try:
            launch.Launch(plan, self._say).run()
        except StartError as error:
            self.stderr.write(str(error))
            sys.exit(1)
        except KeyboardInterrupt:
            sys.exit(130)  # stopped before it was ready

    def _say(self, line: str) -> None:
        """Print at once, also into a pipe; nobody listening is no reason to stop serving."""
        try:
            self.stdout.write(line)
            self.stdout.flush()
        except OSError:
            self.stdout = self.stderr


def whole_number(least: int, most: int) -> Any:
    """An argument type for a number within bounds."""

    def parse(value: str) -> int:
        if not value.isdecimal() or not least <= int(value) <= most:
            raise argparse.ArgumentTypeError(f"{value!r} is not a number between {least} and {most}")
        return int(value)

    return parse
