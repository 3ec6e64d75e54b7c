"""The canary: a key shows up nowhere but in the client and its configuration."""

import io
import logging
import pickle

import pytest
from django.core.management import call_command
from django.forms.models import model_to_dict

from providers import engine, generation, registry, services, valkey
from providers.models import Provider
from tests.factories import make_provider

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "sk-canary-7f3a9c51d2e84b60"


@pytest.fixture
def provider() -> Provider:
    return make_provider(api_key=CANARY, name="Guarded")


def everything_in_valkey() -> bytes:
    content = b""
    client = valkey.client()
    for name in client.scan_iter():
        content += name + (client.dump(name) or b"")
    return content


def test_the_key_is_not_in_the_row_as_python_sees_it(provider: Provider) -> None:
    row = Provider.objects.defer(None).get(pk=provider.pk)
    seen = [repr(row), str(row), repr(row.__dict__), repr(model_to_dict(row)), repr(row.api_key), str(row.api_key)]
    assert not any(CANARY in text for text in seen)


def test_the_key_is_not_in_the_configurations_repr(provider: Provider) -> None:
    config = registry.load_config(provider.pk)
    assert config.api_key == CANARY
    assert CANARY not in repr(config)
    assert CANARY not in str(config)


def test_the_key_is_not_fetched_unless_asked_for(provider: Provider) -> None:
    assert {"api_key", "headers"} <= Provider.objects.get(pk=provider.pk).get_deferred_fields()


def test_dumpdata_carries_neither_the_key_nor_its_encrypted_form(provider: Provider) -> None:
    output = io.StringIO()
    call_command("dumpdata", "providers", stdout=output)
    row = Provider.objects.defer(None).get(pk=provider.pk)
    assert row.api_key is not None
    assert "Guarded" in output.getvalue()
    assert CANARY not in output.getvalue()
    assert row.api_key.token.decode() not in output.getvalue()


def test_valkey_holds_the_key_encrypted_only(provider: Provider) -> None:
    engine.run(registry.get_client(provider.pk), timeout=10)
    content = everything_in_valkey()
    assert str(provider.pk).encode() in content
    assert CANARY.encode() not in content


def test_no_log_line_names_the_key(provider: Provider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    result = generation.test_provider(provider=provider, model="any")
    services.update_provider(provider=provider, name="Renamed")
    assert not result.ok
    assert CANARY not in repr(result)
    assert not any(CANARY in record.getMessage() + repr(record.__dict__) for record in caplog.records)


def test_the_key_of_another_row_or_address_does_not_open(provider: Provider) -> None:
    other = make_provider(name="Other", api_key="other-key")
    stolen = Provider.objects.defer(None).get(pk=provider.pk).api_key
    row = Provider.objects.defer(None).get(pk=other.pk)
    row.api_key = stolen
    row.save()
    assert services.count_unreadable_keys() == 1


def test_a_client_cannot_be_pickled(provider: Provider) -> None:
    client = engine.run(registry.get_client(provider.pk), timeout=10)
    with pytest.raises(Exception, match=r".+"):
        pickle.dumps(client)
