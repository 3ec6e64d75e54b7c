"""Makes a backup: one archive of the database as it was at one moment, and of the uploads that it names.

Everything is read in one read-only transaction, which on SQLite keeps nobody from writing. Secrets stay encrypted: the
keys that open them are not in the archive.
"""

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection, models, transaction

from accounts.audit import Action, record_event
from conversations.models import Attachment, Message
from providers.sealed import Sealed
from wizsite import archive, health
from wizsite.archive import BackupError, Manifest, Part, Table

CHUNK: Final = 100  # rows that are read at a time
SPOOLED: Final = 2**20  # bytes of the list of uploads that stay in memory


def make_backup(*, target: Path, overwrite: bool = False) -> Manifest:
    """Write the archive to ``target``, which appears whole or not at all, for its owner's eyes alone.

    Raises ``BackupError``.
    """
    if target.is_dir() or (target.exists() and not overwrite):
        raise BackupError(f"{target} exists already. Choose another name, or replace it with --force.")
    if problem := health.check_migrations():
        raise BackupError(f"The database is not ready ({problem}): run manage.py prepare first.")
    with _replacing(target) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped, _snapshot():
        manifest = _write(_Writer(zipped))
    record_event(action=Action.EXPORTED, detail="backup of everything")
    return manifest


class _Writer:
    """Adds parts to an archive, and measures them."""

    def __init__(self, zipped: zipfile.ZipFile) -> None:
        self._zipped = zipped

    def add(self, name: str, blocks: Iterator[bytes], compression: int = zipfile.ZIP_DEFLATED) -> Part:
        """A part made of these blocks."""
        entry = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
        entry.compress_type, entry.external_attr = compression, 0o600 << 16
        digest, size = hashlib.sha256(), 0
        with self._zipped.open(entry, "w", force_zip64=True) as stream:
            for block in blocks:
                stream.write(block)
                digest.update(block)
                size += len(block)
        return Part(name, size, digest.hexdigest())


def _write(writer: _Writer) -> Manifest:
    now = datetime.now(UTC)
    migrations = sorted(".".join(name) for name in health.known_migrations())
    tables = [_write_table(writer, model) for model in archive.kept_tables()]
    uploads, count, missing = _write_uploads(writer)
    manifest = Manifest(
        format=archive.FORMAT,
        wiz=archive.wiz_version(),
        database=connection.vendor,
        created_at=now,
        migrations=migrations,
        tables=tables,
        uploads=uploads,
        upload_count=count,
        uploads_missing=missing,
    )
    writer.add(archive.MANIFEST, iter([msgspec.json.format(msgspec.json.encode(manifest))]))
    return manifest


def _write_table(writer: _Writer, model: type[models.Model]) -> Table:
    label = model._meta.label_lower
    columns = [field.attname for field in model._meta.concrete_fields]
    count = 0

    def lines() -> Iterator[bytes]:
        nonlocal count
        for row in _rows(model, columns):
            count += 1
            yield json.dumps(row, default=_plain, separators=(",", ":")).encode() + b"\n"

    part = writer.add(f"rows/{label}.jsonl", lines())
    return Table(label, columns, count, part)


def _rows(model: type[models.Model], columns: list[str]) -> Iterator[tuple[Any, ...]]:
    rows = model._base_manager.values_list(*columns)
    if model is not Message:
        yield from rows.order_by("pk").iterator(chunk_size=CHUNK)
        return
    ordered = rows.order_by("conversation_id", "created_at", "pk").iterator(chunk_size=CHUNK)
    conversation = columns.index("conversation_id")
    for _, together in groupby(ordered, key=lambda row: row[conversation]):
        yield from _parents_first(together, columns.index("id"), columns.index("parent_id"))


def _parents_first(rows: Iterator[tuple[Any, ...]], own: int, above: int) -> Iterator[tuple[Any, ...]]:
    """The messages of one conversation; an imported one may be older than its parent."""
    seen: set[UUID | None] = {None}
    waiting: dict[UUID, list[tuple[Any, ...]]] = {}
    for row in rows:
        if row[above] not in seen:
            waiting.setdefault(row[above], []).append(row)
            continue
        free = [row]
        while free:
            yield (next_one := free.pop())
            seen.add(next_one[own])
            free += waiting.pop(next_one[own], [])


def _write_uploads(writer: _Writer) -> tuple[Part, int, int]:
    """The list of the files, how many there are, and how many are gone: deleted since the rows were read, or before."""
    count = missing = 0
    names = Attachment.objects.order_by("file").values_list("file", flat=True).distinct()
    with tempfile.SpooledTemporaryFile(SPOOLED) as listed:
        for name in names.iterator(chunk_size=CHUNK):
            if (part := _write_upload(writer, name)) is None:
                missing += 1
                continue
            count += 1
            listed.write(msgspec.json.encode(part) + b"\n")
        listed.seek(0)
        return writer.add(archive.UPLOADS, _blocks(listed)), count, missing


def _write_upload(writer: _Writer, name: str) -> Part | None:
    if not archive.UPLOAD_NAME.fullmatch(name):
        return None
    try:
        with (Path(settings.MEDIA_ROOT) / name).open("rb") as file:
            return writer.add(f"uploads/{name}", _blocks(file), zipfile.ZIP_STORED)
    except FileNotFoundError:
        return None


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(archive.BLOCK):
        yield block


def _plain(value: object) -> str:
    """A column's value as text that the field's ``to_python`` reads again; what is sealed stays so."""
    if isinstance(value, Sealed):
        return value.token.decode("ascii")
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value.isoformat()  # type: ignore[attr-defined,no-any-return]  # dates and times


@contextmanager
def _snapshot() -> Iterator[None]:
    """A transaction that sees one moment of the database, writes nothing and takes no lock that a writer waits for."""
    if connection.vendor == "postgresql":
        with transaction.atomic(durable=True), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            yield
        return
    usual, connection.transaction_mode = connection.transaction_mode, "DEFERRED"  # type: ignore[attr-defined]
    try:
        with transaction.atomic(durable=True):
            yield
    finally:
        connection.transaction_mode = usual  # type: ignore[attr-defined]


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """A new file beside ``target`` (mode 0600) that takes its name once it is written and on the disk."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
