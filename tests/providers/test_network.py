"""Where connections really go, and what they carry (P1, P13, S14)."""

import asyncio
import datetime
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from providers import errors
from providers.adapters import create_client
from providers.connections import KEPT_CONNECTIONS, POOL_SIZE, GuardBackend
from providers.network import GuardedTransport, create_http_client
from providers.practice import running_practice
from providers.types import Timeouts
from tests.providers.wire import answering, ask, config, connected, events_of, http, serving, text_in


@asynccontextmanager
async def listener() -> AsyncIterator[tuple[int, list[object]]]:
    """A port on loopback and the connections that came to it."""
    seen: list[object] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(writer.get_extra_info("peername"))

    async with serving(note) as port:
        yield port, seen


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("kind", ["openai-compatible", "anthropic"])
async def test_no_packet_reaches_a_refused_address_whatever_is_in_the_row(
    host: str, kind: str, settings: Settings
) -> None:
    async with listener() as (port, seen):
        allowed = create_client(config(f"http://{host}:{port}", kind))
        settings.PRIVATE_PROVIDERS = False
        with pytest.raises(errors.AddressRefused) as caught:
            await allowed.complete(ask("hi"))
        assert caught.value.provider == "Practice"
        with pytest.raises(errors.AddressRefused):
            await allowed.list_models()
        await allowed.aclose()
        if host != "localhost":
            with pytest.raises(errors.AddressRefused):
                create_client(config(f"http://{host}:{port}", kind))
        await asyncio.sleep(0.05)
        assert seen == []


