"""Four processes use a provider while it is changed: what each of them does from then on, with and without Valkey."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings as present_settings
from django.db import connection
from pytest_django import Settings

from providers import engine, freshness, registry, services
from providers.models import Provider
from providers.practice import running_practice
from tests.factories import make_provider
from tests.manage import clean_environment, run_manage
from tests.providers.processes import Arrival, Caller, OwnValkey, arrivals, calling, forget_arrivals
from tests.providers.registry_state import reset_registry
from tests.providers.test_rotation import forget_keys
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW = "old-key", "new-key"
NEW_ENCRYPTION_KEY = "4hUe0vXwq8LkT2yBn6RzJd1sPf9CmGa7oViW3xQtEb5"
EFFECT_LIMIT = 1.0  # seconds until a change is obeyed everywhere
WATCHED = 1.6  # seconds that the callers are watched after a change
PATIENCE = 20.0
ROWS = 120  # more than one batch of the rotation
Withdrawal = tuple[Callable[[Provider], object], str]  # what is done, and the code of the calls after it


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
    """Of a process that shares the tests' database, and that knows a newer encryption key beside the present one."""
    name = str(connection.settings_dict["NAME"])
    server = urlsplit(os.environ.get("DATABASE_URL", ""))
    url = f"sqlite:///{name}" if connection.vendor == "sqlite" else urlunsplit(server._replace(path=f"/{name}"))
    keys = ",".join([NEW_ENCRYPTION_KEY, *present_settings.FERNET_KEYS])
    return clean_environment(
        folder, DATABASE_URL=url, REDIS_URL=own_valkey.url, WIZ_ENCRYPTION_KEYS=keys, WIZ_PRIVATE_PROVIDERS="true"
    )


@pytest.fixture(scope="module")
def callers(environment: dict[str, str]) -> Iterator[list[Caller]]:
    with calling(*[environment] * 4) as started:
        yield started


@pytest.fixture
def shared_valkey(own_valkey: OwnValkey, settings: Settings) -> Iterator[OwnValkey]:
    """The callers' Valkey, which this process uses too."""
    settings.VALKEY_URL = own_valkey.url
    reset_registry()
    yield own_valkey
    own_valkey.restore()


@pytest.fixture
def provider(practice: str, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)
    forget_arrivals(practice)
    return make_provider(api_key=OLD, base_url=f"{practice}/v1")


def start(callers: list[Caller], provider: Provider, practice: str) -> None:
    """Every process calls again and again; return when the provider knows them all."""
    for caller in callers:
        caller.tell("complete", str(provider.pk))
        caller.tell("stream", str(provider.pk))
    wait_for(lambda: callers_of(practice, OLD) == {caller.pid for caller in callers}, PATIENCE, "the first calls")


def callers_of(practice: str, key: str, since: float = 0.0) -> set[int]:
    return {arrival.process for arrival in arrivals(practice) if arrival.key == key and arrival.at > since}


def watch_until(end: float) -> None:
    wait_for(lambda: time.time() > end, PATIENCE, "the end of the watch")


def late(seen: list[Arrival], changed_at: float) -> list[float]:
    """When the calls came that should not have come any more, in seconds after the change."""
    return [after for arrival in seen if (after := arrival.at - changed_at) > EFFECT_LIMIT]


@pytest.mark.parametrize("state", ["answers", "hangs", "is closed"])
def test_a_second_after_a_new_key_nobody_sends_the_old_one_and_no_call_fails(
    callers: list[Caller], shared_valkey: OwnValkey, provider: Provider, practice: str, state: str
) -> None:
    """R29."""
    start(callers, provider, practice)
    {"answers": shared_valkey.go_on, "hangs": shared_valkey.hang, "is closed": shared_valkey.close}[state]()
    changed_at = time.time()
    services.update_provider(provider=provider, api_key=NEW)
    everybody = {caller.pid for caller in callers}
    wait_for(lambda: callers_of(practice, NEW) == everybody, PATIENCE, "calls with the new key")
    watch_until(changed_at + WATCHED)
    reports = [caller.stop() for caller in callers]
    assert late([arrival for arrival in arrivals(practice) if arrival.key == OLD], changed_at) == []
    assert [report.failures for report in reports] == [[]] * 4


