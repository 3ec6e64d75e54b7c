"""``manage.py backup FILE``."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from wizsite import preparation
from wizsite.archive import BackupError
from wizsite.backup import make_backup


class Command(BaseCommand):
    """Write the database and the uploads into one archive, while Wiz goes on."""

    help = "Writes a consistent archive of the database (secrets stay encrypted) and the uploads. Wiz may be running."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path, metavar="FILE", help="the archive to make, for example wiz.zip")
        parser.add_argument("--force", action="store_true", help="replace a file that exists")

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit status 1 when no backup was made; then there is no file either."""
        target: Path = options["file"]
        try:
            preparation.require_database()
            manifest = make_backup(target=target, overwrite=options["force"])
        except (BackupError, preparation.StartError) as error:
            self.stderr.write(str(error))
            sys.exit(1)
        except OSError as error:
            self.stderr.write(f"{target} cannot be written: {error.strerror or type(error).__name__}.")
            sys.exit(1)
        except DatabaseError as error:
            self.stderr.write(f"The database does not work: {' '.join(str(error).split())}")
            sys.exit(1)
        size = target.stat().st_size
        self.stdout.write(f"{target}: {manifest.row_count} rows, {manifest.upload_count} files, {size} bytes.")
        if manifest.uploads_missing:
            self.stderr.write(f"{manifest.uploads_missing} uploads are not in it: their files are gone.")
        self.stdout.write("Not in it: the encryption keys (WIZ_ENCRYPTION_KEYS or secrets/). Keep them somewhere else.")
