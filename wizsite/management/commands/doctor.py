"""``manage.py doctor``: is everything Wiz needs there, and does it work?"""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from wizsite import diagnosis


class Command(BaseCommand):
    """Print one line for each part."""

    help = "Checks database, Valkey, workers, beat, clock, encryption keys and every active provider."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 1 when any part fails."""
        healthy = True
        for finding in diagnosis.examine():
            healthy &= finding.ok
            mark = self.style.SUCCESS("ok  ") if finding.ok else self.style.ERROR("FAIL")
            self.stdout.write(f"{mark}  {finding.part}: {finding.sentence}")
        if not healthy:
            sys.exit(1)
