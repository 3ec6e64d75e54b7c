"""A Valkey that is away or hangs costs little, and is used again as soon as it is back."""

import logging
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from conversations.control import publish_stop
from conversations.models import Generation
from conversations.publication import publish_change, publish_run
from providers import engine, registry, resting, services, shared_configs, valkey
from providers.outage import Outage, outage
from tests.factories import make_agent, make_provider, make_staff, make_user
from tests.providers.processes import OwnValkey
from tests.providers.registry_state import client_of, reset_registry
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
LONG = 2.5  # seconds: one time-out of a second, and a busy machine
SHORT = 0.7  # seconds: no time-out at all


@pytest.fixture(scope="module")
def own_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnValkey]:
    server = OwnValkey(Path(str(tmp_path_factory.mktemp("v"))))
    yield server
    server.close()


@pytest.fixture
def hanging(own_valkey: OwnValkey, settings: Settings) -> Iterator[OwnValkey]:
    """A Valkey that takes connections and commands, and never answers."""
    settings.VALKEY_URL = own_valkey.url
    reset_registry()
    valkey.quick_client().ping()  # a pool has a connection when the hang begins
    own_valkey.hang()
    yield own_valkey
    own_valkey.restore()
    wait_for(lambda: valkey.client().ping(), 10, "Valkey")
    reset_registry()


def seconds_of(action: object, *arguments: object) -> float:
    began = time.monotonic()
    assert callable(action)
    action(*arguments)
    return time.monotonic() - began


def test_what_a_send_tells_others_costs_one_short_timeout(hanging: OwnValkey) -> None:
    def tell() -> None:
        publish_run(uuid.uuid4())
        publish_change(uuid.uuid4())
        publish_stop(uuid.uuid4())

    assert 0.9 < seconds_of(tell) < LONG


def test_the_list_of_the_registry_is_served_meanwhile(hanging: OwnValkey, client: Client) -> None:
    provider = make_provider()
    client_of(provider)
    outage.forget()
    client.force_login(make_user("admin@example.org", is_staff=True))
    began = time.monotonic()
    response = client.get("/api/v1/registry/")
    assert time.monotonic() - began < LONG
    assert [row["id"] for row in response.json()] == [str(provider.pk)]


def test_a_send_a_stop_and_a_page_cost_one_short_timeout_each(hanging: OwnValkey, client: Client) -> None:
    person = make_staff()
    provider = make_provider()
    client.force_login(person)
    api = APIClient()
    api.force_authenticate(person)
    opened = api.post("/api/v1/conversations/", {"agent": str(make_agent(None, provider).pk)}, format="json").json()

    def stop() -> None:
        assert api.post(f"/api/v1/generations/{Generation.objects.get().pk}/cancel/").status_code == 200

    def send() -> None:
        path = f"/api/v1/conversations/{opened['id']}/messages/"
        assert api.post(path, {"content": "Hello"}, format="json").status_code == 202

    for act in (
        send,
        stop,
        lambda: client.get(f"/providers/{provider.pk}/"),
        lambda: client.get(f"/c/{opened['id']}/"),
    ):
        outage.forget()
        assert seconds_of(act) < LONG
    assert Generation.objects.get().status == Generation.Status.CANCELLED


def test_a_save_and_the_calls_after_it_cost_one_short_timeout(hanging: OwnValkey) -> None:
    provider = make_provider()
    outage.forget()
    assert seconds_of(lambda: services.update_provider(provider=provider, name="Renamed")) < LONG
    for _ in range(3):
        assert seconds_of(registry.load_config, provider.pk) < SHORT
        assert seconds_of(resting.list_rests, "ring") < SHORT


def test_on_a_loop_one_short_timeout_too(hanging: OwnValkey) -> None:
    assert 0.9 < seconds_of(engine.run, resting.resting("ring")) < LONG
    assert seconds_of(engine.run, resting.put_to_rest("ring", "main", 60, "auth_failed")) < SHORT
    assert set(engine.run(resting.resting("ring"))) == {"main"}


def test_each_outage_is_logged_once_and_its_end_is_noticed(
    own_valkey: OwnValkey, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "providers.outage")
    own = Outage()
    for number in (1, 2):
        settings.VALKEY_URL = "redis://127.0.0.1:9/0"
        assert [own.guard(lambda client: client.ping(), False, pause=0) for _ in range(5)] == [False] * 5
        assert len(caplog.records) == number
        settings.VALKEY_URL = own_valkey.url
        assert own.guard(lambda client: client.ping(), False, pause=0)
        assert not own.is_on()


def test_a_second_outage_is_logged_although_only_loops_asked_in_between(
    own_valkey: OwnValkey, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    own = Outage()
    settings.VALKEY_URL = "redis://127.0.0.1:9/0"
    own.guard(lambda client: client.ping(), False)
    settings.VALKEY_URL = own_valkey.url
    own._failed_at = time.monotonic() - 3600
    assert engine.run(own.aguard(lambda client: client.ping(), False))
    settings.VALKEY_URL = "redis://127.0.0.1:9/0"
    own.guard(lambda client: client.ping(), False)
    assert len([record for record in caplog.records if "Valkey is away" in record.message]) == 2


def test_uses_are_listed_again_when_valkey_is_back(hanging: OwnValkey) -> None:
    provider = make_provider()
    client_of(provider)
    hanging.go_on()
    wait_for(lambda: valkey.client().ping(), 10, "Valkey")
    outage.forget()
    registry._noted.clear()
    client_of(provider)
    wait_for(shared_configs.uses, 10, "the note of the use")