@pytest.mark.parametrize(
    "withdrawal",
    [
        (lambda provider: services.update_provider(provider=provider, is_active=False), "provider_inactive"),
        (lambda provider: services.delete_provider(provider=provider), "provider_not_found"),
    ],
    ids=["switched off", "deleted"],
)
def test_a_second_after_a_provider_is_withdrawn_nobody_calls_it(
    callers: list[Caller], shared_valkey: OwnValkey, provider: Provider, practice: str, withdrawal: Withdrawal
) -> None:
    """R29."""
    withdraw, code = withdrawal
    start(callers, provider, practice)
    changed_at = time.time()
    withdraw(provider)
    watch_until(changed_at + WATCHED)
    reports = [caller.stop() for caller in callers]
    assert late(arrivals(practice), changed_at) == []
    for report in reports:
        assert {found for _, found in report.failures} == {code}
        assert report.failures[0][0] - changed_at < EFFECT_LIMIT


def test_a_provider_that_is_switched_on_again_is_used_at_once(
    callers: list[Caller], shared_valkey: OwnValkey, provider: Provider, practice: str
) -> None:
    start(callers, provider, practice)
    services.update_provider(provider=provider, is_active=False)
    watch_until(time.time() + EFFECT_LIMIT)
    changed_at = time.time()
    services.update_provider(provider=provider, is_active=True)
    everybody = {caller.pid for caller in callers}
    wait_for(lambda: callers_of(practice, OLD, changed_at) == everybody, EFFECT_LIMIT, "calls again")
    for caller in callers:
        caller.stop()


def test_a_second_after_a_move_nobody_calls_the_old_address_and_no_call_fails(
    callers: list[Caller], shared_valkey: OwnValkey, provider: Provider, practice: str
) -> None:
    start(callers, provider, practice)
    with running_practice() as other:
        changed_at = time.time()
        services.update_provider(provider=provider, base_url=f"{other}/v1", api_key=NEW)
        watch_until(changed_at + WATCHED)
        reports = [caller.stop() for caller in callers]
        assert callers_of(other, NEW) == {caller.pid for caller in callers}
    assert late(arrivals(practice), changed_at) == []
    assert callers_of(practice, NEW) == set()
    assert [report.failures for report in reports] == [[]] * 4


def test_emptying_the_registry_fails_no_call(
    callers: list[Caller], shared_valkey: OwnValkey, provider: Provider, practice: str
) -> None:
    start(callers, provider, practice)
    registry.clear_all()
    registry.clear_provider(provider.pk)
    watch_until(time.time() + WATCHED)
    assert [caller.stop().failures for caller in callers] == [[]] * 4


def test_a_process_that_slept_finishes_its_call_and_starts_no_other_with_the_old_key(
    callers: list[Caller], shared_valkey: OwnValkey, provider: Provider, practice: str
) -> None:
    sleeper = callers[0]
    sleeper.tell("stream", str(provider.pk))
    wait_for(lambda: any(arrival.is_open for arrival in arrivals(practice)), PATIENCE, "a running call")
    sleeper.sleep()
    changed_at = time.time()
    services.update_provider(provider=provider, api_key=NEW)
    watch_until(changed_at + WATCHED)
    sleeper.wake()
    wait_for(lambda: callers_of(practice, NEW) == {sleeper.pid}, PATIENCE, "a call with the new key")
    assert sleeper.stop().failures == []
    assert late([arrival for arrival in arrivals(practice) if arrival.key == OLD], changed_at) == []


