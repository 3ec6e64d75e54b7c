"""``manage.py prepare``: what has to be done once before the processes of a new version start."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from wizsite import launch, preparation


class Command(BaseCommand):
    """Migrate, collect static files, welcome the first administrator."""

    help = "Migrates, collects static files and creates the first administrator or prints the link that does."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Safe to repeat; exit status 1 when Wiz could not start."""
        try:
            launch.refuse_wrong_deployment("localhost")
            preparation.migrate()
            preparation.refuse_unreadable_keys()
            preparation.collect_static_files()
            welcome = preparation.welcome_first_administrator(settings.PUBLIC_URL + "/")
        except preparation.StartError as error:
            self.stderr.write(str(error))
            sys.exit(1)
        if welcome:
            self.stdout.write(welcome)
