"""Key rotation."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.management import call_command
from pytest_django import Settings

from providers import freshness, registry, services
from providers.errors import KeyUnreadable
from providers.keys import add_key
from providers.models import Provider
from providers.rotation import SEALED
from providers.sealed import SealedField
from tests.factories import make_provider
from wizsite import diagnosis, preparation
from wizsite.preparation import StartError

pytestmark = pytest.mark.django_db(transaction=True)
OLD, NEW, LOST = "old-" + "o" * 40, "new-" + "n" * 40, "lost-" + "l" * 40


class Keyring:
    """Sets the encryption keys of this process; the field remembers them, as a process does for its life."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def use(self, *keys: str) -> None:
        self.settings.FERNET_KEYS = list(keys)
        forget_keys()


def forget_keys() -> None:
    for model, columns in SEALED.items():
        for column in columns:
            for name in ("keys", "fernet_keys", "fernet"):
                model._meta.get_field(column).__dict__.pop(name, None)


@pytest.fixture
def keyring(settings: Settings) -> Iterator[Keyring]:
    present = list(settings.FERNET_KEYS)
    ring = Keyring(settings)
    yield ring
    ring.use(*present)


def key_of(provider: Provider) -> str:
    return str(Provider.objects.defer(None).get(pk=provider.pk).open_secret("api_key"))


def test_after_a_rotation_the_old_key_is_not_needed_any_more(keyring: Keyring) -> None:
    """S19."""
    keyring.use(OLD)
    provider, keyless = make_provider(api_key="some-key"), make_provider()
    keyring.use(NEW, OLD)
    assert services.rotate_keys() == 1
    assert services.rotate_keys() == 0
    keyring.use(NEW)
    assert key_of(provider) == "some-key"
    assert not keyless.has_api_key
    assert services.count_unreadable_keys() == 0


def test_further_keys_and_headers_are_rotated_with_it(keyring: Keyring) -> None:
    keyring.use(OLD)
    provider = make_provider(api_key="some-key", headers={"X-Team": "some-header"})
    for number in range(2):
        add_key(provider=provider, api_key=f"further-{number}")
    keyring.use(NEW, OLD)
    assert services.rotate_keys() == 3  # the provider's row, with both of its secrets, and two keys
    assert services.rotate_keys() == 0
    keyring.use(NEW)
    client_configs = registry._load(str(provider.pk))[1]
    assert [config.api_key for config in client_configs] == ["some-key", "further-0", "further-1"]
    assert [dict(config.headers) for config in client_configs] == [{"X-Team": "some-header"}] * 3
    assert services.count_unreadable_keys() == 0


def test_further_keys_that_nothing_opens_are_counted_and_the_others_are_rotated(keyring: Keyring) -> None:
    keyring.use(LOST)
    provider = make_provider(api_key="lost", headers={"X-Team": "lost"})
    add_key(provider=provider, api_key="lost-further")
    keyring.use(OLD)
    add_key(provider=provider, api_key="kept-further")
    keyring.use(NEW, OLD)
    assert services.rotate_keys() == 1
    keyring.use(NEW)
    assert services.count_unreadable_keys() == 3
    ok, sentence = diagnosis._examine_keys()
    assert not ok
    assert sentence.startswith("3 stored secret(s) cannot be decrypted")


def test_wiz_does_not_start_when_no_stored_key_can_be_read_and_says_the_ways_out(keyring: Keyring) -> None:
    """S38."""
    preparation.refuse_unreadable_keys()
    keyring.use(LOST)
    provider = make_provider(api_key="lost", headers={"X-Team": "lost"})
    add_key(provider=provider, api_key="lost-further")
    keyring.use(NEW)
    with pytest.raises(StartError, match="None of the 3 stored provider keys") as error:
        preparation.refuse_unreadable_keys()
    assert "WIZ_ENCRYPTION_KEYS" in str(error.value)
    assert "--forget-unreadable" in str(error.value)
    make_provider(api_key="good")
    preparation.refuse_unreadable_keys()


def test_what_nothing_opens_can_be_given_up_and_entered_again(
    keyring: Keyring, capsys: pytest.CaptureFixture[str]
) -> None:
    keyring.use(LOST)
    provider = make_provider(api_key="lost-key-of-a-provider", headers={"X-Team": "lost"})
    add_key(provider=provider, api_key="lost-further")
    keyring.use(NEW)
    good = make_provider(api_key="good", headers={"X-Team": "good"})
    call_command("rotate_keys", "--forget-unreadable")
    output = capsys.readouterr()
    assert (output.out, output.err) == ("Re-encrypted: 0.\nForgotten: 3.\n", "")
    row = Provider.objects.get(pk=provider.pk)
    assert (row.has_api_key, row.key_hint, row.header_names, row.further_keys.count()) == (False, "", [], 0)
    assert row.revision > provider.revision
    services.update_provider(provider=row, api_key="entered-again")
    assert key_of(provider) == "entered-again"
    assert key_of(good) == "good"
    assert dict(registry.load_config(good.pk).headers) == {"X-Team": "good"}


def test_every_secret_column_is_rotated() -> None:
    sealed = {
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if isinstance(field, SealedField)
    }
    assert sealed == {(model, column) for model, columns in SEALED.items() for column in columns}


def test_a_rotation_does_not_disturb_the_clients(keyring: Keyring) -> None:
    keyring.use(OLD)
    provider = make_provider(api_key="some-key")
    keyring.use(NEW, OLD)
    services.rotate_keys()
    assert Provider.objects.get(pk=provider.pk).revision == provider.revision


def test_configurations_under_the_old_key_are_passed_over(keyring: Keyring) -> None:
    keyring.use(OLD)
    provider = make_provider(api_key="some-key")
    keyring.use(NEW, OLD)
    services.rotate_keys()
    keyring.use(OLD)
    with pytest.raises(KeyUnreadable):
        registry.load_config(provider.pk)
    keyring.use(NEW)
    freshness.forget()
    assert registry.load_config(provider.pk).api_key == "some-key"


def test_keys_that_nothing_opens_are_counted_and_left_alone(
    keyring: Keyring, capsys: pytest.CaptureFixture[str]
) -> None:
    keyring.use(OLD)
    make_provider(api_key="lost-key")
    keyring.use(NEW)
    make_provider(api_key="good-key")
    call_command("rotate_keys")
    output = capsys.readouterr()
    assert "Re-encrypted: 0." in output.out
    assert "Unreadable: 1." in output.err


def test_more_rows_than_one_batch_are_rotated(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.rotation.BATCH", 2)
    keyring.use(OLD)
    for number in range(5):
        make_provider(api_key=f"key-{number}")
    keyring.use(NEW, OLD)
    assert services.rotate_keys() == 5
