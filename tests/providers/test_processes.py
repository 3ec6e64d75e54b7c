"""Four processes use a provider while it is changed: what each of them does from then on, with and without Valkey."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as present_settings
from django.db import connection
from django.db.models import F
from pytest_django import Settings

from providers import engine, freshness, registry, services
from providers.models import Provider
from providers.practice import running_practice
from tests.factories import make_provider
from tests.providers.processes import Arrival, Caller, OwnValkey, arrivals, calling, forget_arrivals
from tests.providers.registry_state import reset_registry
from tests.providers.test_rotation import forget_keys
from tests.stack import clean_environment, run_manage, wait_for

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW = "old-key", "new-key"
NEW_ENCRYPTION_KEY = "new-" + "n" * 40
EFFECT_LIMIT = 1.0  # seconds until a change is obeyed everywhere
WATCHED = 1.6  # seconds that a change is looked at, beyond that limit
PATIENCE = 20.0
ROWS = 120  # more than one batch of the rotation


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="wiz-calls-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def own_valkey(folder: Path) -> Iterator[OwnValkey]:
    server = OwnValkey(folder)
    yield server
    server.close()


@pytest.fixture(scope="module")
def environment(folder: Path, own_valkey: OwnValkey, django_db_setup: None) -> dict[str, str]:
    """Of a process that shares the tests' database; a rotation of the encryption key is on its way."""
    name = str(connection.settings_dict["NAME"])
    given = urlsplit(str(clean_environment_url()))
    url = f"sqlite:///{name}" if connection.vendor == "sqlite" else urlunsplit(given._replace(path=f"/{name}"))
    keys = ",".join([NEW_ENCRYPTION_KEY, *present_settings.FERNET_KEYS])
    return clean_environment(
        folder, DATABASE_URL=url, REDIS_URL=own_valkey.url, WIZ_ENCRYPTION_KEYS=keys, WIZ_PRIVATE_PROVIDERS="true"
    )
