"""``manage.py restore FILE``."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from wizsite.archive import BackupError
from wizsite.preparation import StartError
from wizsite.restore import restore_backup


class Command(BaseCommand):
    """Fill this instance from an archive of ``manage.py backup``."""

    help = "Restores an archive of manage.py backup, whole or not at all, from SQLite or PostgreSQL alike. Stop Wiz."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where from."""
        parser.add_argument("file", type=Path, metavar="FILE", help="an archive of manage.py backup")
        parser.add_argument("--force", action="store_true", help="erase everything in an instance that is not empty")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 1 when nothing was restored."""
        try:
            restored = restore_backup(source=options["file"], replace=options["force"])
        except (BackupError, StartError) as error:
            self.stderr.write(str(error))
            sys.exit(1)
        except OSError as error:
            self.stderr.write(f"The uploads cannot be written: {error.strerror or type(error).__name__}.")
            sys.exit(1)
        manifest = restored.manifest
        self.stdout.write(
            f"Restored the backup of {manifest.created_at:%Y-%m-%d %H:%M} UTC: "
            f"{manifest.row_count} rows, {manifest.upload_count} files. Everybody has to log in again."
        )
        if restored.interrupted:
            self.stdout.write(f"{restored.interrupted} answers were being written; they are interrupted now.")
        if restored.unreadable:
            self.stderr.write(
                f"{restored.unreadable} stored secrets cannot be decrypted here: put the key they were saved with "
                "into WIZ_ENCRYPTION_KEYS."
            )
