"""Health for load balancers and orchestrators: no session, no sign-in, every part bounded in time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from providers import valkey

PART_LIMIT = 2.0  # seconds

# Threads of its own: a database that hangs must not occupy the threads that serve pages, and probes do not pile up.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="health")


@never_cache
async def live(_request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@never_cache
async def ready(_request: HttpRequest) -> JsonResponse:
    """Database, Valkey and migrations work; else 503 and what fails."""
    outcomes = await asyncio.gather(*(_probe(check) for check in PARTS.values()))
    failing = {name: problem for name, problem in zip(PARTS, outcomes, strict=True) if problem}
    if failing:
        return JsonResponse({"status": "unavailable", "failing": failing}, status=503)
    return JsonResponse({"status": "ok", "parts": list(PARTS)})


async def _probe(check: Callable[[], str]) -> str:
    """The part's problem in words, or nothing. Never an exception's text, which may name hosts and accounts."""
    try:
        async with asyncio.timeout(PART_LIMIT):
            return await asyncio.get_running_loop().run_in_executor(_threads, check)
    except TimeoutError:
        return f"no answer within {PART_LIMIT:g} s"
    except Exception as error:
        return type(error).__name__


def check_database() -> str:
    """Whether a query comes back."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()
    return ""


def check_valkey() -> str:
    """Whether Valkey takes commands."""
    return "" if valkey.client().ping() else "no answer"


def check_migrations() -> str:
    """Whether every migration of this version has been applied."""
    try:
        applied = MigrationRecorder(connection).applied_migrations()
    finally:
        connection.close()
    missing = known_migrations() - set(applied)
    return f"{len(missing)} migration(s) not applied" if missing else ""


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """The app and the name of every migration of this version."""
    return frozenset(MigrationLoader(None).graph.nodes)


PARTS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "valkey": check_valkey,
    "migrations": check_migrations,
}
