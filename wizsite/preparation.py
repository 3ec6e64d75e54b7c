"""What has to be true before the processes start: a migrated database, collected files, somebody who may sign in."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import DatabaseError, connection, connections

from accounts.services import AlreadySetUp, create_first_administrator
from accounts.setup import is_set_up, make_setup_token
from providers.rotation import survey_secrets

CONNECT_LIMIT = 5  # seconds
# Not used, and their type comments look like imports to the storage that hashes ES modules.
IGNORED_STATIC_FILES = ["django_htmx/ext/*"]


class StartError(Exception):
    """Wiz cannot start; the message is one line for the operator."""


@contextmanager
def one_line_database_errors() -> Iterator[None]:
    """Turn a database that does not answer into a ``StartError``."""
    try:
        yield
    except DatabaseError as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise StartError(f"The database does not work: {reason}") from None


def require_database() -> None:
    """Raise ``StartError`` with the reason when PostgreSQL takes no connection; the pool would only say it is late."""
    if connection.vendor != "postgresql":
        return
    from psycopg import Error, connect

    given = connection.settings_dict
    try:
        connect(
            host=given["HOST"],
            port=given["PORT"] or None,
            user=given["USER"],
            password=given["PASSWORD"],
            dbname=given["NAME"],
            connect_timeout=CONNECT_LIMIT,
        ).close()
    except Error as error:
        raise StartError(f"The database does not work: {str(error).splitlines()[0]}") from None


def migrate() -> None:
    """Bring the database to this version's tables."""
    require_database()
    with one_line_database_errors():
        call_command("migrate", interactive=False, verbosity=0, skip_checks=True)


def collect_static_files() -> None:
    """Copy and hash the static files, unless nothing has changed since the last time."""
    stamp = Path(f"{settings.STATIC_ROOT}.stamp")
    present = _static_fingerprint()
    if settings.STATIC_ROOT.is_dir() and stamp.exists() and stamp.read_text() == present:
        return
    call_command(
        "collectstatic",
        interactive=False,
        verbosity=0,
        skip_checks=True,
        ignore_patterns=IGNORED_STATIC_FILES,
        stdout=StringIO(),
    )
    stamp.write_text(present)


def _static_fingerprint() -> str:
    """Changes with any source file's name, size or time of change, with the way of storing them, and with Django."""
    digest = hashlib.sha256(f"{django.VERSION} {settings.STORAGES['staticfiles']}".encode())
    for finder in get_finders():
        for name, storage in finder.list(IGNORED_STATIC_FILES):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def welcome_first_administrator(base_url: str) -> str | None:
    """Create the first administrator from the environment, or give the line with the link that does it.

    ``None`` when there is nothing to say.
    """
    with one_line_database_errors():
        if is_set_up():
            return None
        if not settings.ADMIN_EMAIL and not settings.ADMIN_PASSWORD:
            return f"Create the first administrator: {base_url}setup/{make_setup_token()}/"
        _create_administrator_from_environment()
    return None


def _create_administrator_from_environment() -> None:
    if not (settings.ADMIN_EMAIL and settings.ADMIN_PASSWORD):
        raise StartError("Set both WIZ_ADMIN_EMAIL and WIZ_ADMIN_PASSWORD, or neither.")
    with suppress(AlreadySetUp):  # somebody was faster
        create_first_administrator(email=settings.ADMIN_EMAIL, password=settings.ADMIN_PASSWORD)


def refuse_unreadable_keys() -> None:
    """Raise ``StartError`` when there are provider keys and ``WIZ_ENCRYPTION_KEYS`` opens none of them.

    A single one is its owner's trouble: its provider says so, and so does ``doctor``.
    """
    with one_line_database_errors():
        survey = survey_secrets()
    if survey.unreadable and not survey.readable:
        raise StartError(
            f"None of the {survey.unreadable} stored provider keys can be decrypted. Put the key they were saved with "
            "back into WIZ_ENCRYPTION_KEYS (newest first, older ones after it). If it is lost, give them up with "
            "manage.py rotate_keys --forget-unreadable and enter them again."
        )


def close_connections() -> None:
    """Leave no database connection behind in a process that only watches others."""
    for opened in connections.all(initialized_only=True):
        opened.close()
        if close_pool := getattr(opened, "close_pool", None):  # PostgreSQL only
            close_pool()
