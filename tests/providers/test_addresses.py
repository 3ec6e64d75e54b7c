"""Which base URLs may be saved (S14)."""

import socket

import pytest
from pytest_django import Settings

from providers import addresses, errors
from providers.network import BaseURLError, check_base_url

NEVER_ALLOWED = [
    "http://169.254.169.254/latest/meta-data",
    "http://169.254.1.1",
    "http://[fd00:ec2::254]",
    "http://168.63.129.16",
    "http://100.100.100.200",
    "http://100.64.0.1",
    "http://192.0.0.9",
    "http://0.0.0.0",
    "http://0",
    "http://[::]",
    "http://224.0.0.1",
    "http://[ff0e::1]",
    "http://240.0.0.1",
    "http://255.255.255.255",
    "http://198.18.0.1",
    "http://192.0.2.1",
    "http://[fe80::1]",
    "http://[fec0::1]",
    "http://[2001:db8::1]",
    "http://[::ffff:169.254.169.254]",
    "http://[::ffff:a9fe:a9fe]",
    "http://[2002:a9fe:a9fe::1]",
    "http://[64:ff9b::a9fe:a9fe]",
    "http://[64:ff9b:1::1]",
    "http://[2001:0:a9fe:a9fe::1]",
    "http://[::a9fe:a9fe]",
    "http://2852039166",
    "http://0xa9fea9fe",
    "http://0xa9.0xfe.0xa9.0xfe",
    "http://169.254.43518",
    "http://169.254.169.254.",
]
PRIVATE = [
    "http://127.0.0.1:11434/v1",
    "http://127.1:11434",
    "http://2130706433:11434",
    "http://0x7f.1:11434",
    "http://localhost:11434",
    "http://[::1]:11434",
    "http://[::ffff:127.0.0.1]:11434",
    "http://[::ffff:10.0.0.1]",
    "http://10.1.2.3",
    "http://172.16.0.1",
    "http://192.168.1.1",
    "http://[fd12:3456::1]",
    "http://[2002:7f00:1::]",
    "http://[64:ff9b::7f00:1]",
]
MALFORMED = [
    "",
    "api.openai.com/v1",
    "ftp://example.com",
    "file:///etc/passwd",
    "unix:///run/x.sock",
    "http://",
    "http:///v1",
    "http://user:secret@example.com",
    "http://user@example.com",
    "http://example.com\\@127.0.0.1",
    "http://example.com/v1?key=x",
    "http://example.com/v1?",
    "http://example.com/v1#x",
    "http://exa mple.com",
    "http://example.com\n.evil.com",
    "http://example.com\t",
    "http://example.com:0",
    "http://example.com:99999",
    "http://%31%32%37.0.0.1",
    "http://0177.0.0.1",
    "http://0251.0376.0251.0376",
    "http://" + "a" * 3000,
]


@pytest.mark.parametrize("url", NEVER_ALLOWED)
@pytest.mark.parametrize("private", [True, False])
def test_metadata_link_local_and_reserved_addresses_are_never_allowed(
    url: str, *, private: bool, settings: Settings
) -> None:
    settings.PRIVATE_PROVIDERS = private
    with pytest.raises(errors.AddressRefused) as caught:
        check_base_url(url)
    assert caught.value.detail.endswith(".")


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_allowed_only_by_the_operator(url: str, settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS = False
    with pytest.raises(errors.AddressRefused):
        check_base_url(url)
    settings.PRIVATE_PROVIDERS = True
    assert check_base_url(url)


@pytest.mark.parametrize("url", MALFORMED)
def test_a_base_url_of_the_wrong_form_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(BaseURLError, match=r"\.$"):
        check_base_url(url)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://api.openai.com/v1/", "https://api.openai.com/v1"),
        ("HTTPS://API.OpenAI.com:443/v1", "https://api.openai.com:443/v1"),
        ("http://134744072/v1", "http://8.8.8.8/v1"),
        ("http://8.8.8.8", "http://8.8.8.8"),
        ("http://[2606:4700::1111]:8080/x//", "http://[2606:4700::1111]:8080/x"),
        ("http://[::ffff:8.8.8.8]/", "http://[::ffff:8.8.8.8]"),
    ],
)
def test_a_public_address_comes_back_in_its_normal_form(url: str, normal: str, settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS = False
    assert check_base_url(url, resolve=False) == normal


def test_a_name_is_judged_by_every_address_it_resolves_to(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PRIVATE_PROVIDERS = False
    monkeypatch.setattr(addresses, "_look_up", lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(errors.AddressRefused, match="address"):
        check_base_url("https://two.example")


def test_a_name_that_does_not_resolve_may_be_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(addresses, "_look_up", fail)
    assert check_base_url("https://later.example/v1") == "https://later.example/v1"


def test_wizs_own_port_is_refused_on_every_own_address(settings: Settings) -> None:
    settings.PORT = 8123
    for host in ("127.0.0.1", "127.5.5.5", "[::1]", "localhost"):
        with pytest.raises(errors.AddressRefused, match="address"):
            check_base_url(f"http://{host}:8123/v1")
        assert check_base_url(f"http://{host}:8124/v1")


def test_the_practice_provider_is_allowed_whatever_the_rules_say(settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS = False
    settings.PRACTICE_URL = "http://127.0.0.1:9123"
    assert check_base_url("http://127.0.0.1:9123/v1")
    for other in ("http://127.0.0.1:9124", "http://localhost:9123", "http://[::1]:9123"):
        with pytest.raises(errors.AddressRefused):
            check_base_url(other)