def test_the_list_of_the_registry_names_every_process(
    callers: list[Caller], shared_valkey: OwnValkey, provider: Provider, practice: str
) -> None:
    for caller in callers:
        caller.tell("stream", str(provider.pk))
    pids = {str(caller.pid) for caller in callers}

    def listed() -> set[str]:
        return {name.rpartition(":")[2] for cached in registry.cached_providers() for name in cached.processes}

    wait_for(lambda: pids <= listed(), PATIENCE, "the notes of all processes")
    assert [cached.id for cached in registry.cached_providers()] == [str(provider.pk)]
    assert [caller.stop().failures for caller in callers] == [[]] * 4


def test_a_valkey_that_hangs_does_not_bring_an_old_key_back(
    shared_valkey: OwnValkey, provider: Provider, practice: str
) -> None:
    """R29. The answer with the old configuration comes long after it was asked for."""
    registry.load_config(provider.pk)
    reset_registry()
    shared_valkey.hang()
    asked = engine.submit(registry.get_client(provider.pk))
    wait_for(lambda: freshness.recent(str(provider.pk)), PATIENCE, "the look at the database")
    row = Provider.objects.defer(None).get(pk=provider.pk)
    row.api_key = row.seal("api_key", NEW)
    row.revision += 1
    row.save()  # as another process would: nothing is forgotten here
    watch_until(time.time() + EFFECT_LIMIT)
    shared_valkey.go_on()
    assert asked.result(PATIENCE).config.api_key == NEW


def test_encryption_keys_rotate_while_processes_read_and_save(
    callers: list[Caller],
    shared_valkey: OwnValkey,
    provider: Provider,
    environment: dict[str, str],
    settings: Settings,
) -> None:
    """S19."""
    rows = [provider, *(make_provider(name=f"Row {number}", api_key=f"key-{number}") for number in range(ROWS))][1:]
    ids = " ".join(str(row.pk) for row in rows)
    for caller in callers:
        caller.tell("read", ids)
    old_keys = settings.FERNET_KEYS
    settings.FERNET_KEYS = [NEW_ENCRYPTION_KEY, *old_keys]
    forget_keys()
    try:
        saved = rotate_while_saving(environment, rows)
    finally:
        settings.FERNET_KEYS = old_keys
        forget_keys()
    reports = [caller.stop() for caller in callers]
    assert [report.failures for report in reports] == [[]] * 4
    assert all(report.count for report in reports)

    only_new = {**environment, "WIZ_ENCRYPTION_KEYS": NEW_ENCRYPTION_KEY}
    again = run_manage(only_new, "rotate_keys")
    assert (again.stdout, again.stderr) == ("Re-encrypted: 0.\n", "")
    with calling(only_new) as [late_comer]:
        late_comer.tell("read", ids)
        assert late_comer.stop().failures == []
    settings.FERNET_KEYS = [NEW_ENCRYPTION_KEY]
    forget_keys()
    try:
        for pk, key in saved.items():
            assert Provider.objects.defer(None).get(pk=pk).open_secret("api_key") == key
    finally:
        settings.FERNET_KEYS = old_keys
        forget_keys()


def rotate_while_saving(environment: dict[str, str], rows: list[Provider]) -> dict[str, str]:
    """Run ``rotate_keys`` and give rows new keys until it has ended; provider id → its last key."""
    saved: dict[str, str] = {}
    with ThreadPoolExecutor(1) as pool:
        rotation = pool.submit(run_manage, environment, "rotate_keys")
        while not rotation.done():
            row = rows[len(saved) % 20]
            saved[str(row.pk)] = key = f"key-saved-{time.monotonic()}"
            services.update_provider(provider=row, api_key=key)
        result = rotation.result()
    assert result.returncode == 0, result.stderr
    assert "Unreadable" not in result.stderr
    assert result.stdout.startswith("Re-encrypted: "), result.stdout
    return saved
