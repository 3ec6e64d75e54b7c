"""Everything that a running Wiz stores, as bytes, and a search in it for a secret in whatever form."""

import base64
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import psycopg
import redis
from psycopg import sql

from tests.stack import Stack

EDGE = 4  # characters at both ends that do not count: the last four are shown as a hint
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


def forms(secret: str) -> tuple[bytes, ...]:
    """The middle of a secret: as it is, in hexadecimal digits, and in base64 at each of the three alignments."""
    core = secret[EDGE:-EDGE].encode()
    encoded = [base64.b64encode(bytes(shift) + core)[shift + (shift > 0) : -4] for shift in range(3)]
    return (core, core.hex().encode(), core.hex().upper().encode(), *encoded)


def places_of(secret: str, surfaces: Mapping[str, bytes]) -> list[str]:
    """The names of the surfaces on which the secret is found."""
    wanted = forms(secret)
    return [name for name, content in surfaces.items() if any(form in content for form in wanted)]


def stored(stack: Stack) -> dict[str, bytes]:
    """Database, Valkey, files and output of a running Wiz."""
    return {**_tables(stack), **_valkey(stack), **_files(stack), "output of up": stack.output.encode()}


def unpacked_backup(stack: Stack) -> dict[str, bytes]:
    """The files of a backup."""
    archive = stack.data_dir / "backup.zip"
    result = stack.manage("backup", str(archive))
    assert result.returncode == 0, result.stderr
    folder = stack.data_dir / "unpacked"
    shutil.unpack_archive(archive, folder)
    return {f"backup {path.name}": path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _tables(stack: Stack) -> dict[str, bytes]:
    if url := stack.environment.get("DATABASE_URL"):
        with psycopg.connect(url) as postgres:
            names = [name for (name,) in postgres.execute(TABLES)]
            return {
                f"table {name}": _row_bytes(postgres.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))))
                for name in names
            }
    with closing(sqlite3.connect(f"file:{stack.data_dir / 'wiz.sqlite3'}?mode=ro", uri=True)) as sqlite:
        names = [name for (name,) in sqlite.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {f"table {name}": _row_bytes(sqlite.execute(f'SELECT * FROM "{name}"')) for name in names}  # noqa: S608


def _row_bytes(rows: Any) -> bytes:
    return b"\n".join(_plain(value) for row in rows for value in row)


def _plain(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def _valkey(stack: Stack) -> dict[str, bytes]:
    url = stack.environment.get("REDIS_URL") or f"unix://{stack.data_dir / 'valkey' / 'valkey.sock'}"
    with redis.Redis.from_url(url) as client:
        return {f"Valkey {name!r}": name + repr(_value(client, name)).encode() for name in client.scan_iter(count=1000)}


def _value(client: redis.Redis, name: bytes) -> object:
    kind = client.type(name)
    if kind == b"hash":
        return client.hgetall(name)
    if kind == b"list":
        return client.lrange(name, 0, -1)
    if kind == b"set":
        return client.smembers(name)
    if kind == b"zset":
        return client.zrange(name, 0, -1)
    return client.xrange(name) if kind == b"stream" else client.get(name)


def _files(stack: Stack) -> dict[str, bytes]:
    return {f"file {name}": content for name, content in _read_all(stack)}


def _read_all(stack: Stack) -> Iterator[tuple[str, bytes]]:
    for path in stack.data_dir.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(stack.data_dir)), path.read_bytes()
