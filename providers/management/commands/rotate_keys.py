"""``manage.py rotate_keys``."""

from django.core.management.base import BaseCommand

from providers import services


class Command(BaseCommand):
    """Put every stored secret under the newest encryption key."""

    help = "Re-encrypt all provider keys with the first of WIZ_ENCRYPTION_KEYS. Safe to repeat."

    def handle(self, *_args: object, **_options: object) -> None:
        """Rotate, and tell what remains unreadable."""
        changed = services.rotate_keys()
        self.stdout.write(f"Re-encrypted: {changed}.")
        if unreadable := services.count_unreadable_keys():
            self.stderr.write(
                f"Unreadable: {unreadable}. Enter these keys again, or bring the old encryption key back."
            )
