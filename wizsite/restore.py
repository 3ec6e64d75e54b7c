"""Puts a backup back: all of it, or nothing.

The archive is read and checked once before anything is touched. Then one transaction empties every table, writes the
rows and checks every constraint; the triggers of the database write the search index. Answers that were being written
when the backup was made are ``interrupted``, with the text that there was.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.management.color import no_style
from django.core.management.sql import emit_post_migrate_signal
from django.db import DatabaseError, connection, models, transaction
from django.db.models import F, Max, Value
from redis.exceptions import RedisError

from accounts.audit import Action, record_event
from accounts.models import User
from conversations.models import ACTIVE, Attachment, Generation
from conversations.receipt import close_receipt
from conversations.settlement import interrupted_error
from providers.models import Provider
from providers.sealed import Sealed, SealedField
from providers.services import count_unreadable_keys
from wizsite import archive, env, heartbeat, launch, preparation
from wizsite.archive import Archive, BackupError, Manifest, Table
from wizsite.compatibility import require_known

BATCH: Final = 100  # rows of one insertion
BATCH_SIZE: Final = 4 * 2**20  # bytes after which it goes
CHECKED: Final = 500  # files of one query


@dataclass(frozen=True)
class Restored:
    """What was put back; ``interrupted`` answers had been running, ``unreadable`` secrets are opened by no key here."""

    manifest: Manifest
    interrupted: int
    unreadable: int


def restore_backup(*, source: Path, replace: bool = False) -> Restored:
    """Fill this instance from the archive; ``replace`` empties one that has people first.

    Raises ``BackupError`` and ``StartError``, and then everything is as it was.
    """
    with archive.opened(source) as backup:
        require_known(backup.manifest)
        backup.check()
        with launch.only_one():
            _refuse_running()
            _refuse_people(replace=replace)
            preparation.migrate()
            with _one_line_errors(), _long_transaction():
                interrupted = _Loader(backup).load()
                _place_uploads(backup)
            with suppress(OSError):  # the sweep of unknown files comes by later
                _erase_unknown_uploads()
        return Restored(backup.manifest, interrupted, count_unreadable_keys())


def _refuse_running() -> None:
    """The lock tells of ``up`` on this folder; processes that run one by one are known to a Valkey of their own."""
    if not env.secret("REDIS_URL"):
        return
    with suppress(RedisError, OSError):
        if heartbeat.living_workers() or heartbeat.living_beat():
            raise BackupError("Processes of Wiz are running: stop them first.")


def _refuse_people(*, replace: bool) -> None:
    preparation.require_database()
    with preparation.one_line_database_errors():
        is_empty = User._meta.db_table not in connection.introspection.table_names() or not User.objects.exists()
    if not is_empty and not replace:
        raise BackupError("This instance is not empty. Use --force to erase everything in it and restore the backup.")


@contextmanager
def _long_transaction() -> Iterator[None]:
    with transaction.atomic(durable=True):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 0")
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """What the database or a field does not take ends the restoration in one line, without the value."""
    try:
        yield
    except DatabaseError as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BackupError(f"The database does not take the backup: {reason}") from None
    except (ValidationError, TypeError, ValueError) as error:
        raise BackupError(f"The archive holds a value that does not fit ({type(error).__name__}).") from None


class _Loader:
    """Writes the rows of an archive within the caller's transaction."""

    def __init__(self, backup: Archive) -> None:
        self.backup = backup
        self.interrupted = 0

    def load(self) -> int:
        """Empty every table and fill it; how many answers are interrupted now."""
        revision = Provider.objects.aggregate(top=Max("revision"))["top"]
        tables = [model._meta.db_table for model in archive.all_tables()]
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))
        for table in self.backup.manifest.tables:
            self._load_table(table)
        self._reset_sequences()
        ContentType.objects.clear_cache()
        emit_post_migrate_signal(verbosity=0, interactive=False, db=connection.alias)
        if revision is not None:  # what other processes and Valkey remember of the same providers is out of date
            Provider.objects.update(revision=F("revision") + revision + 1)
        record_event(action=Action.IMPORTED, detail=f"backup of {self.backup.manifest.created_at:%Y-%m-%d %H:%M} UTC")
        connection.check_constraints()
        return self.interrupted

    def _load_table(self, table: Table) -> None:
        model = apps.get_model(table.model)
        every = list(model._meta.concrete_fields)
        by_name = {field.attname: field for field in every}
        fields = [by_name[name] for name in table.columns]
        limit = max(1, min(BATCH, connection.ops.bulk_batch_size(every, [model] * BATCH)))
        batch: list[models.Model] = []
        size = 0
        for values, length in self.backup.rows(table):
            pairs = zip(fields, values, strict=True)
            row = model(**{field.attname: _read(field, value) for field, value in pairs})
            self._amend(row)
            batch.append(row)
            size += length
            if len(batch) >= limit or size > BATCH_SIZE:
                _insert(model, every, batch)
                batch, size = [], 0
        if batch:
            _insert(model, every, batch)

    def _amend(self, row: models.Model) -> None:
        if isinstance(row, Attachment) and not archive.UPLOAD_NAME.fullmatch(row.file.name or ""):
            raise BackupError("The archive is damaged: a row names a file that Wiz does not keep.")
        if isinstance(row, Generation) and row.status in ACTIVE:
            self.interrupted += 1
            end = self.backup.manifest.created_at
            row.status, row.error, row.finished_at = Generation.Status.INTERRUPTED, interrupted_error(), end
            row.receipt = close_receipt(row.receipt, row, finished_at=end, usage=None)

    def _reset_sequences(self) -> None:
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), archive.all_tables()):
                cursor.execute(statement)


def _read(field: "models.Field[Any, Any]", value: Any) -> Any:
    """The value of a column from its JSON form."""
    if value is None:
        return Value(None, models.JSONField()) if isinstance(field, models.JSONField) and not field.null else None
    if isinstance(field, SealedField):
        return Sealed(str(value).encode("ascii"), field)
    return field.to_python(value)


def _insert(model: type[models.Model], fields: "list[models.Field[Any, Any]]", rows: list[models.Model]) -> None:
    """As ``bulk_create`` does, but for the values of columns that an insertion makes itself, such as times."""
    model._base_manager._insert(rows, fields=fields, raw=True)  # type: ignore[attr-defined]


def _place_uploads(backup: Archive) -> None:
    """Put the files where rows look for them. If the rows go back, the sweep of unknown files takes them away."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(mode=0o700, exist_ok=True)
    for upload in backup.uploads():
        path = root / upload.name.removeprefix("uploads/")
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if path.parent.is_symlink():
            raise BackupError(f"{path.parent} is a link: uploads are kept in folders of their own.")
        draft = path.with_suffix(".part")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file, backup.open(upload) as stream:
            shutil.copyfileobj(stream, file, archive.BLOCK)
        draft.replace(path)


def _erase_unknown_uploads() -> None:
    """What was there before and belongs to no row now."""
    root = Path(settings.MEDIA_ROOT)
    paths = root.glob("??/*")
    while batch := {path.relative_to(root).as_posix(): path for path in islice(paths, CHECKED)}:
        known = set(Attachment.objects.filter(file__in=batch).values_list("file", flat=True))
        for name in batch.keys() - known:
            batch[name].unlink(missing_ok=True)
