"""The form of a backup: a zip archive that SQLite and PostgreSQL share.

``rows/<model>.jsonl`` has one JSON array per row, in the order of the columns that the manifest names; parents stand
before their children. ``uploads/<name>`` are the files that rows name, and ``uploads.jsonl`` lists them.
``manifest.json`` is written last and has the SHA-256 of every other part, so a cut-off archive has none.
"""

import hashlib
import json
import re
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import msgspec
from django.apps import apps
from django.conf import settings
from django.db import models

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
UPLOADS: Final = "uploads.jsonl"
LARGEST_MANIFEST: Final = 2**20  # bytes
BLOCK: Final = 2**18  # bytes
UPLOAD_NAME: Final = re.compile(r"[0-9a-f]{2}/[0-9a-f]{40}\.[a-z0-9]{1,8}")
"""The names of ``Attachment.file``; nothing else is ever written to a disk."""
LEFT_OUT: Final = frozenset(
    {
        "sessions.session",
        "usersessions.usersession",
        "account.emailconfirmation",
        "accounts.loginattempt",
        "conversations.searchentry",  # the triggers of the database write it anew
    }
)


class BackupError(Exception):
    """A backup cannot be made or restored; the message is one line for the operator."""


class Part(msgspec.Struct, frozen=True):
    """A file of the archive."""

    name: str
    size: int
    sha256: str


class Table(msgspec.Struct, frozen=True):
    """The rows of one model."""

    model: str
    columns: list[str]
    rows: int
    part: Part


class Manifest(msgspec.Struct, frozen=True):
    """What the archive holds, and what made it. ``migrations`` are those that its tables had."""

    format: int
    wiz: str
    database: str
    created_at: datetime
    migrations: list[str]
    tables: list[Table]
    uploads: Part
    upload_count: int
    uploads_missing: int

    @property
    def row_count(self) -> int:
        """All rows together."""
        return sum(table.rows for table in self.tables)


def wiz_version() -> str:
    """The version that this checkout calls itself."""
    try:
        return str(tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]["version"])
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return "unknown"


def all_tables() -> list[type[models.Model]]:
    """Every model with a table of its own, those of many-to-many fields included."""
    found = apps.get_models(include_auto_created=True)
    return [model for model in found if model._meta.managed and not model._meta.proxy]


def kept_tables() -> list[type[models.Model]]:
    """The models whose rows a backup holds: conversations come before their messages."""
    return [model for model in all_tables() if model._meta.label_lower not in LEFT_OUT]


class Archive:
    """A backup that is read. Every method raises ``BackupError`` for what is damaged."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self.manifest: Final = self._read_manifest()

    def check(self) -> None:
        """Read everything once, and compare it with the manifest."""
        for table in self.manifest.tables:
            if self._measure(table.part) != table.rows:
                raise _damaged(f"{table.part.name} has not {table.rows} rows")
        if self._measure(self.manifest.uploads) != self.manifest.upload_count:
            raise _damaged(f"{UPLOADS} has not {self.manifest.upload_count} rows")
        for upload in self.uploads():
            self._measure(upload)

    def rows(self, table: Table) -> Iterator[tuple[list[Any], int]]:
        """The values of every row, and how many bytes they take."""
        for line in self._lines(table.part):
            values = _parsed(table.part, line)
            if not isinstance(values, list) or len(values) != len(table.columns):
                raise _damaged(f"{table.part.name} has a row of another length")
            yield values, len(line)

    def uploads(self) -> Iterator[Part]:
        """The stored files. Their names lie below ``uploads/`` and can lead nowhere else."""
        for line in self._lines(self.manifest.uploads):
            try:
                upload = msgspec.json.decode(line, type=Part)
            except msgspec.MsgspecError:
                raise _damaged(f"{UPLOADS} cannot be read") from None
            if not UPLOAD_NAME.fullmatch(upload.name.removeprefix("uploads/")):
                raise _damaged("it names a file that Wiz does not keep")
            yield upload

    @contextmanager
    def open(self, part: Part) -> Iterator[BinaryIO]:
        """One part as a stream."""
        try:
            with self._file.open(part.name) as stream:
                yield cast(BinaryIO, stream)
        except (zipfile.BadZipFile, KeyError, zlib.error, EOFError, NotImplementedError, RuntimeError):
            raise _damaged(f"{part.name} is missing or broken") from None

    def _measure(self, part: Part) -> int:
        """How many lines a part has, after its sum was found to be right."""
        digest, size, lines = hashlib.sha256(), 0, 0
        with self.open(part) as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
                size += len(block)
                lines += block.count(b"\n")
                if size > part.size:
                    break
        if (size, digest.hexdigest()) != (part.size, part.sha256):
            raise _damaged(f"{part.name} has another sum than the manifest says")
        return lines

    def _lines(self, part: Part) -> Iterator[bytes]:
        with self.open(part) as stream:
            yield from stream

    def _read_manifest(self) -> Manifest:
        try:
            if self._file.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
                raise _damaged("its manifest is too long")
            text = self._file.read(MANIFEST)
            form = msgspec.json.decode(text, type=dict[str, Any]).get("format")
            if isinstance(form, int) and form > FORMAT:
                raise BackupError(f"The archive has format {form}, and this Wiz knows {FORMAT}: use a newer one.")
            return msgspec.json.decode(text, type=Manifest)
        except (zipfile.BadZipFile, KeyError, zlib.error, EOFError, msgspec.MsgspecError):
            raise _damaged("it has no manifest that can be read") from None


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """The archive at ``path``; raises ``BackupError`` when there is none."""
    try:
        file = zipfile.ZipFile(path)
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or type(error).__name__}.") from None
    except zipfile.BadZipFile:
        raise BackupError(f"{path} is no backup of Wiz, or only a part of one.") from None
    with file:
        yield Archive(file)


def _parsed(part: Part, line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        raise _damaged(f"{part.name} has a row that cannot be read") from None


def _damaged(why: str) -> BackupError:
    return BackupError(f"The archive is damaged: {why}.")