async def test_a_name_that_changes_its_mind_after_saving_is_judged_again_at_connect(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PRIVATE_PROVIDERS = False
    async with listener() as (port, seen):

        async def rebound(*args: object, **kwargs: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", rebound)
        with pytest.raises(errors.AddressRefused, match="address"):
            await GuardBackend().connect_tcp("rebound.example", port, 2.0)
        assert seen == []


async def test_the_connection_goes_to_the_judged_address_under_the_original_host_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running_practice() as base:
        port = int(base.rpartition(":")[2])

        async def resolved(*args: object, **kwargs: object) -> list[object]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
        assert text_in(await events_of(config(f"http://models.example:{port}"), ask("echo: hi"))) == "hi"
        monkeypatch.undo()
        async with httpx2.AsyncClient(trust_env=False) as client:
            entry = (await client.get(f"{base}/log")).json()[0]
    assert entry["headers"]["host"] == f"models.example:{port}"


async def test_unix_sockets_are_refused() -> None:
    with pytest.raises(errors.AddressRefused):
        await GuardBackend().connect_unix_socket("/run/valkey.sock")


async def test_only_the_headers_of_the_dialect_leave_the_house() -> None:
    with running_practice() as base:
        given = {"X-Title": "Wiz", "Host": "evil.example", "Cookie": "a=b", "X-Wiz-Hop": "0"}
        settings = replace(config(base), headers=given, organization="org-1")
        await events_of(settings, ask("echo: hi"))
        async with httpx2.AsyncClient(trust_env=False) as client:
            headers = (await client.get(f"{base}/log")).json()[0]["headers"]
    assert headers["x-title"] == "Wiz"
    assert headers["openai-organization"] == "org-1"
    assert headers["accept-encoding"] == "identity"
    assert headers["x-wiz-hop"] == "1"
    assert headers["host"].startswith("127.0.0.1")
    assert not [name for name in headers if name.startswith("x-stainless") or name == "cookie"]


async def test_cookies_are_neither_kept_nor_sent() -> None:
    answer = http(b"{}", extra="Set-Cookie: spy=1\r\n", kind="application/json")
    async with answering(answer) as base, create_http_client(Timeouts()) as client:
        response = await client.get(base)
        assert "set-cookie" not in response.headers
        assert not client.cookies


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
@pytest.mark.parametrize("kind", ["openai-compatible", "anthropic"])
@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:{port}/v1", "http://169.254.169.254/latest/", "//[::1]:{port}/", "/v1"]
)
async def test_no_redirect_makes_a_second_connection(
    status: int, kind: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P13."""
    connections = []
    connect = GuardBackend.connect_tcp

    async def noted(self: GuardBackend, host: str, port: int, *args: object, **kwargs: object) -> object:
        connections.append((host, port))
        return await connect(self, host, port, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(GuardBackend, "connect_tcp", noted)
    async with listener() as (port, seen):
        location = f"Location: {place.format(port=port)}\r\n"
        async with answering(http(b"", f"{status} Elsewhere", extra=location)) as base:
            with pytest.raises(errors.InvalidRequest) as caught:
                await events_of(config(base, kind), ask("hi"))
    assert (caught.value.status, caught.value.retryable) == (status, False)
    assert "redirects" in caught.value.detail
    assert len(connections) == 1
    assert seen == []


async def test_proxy_variables_are_ignored(monkeypatch: pytest.MonkeyPatch, practice: str) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert text_in(await events_of(config(practice), ask("echo: hi"))) == "hi"


async def test_response_headers_are_capped() -> None:
    extra = "".join(f"X-Filler-{number}: {'x' * 1000}\r\n" for number in range(80))
    async with answering(http(b"{}", extra=extra)) as base:
        with pytest.raises(errors.BadResponse):
            await events_of(config(base), ask("hi"))


async def test_the_body_of_an_error_is_capped() -> None:
    async with answering(http(b"x" * 5_000_000, "500 Oops", "text/plain"), hold=True) as base:
        with pytest.raises(errors.ServerError):
            await asyncio.wait_for(events_of(config(base), ask("hi")), 5)


async def test_a_refused_connection_is_typed() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(errors.ConnectionFailed) as caught:
        await events_of(config(f"http://127.0.0.1:{port}"), ask("hi"))
    assert caught.value.next_step


async def test_a_name_that_does_not_resolve_is_typed() -> None:
    with pytest.raises(errors.ConnectionFailed) as caught:
        await events_of(config("http://no-such-host.invalid"), ask("hi"))
    assert "no-such-host.invalid" in caught.value.detail


async def test_a_server_without_tls_behind_https_is_typed() -> None:
    async with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as base:
        with pytest.raises(errors.ConnectionFailed):
            await events_of(config(base.replace("http://", "https://")), ask("hi"))


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with serving(serve, context) as port:
        with pytest.raises(errors.ConnectionFailed) as caught:
            await events_of(config(f"https://127.0.0.1:{port}"), ask("hi"))
    assert "certificate" in caught.value.detail.lower()


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "elsewhere.example")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(secret + certificate.public_bytes(pem))
    return path


async def test_the_client_verifies_certificates() -> None:
    async with create_http_client(Timeouts()) as client:
        transport = client._transport
    context = transport._pool_with_room()._connections._ssl_context  # type: ignore[attr-defined]
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


async def test_many_calls_share_few_connections(practice: str) -> None:
    async with connected(config(practice)) as client:
        for number in range(5):
            assert json.loads((await client.complete(ask(f"echo: {number}"))).text) == number
        (pool,) = client._sdk._client._transport._pools  # type: ignore[attr-defined]
        assert len(pool._connections.connections) == 1


async def test_a_crowd_is_spread_over_pools_and_few_of_its_connections_are_kept(practice: str) -> None:
    client = create_http_client(Timeouts())
    transport = client._transport
    assert isinstance(transport, GuardedTransport)
    async with client, AsyncExitStack() as crowd:
        for _ in range(3 * POOL_SIZE + 1):
            await crowd.enter_async_context(client.stream("GET", practice + "/models"))
        assert [pool.busy for pool in transport._pools] == [POOL_SIZE] * 3 + [1]
        await crowd.aclose()
        assert [pool.busy for pool in transport._pools] == [0] * 4
        assert sum(len(pool._connections.connections) for pool in transport._pools) <= KEPT_CONNECTIONS
        response = await client.get(practice + "/models")
        await response.aclose()  # once more than needed
        assert {pool.busy for pool in transport._pools} == {0}


async def test_what_cannot_be_sent_takes_no_place_in_a_pool() -> None:
    client = create_http_client(Timeouts())
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with client:
        for _ in range(3):
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"http://127.0.0.1:{port}/")
        (pool,) = client._transport._pools  # type: ignore[attr-defined]
        assert pool.busy == 0
