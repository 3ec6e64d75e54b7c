"""A private data folder, a real Valkey and quick settings for every test process.

The settings read the environment when they are imported, so it is prepared here, at import time, and the settings
module is named only afterwards.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import django
import pytest

pytest_plugins = ["tests.stack"]

STACK_TIMEOUT = 300  # seconds; several starts of six processes on a busy machine
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
    """Static files by their plain names (nothing is collected), and a password hash that costs no time."""
    from django.conf import settings

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Parallel test processes inherit the environment, and must not read their settings before they come here.
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in tests/browser are browser tests; whoever uses a stack fixture is a stack test."""
    for item in items:
        if "browser" in item.path.relative_to(Path(__file__).parent).parts:
            item.add_marker("browser")
        if {"start_stack", "stack"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("stack")
            item.add_marker(pytest.mark.timeout(STACK_TIMEOUT))
    # The parallel processes take files in this order: what takes minutes begins at once, and quick files fill the rest.
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("slow", "stack", "browser")])


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
    """Every test finds Valkey answering, whatever the last one did to it, and leaves it empty."""
    from providers import valkey
    from providers.outage import outage

    outage.forget()
    yield
    valkey.client().flushdb()
