"""Empty the test database after a test that has committed: only the tables that hold something, nothing created anew.

Django's own way truncates every table and then asks every app to recreate its permissions, which on PostgreSQL takes
longer than most tests do.
"""

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

# What migrating has put there, and tests leave alone.
KEPT = frozenset(model._meta.db_table for model in (ContentType, Permission))


def empty_database() -> None:
    """Delete all rows of all models' tables but ``KEPT``, whatever refers to whatever."""
    connection.disable_constraint_checking()  # on SQLite, which cannot change its mind within a transaction
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger, so no foreign key either
            for table in _filled(cursor):
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608
    finally:
        connection.enable_constraint_checking()


def _filled(cursor: CursorWrapper) -> list[str]:
    tables = {model._meta.db_table for model in apps.get_models(include_auto_created=True) if model._meta.managed}
    questions = (
        f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(table)})"  # noqa: S608
        for table in sorted(tables - KEPT)
    )
    cursor.execute(" UNION ALL ".join(questions))
    return [name for (name,) in cursor.fetchall()]
