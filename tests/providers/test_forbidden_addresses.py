"""Providers that point into Wiz's own network, at every moment at which somebody could notice (S14)."""

import asyncio
import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from providers import discovery, engine, generation
from providers.connections import GuardBackend
from providers.errors import ProviderError
from providers.models import Provider
from providers.network import check_base_url
from providers.services import create_provider, update_provider
from providers.structured import generate_object
from tests.factories import make_provider

pytestmark = pytest.mark.django_db(transaction=True)

FORBIDDEN = [
    "http://127.0.0.1:{port}",
    "http://localhost:{port}",
    "http://2130706433:{port}",
    "http://0x7f000001:{port}",
    "http://0x7f.1:{port}",
    "http://127.1:{port}",
    "http://[::1]:{port}",
    "http://[::ffff:127.0.0.1]:{port}",
    "http://[::ffff:7f00:1]:{port}",
    "http://[64:ff9b::7f00:1]:{port}",
    "http://10.0.0.1:{port}",
    "http://169.254.169.254:{port}",
    "http://[fd00:ec2::254]:{port}",
    "http://0.0.0.0:{port}",
]
MALFORMED = ["http://017700000001:{port}", "http://user@127.0.0.1:{port}", "http://8.8.8.8\\@127.0.0.1:{port}", "x"]


@dataclass
class Target:
    """A port on loopback, and who came."""

    port: int
    visitors: list[object] = field(default_factory=list)


@pytest.fixture
def target() -> Iterator[Target]:
    class Note(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            place.visitors.append(self.client_address)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Note) as server:
        place = Target(server.server_address[1])
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield place
        server.shutdown()


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)


async def stream(provider: Provider) -> None:
    async for _ in generation.stream_text(provider, "m", prompt="hi"):
        pass


def codes_of(provider: Provider) -> dict[str, str]:
    """What every use of a provider says."""
    uses = {
        "stream_text": stream(provider),
        "generate_text": generation.generate_text(provider, "m", prompt="hi"),
        "generate_object": generate_object(provider, "m", prompt="hi", schema={"type": "object"}),
    }
    codes = {}
    for name, use in uses.items():
        with pytest.raises(ProviderError) as caught:
            engine.run(use, timeout=30)
        codes[name] = caught.value.code
    codes["test_provider"] = generation.test_provider(provider=provider, model="m").code
    discovery.refresh_models(provider=provider)
    codes["refresh_models"] = Provider.objects.get(pk=provider.pk).health_code
    return codes


@pytest.mark.parametrize("address", FORBIDDEN + MALFORMED)
def test_a_forbidden_address_is_not_saved(address: str, target: Target, settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS = False
    base_url = address.format(port=target.port)
    for kind in ("openai", "anthropic", "openai-compatible"):
        with pytest.raises(ValidationError) as caught:
            create_provider(owner=None, is_shared=True, name="Inside", kind=kind, base_url=base_url)
        assert set(caught.value.message_dict) == {"base_url"}
    outside = make_provider(name="Outside", base_url="https://8.8.8.8/v1")
    with pytest.raises(ValidationError):
        update_provider(provider=outside, base_url=base_url)
    assert Provider.objects.get(pk=outside.pk).base_url == "https://8.8.8.8/v1"
    assert target.visitors == []


@pytest.mark.parametrize("address", FORBIDDEN)
def test_a_row_that_was_edited_past_the_services_is_refused_at_every_use(
    address: str, target: Target, settings: Settings
) -> None:
    settings.PRIVATE_PROVIDERS = False
    provider = make_provider(base_url="https://8.8.8.8/v1")
    Provider.objects.filter(pk=provider.pk).update(base_url=f"{address.format(port=target.port)}/v1")
    assert set(codes_of(provider).values()) == {"address_refused"}
    assert target.visitors == []


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_key_does_not_follow_its_row_to_another_address(kind: str, target: Target, settings: Settings) -> None:
    provider = make_provider(kind=kind, base_url="https://8.8.8.8/v1", api_key="sk-for-another-place")
    Provider.objects.filter(pk=provider.pk).update(base_url=f"http://127.0.0.1:{target.port}/v1")
    assert set(codes_of(provider).values()) == {"key_unreadable"}
    assert target.visitors == []


def test_an_address_that_the_operator_closes_is_closed_for_providers_that_have_it(
    target: Target, settings: Settings
) -> None:
    provider = make_provider(base_url=f"http://127.0.0.1:{target.port}/v1")
    settings.PRIVATE_PROVIDERS = False
    assert set(codes_of(provider).values()) == {"address_refused"}
    assert target.visitors == []


def test_a_name_that_answers_differently_the_second_time_reaches_nothing(
    target: Target, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver is asked once for each decision, and the connection goes to what was judged."""
    settings.PRIVATE_PROVIDERS = False
    real, asked = socket.getaddrinfo, []
    answers = iter(["8.8.8.8", "127.0.0.1", "8.8.8.8"])

    def rebinding(host: str, port: int, *args: object, **kwargs: object) -> object:
        if host != "rebind.example":
            return real(host, port, *args, **kwargs)  # type: ignore[arg-type]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    base_url = f"http://rebind.example:{target.port}"
    assert check_base_url(base_url) == base_url
    assert asked == ["rebind.example"]
    connecting = GuardBackend().connect_tcp("rebind.example", target.port, 5.0)
    with pytest.raises(ProviderError, match="address_refused"):
        asyncio.run(connecting)  # its own loop resolves with the patched function
    assert len(asked) == 2
    assert target.visitors == []


def test_a_name_with_one_forbidden_address_among_its_addresses_is_refused(
    target: Target, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PRIVATE_PROVIDERS = False
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, target.port)) for host in ("8.8.8.8", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(ProviderError, match="address_refused"):
        asyncio.run(GuardBackend().connect_tcp("two.example", target.port, 5.0))
    assert target.visitors == []
