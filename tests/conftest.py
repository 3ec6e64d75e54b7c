"""A private data folder, a real Valkey and quick settings for every test process.

The settings read the environment when they are imported, so it is prepared here, at import time, and the settings
module is named only afterwards.
"""

import atexit
import functools
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import django
import pytest
from django.utils import translation
from pytest_django import DjangoDbBlocker

pytest_plugins = ["tests.stack"]

STACK_TIMEOUT = 600  # seconds; several starts of six processes on a busy machine
STACKS = {"start_stack", "stack", "shared_stack"}  # fixtures
GROUPS = ["own stack", "shared stack", ""]  # in this order; the last is of files that need none
OPERATOR_VARIABLES = ("SECRET_KEY", "WIZ_", "EMAIL_URL")


def worker_number() -> int:
    """0 for a run in one process, else the number of the parallel test process, from 1."""
    name = os.environ.get("PYTEST_XDIST_WORKER", "")
    return int(name.removeprefix("gw")) + 1 if name else 0


def own_database_number(url: str) -> str:
    """The same Redis with a database number of this process's own; number 0 is somebody's, and tests empty theirs."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{worker_number() + 1}"))


def prepare_environment() -> Path:
    """Forget the operator's settings, but keep the choice of services; returns the data folder."""
    for name in [name for name in os.environ if name.startswith(OPERATOR_VARIABLES)]:
        del os.environ[name]
    folder = Path(tempfile.mkdtemp(prefix="wiz-", dir="/tmp"))  # short: a socket's path holds 107 bytes
    (folder / "static").mkdir()  # the middleware that serves static files wants to see it
    os.environ.update(WIZ_DATA_DIR=str(folder), DJANGO_SETTINGS_MODULE="wizsite.settings", WIZ_PRIVATE_PROVIDERS="true")
    if url := os.environ.get("REDIS_URL"):
        os.environ.update(REDIS_URL=own_database_number(url))
    return folder


DATA_DIR = prepare_environment()
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)
django.setup()  # the conftest files further down import models


def pytest_configure() -> None:
    """Plain names of static files (nothing is collected), a password hash that costs no time, a quick way to empty."""
    from django.conf import settings
    from django.test import TransactionTestCase

    from tests.emptying import empty_database

    TransactionTestCase._fixture_teardown = lambda _case: empty_database()  # type: ignore[attr-defined]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Parallel test processes inherit the environment, and must not read their settings before they come here.
    del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.hookimpl(wrapper=True)  # before the hook that reads the marks, and after the one that sorts by database
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Tests in tests/browser are browser tests; whoever uses a stack fixture, or has the mark, is a stack test."""
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker("browser")
        if STACKS & set(getattr(item, "fixturenames", ())) or item.get_closest_marker("own_stack"):
            item.add_marker("stack")
            item.add_marker(pytest.mark.timeout(STACK_TIMEOUT))
    yield
    sizes = Counter(item.path for item in items)
    items.sort(key=lambda item: (GROUPS.index(group_of(item.path)), -sizes[item.path], item.path))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was wrong with a test that passed when it was tried again."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"tried again: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


@functools.cache
def group_of(path: Path) -> str:
    """Which of ``GROUPS`` a file belongs to, told by its words: who shares the tests out has not loaded it."""
    words = set(re.findall(r"\w+", path.read_text()))
    if words & {"own_stack", "StartStack"}:
        return "own stack"
    return "shared stack" if words & {"Stack", "playwright"} else ""


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each of the parallel processes takes a group of tests at a time, the first of the list first.

    A small machine bears one Chromium and one or two running Wizes: so all files with such tests are two long groups.
    Every other file is a group of its own.
    """
    from xdist.scheduler import LoadScopeScheduling

    class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            name = nodeid.split("::", 1)[0]
            return group_of(config.rootpath / name) or name

    return GroupScheduling(config, log)


@pytest.fixture(scope="session", autouse=True)
def valkey_server() -> Iterator[None]:
    """A real Valkey on the private socket that the settings point at, unless REDIS_URL names one."""
    from wizsite import embedded, env

    if env.secret("REDIS_URL"):
        yield
        return
    process = embedded.start(env.valkey_socket(DATA_DIR), DATA_DIR / "valkey")
    yield
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(autouse=True)
def empty_valkey(valkey_server: None) -> Iterator[None]:
    """Every test finds Valkey answering, whatever the last one did to it, and leaves it empty; and knows no budget."""
    from providers import valkey
    from providers.budgets import memory
    from providers.outage import outage

    outage.forget()
    memory.forget()
    yield
    valkey.client().flushdb()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """A thread that has not noticed the end yet does not keep PostgreSQL from dropping the test database."""
    from django.db import connection

    yield
    if connection.vendor != "postgresql":
        return
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """No test speaks the language of the last one's readers."""
    yield
    translation.deactivate()
