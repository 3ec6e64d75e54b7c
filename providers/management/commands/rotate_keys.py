"""``manage.py rotate_keys``."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from providers import services


class Command(BaseCommand):
    """Put every stored secret under the newest encryption key."""

    help = "Re-encrypt all provider keys with the first of WIZ_ENCRYPTION_KEYS. Safe to repeat."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--forget-unreadable``."""
        parser.add_argument("--forget-unreadable", action="store_true", help="give up what no encryption key opens")

    def handle(self, *_args: object, **options: Any) -> None:
        """Rotate, and tell what remains unreadable."""
        changed = services.rotate_keys()
        self.stdout.write(f"Re-encrypted: {changed}.")
        if options["forget_unreadable"]:
            self.stdout.write(f"Forgotten: {services.forget_unreadable_keys()}.")
        if unreadable := services.count_unreadable_keys():
            self.stderr.write(
                f"Unreadable: {unreadable}. Enter these keys again, or bring the old encryption key back."
            )
