"""Whether this Wiz can take a backup of another one in."""

from typing import Final

from django.apps import apps
from django.db.migrations import RunPython, RunSQL
from django.db.migrations.loader import MigrationLoader

from wizsite.archive import BackupError, Manifest, Table, wiz_version

MOVES_ROWS: Final = (RunPython, RunSQL)


def require_known(manifest: Manifest) -> None:
    """Raise ``BackupError`` unless the tables of the archive are known here, and older rows only lack columns."""
    known = {".".join(name): migration for name, migration in MigrationLoader(None).disk_migrations.items()}
    made = f"The backup was made by Wiz {manifest.wiz}"
    if unknown := sorted(set(manifest.migrations) - known.keys()):
        raise BackupError(
            f"{made}, which is newer than this one ({wiz_version()} has no {unknown[0]}): restore it with that version."
        )
    for name in sorted(known.keys() - set(manifest.migrations)):
        if any(isinstance(operation, MOVES_ROWS) for operation in known[name].operations):
            raise BackupError(
                f"{made}, before {name} changed rows: restore it with that version, then start this one on its data."
            )
    for table in manifest.tables:
        _require_columns(table, made)


def _require_columns(table: Table, made: str) -> None:
    try:
        model = apps.get_model(table.model)
    except (LookupError, ValueError):
        raise BackupError(
            f"{made}, whose table {table.model} is not here any more: restore it with that version."
        ) from None
    present = {field.attname for field in model._meta.concrete_fields}
    if unknown := sorted(set(table.columns) - present):
        raise _gone(made, f"column {table.model}.{unknown[0]}")


def _gone(made: str, what: str) -> BackupError:
    return BackupError(f"{made}, whose {what} is not here any more: restore it with that version.")
