"""System checks for wrong deployments."""

import pytest
from django.core.checks.registry import registry
from pytest_django import Settings

from wizsite import checks


def test_the_checks_are_part_of_manage_check() -> None:
    assert checks.check_secrets in registry.get_checks()


def test_a_sound_deployment_has_no_errors() -> None:
    assert checks.deployment_errors() == []


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.8.0.1", True), ("[::1]", True), ("a.localhost", True), ("10.0.0.1", False), (".example.org", False)],
)
def test_local_hosts_are_told_from_public_ones(host: str, local: bool) -> None:
    assert checks.is_local(host) is local


def test_missing_encryption_keys_are_an_error(settings: Settings) -> None:
    settings.FERNET_KEYS = []
    assert [message.id for message in checks.check_secrets(None)] == ["wiz.E002"]


def test_a_vendor_variable_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-something")
    assert [message.id for message in checks.check_environment(None)] == ["wiz.W001"]
