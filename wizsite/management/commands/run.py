"""``manage.py run ROLE``: one process of Wiz, for compose and service managers."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from wizsite import launch, processes
from wizsite.management.commands.up import whole_number
from wizsite.preparation import StartError


class Command(BaseCommand):
    """Replace this process by one role's process."""

    help = "Runs one process of Wiz with exactly the command line that 'up' uses."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """The role and what it depends on."""
        parser.add_argument("role", choices=processes.ROLES)
        parser.add_argument("--host", default=processes.DEFAULT_HOST, help="web, practice: address to listen on")
        parser.add_argument("--port", type=whole_number(0, 65535), default=settings.PORT, help="web, practice")
        parser.add_argument("--name", default="worker", help="worker: must be unique on its host")
        parser.add_argument("--concurrency", type=whole_number(1, 1000), default=processes.DEFAULT_CONCURRENCY)

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the deployment, then exec; signals reach the process itself."""
        try:
            launch.refuse_wrong_deployment(options["host"])
        except StartError as error:
            self.stderr.write(str(error))
            sys.exit(1)
        chosen = processes.Options(options["host"], options["port"], options["name"], options["concurrency"])
        command = processes.COMMANDS[options["role"]](chosen)
        os.chdir(settings.BASE_DIR)
        os.execv(command[0], command)  # noqa: S606 - a fixed program, and no shell is wanted
