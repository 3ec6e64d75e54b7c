"""``manage.py`` in processes of its own, and databases that it has migrated."""

import atexit
import functools
import os
import subprocess
import sys
import uuid
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent


def run_manage(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """``manage.py`` with exactly this environment."""
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def clean_environment(data_dir: Path, **variables: str) -> dict[str, str]:
    """An operator's environment without any Wiz variable but these; static files are collected once per process."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    static = Path(os.environ["WIZ_DATA_DIR"]) / "static"
    return {**kept, "WIZ_DATA_DIR": str(data_dir), "WIZ_STATIC_ROOT": str(static), **variables}


@functools.cache
def migrated_file() -> Path:
    """A database file with its tables, made once for a test process: starting with a copy takes half the time."""
    folder = Path(os.environ["WIZ_DATA_DIR"]) / "migrated"
    folder.mkdir()
    migrated = run_manage(clean_environment(folder), "migrate")
    assert migrated.returncode == 0, migrated.stderr
    return folder / "wiz.sqlite3"


@functools.cache
def migrated_database(url: str) -> str:
    """As ``migrated_file``, the name of a PostgreSQL database beside that of ``url``."""
    name = f"wiz_template_{uuid.uuid4().hex[:12]}"
    execute(url, f'CREATE DATABASE "{name}"')
    atexit.register(execute, url, f'DROP DATABASE "{name}" WITH (FORCE)')
    environment = clean_environment(Path(os.environ["WIZ_DATA_DIR"]), DATABASE_URL=beside(url, name))
    migrated = run_manage(environment, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    return name


def execute(url: str, statement: str) -> None:
    """One statement of PostgreSQL's, outside any transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def beside(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
