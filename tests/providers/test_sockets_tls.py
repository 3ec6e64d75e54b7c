"""Encrypted connections, on both kinds of event loop: the certificate and its name count."""

import asyncio
import datetime
import ssl
from collections.abc import Callable
from pathlib import Path

import httpcore2
import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from providers import sockets

NAME = "provider.example"
LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "server.pem"
    path.write_bytes(secret + made.public_bytes(pem))
    return path


async def converse(certificate: Path, name: str, *, is_trusted: bool = True) -> bytes:
    """What an echoing server sends back."""
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.load_cert_chain(certificate)
    outside = ssl.create_default_context(cafile=str(certificate) if is_trusted else None)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=inside)
    stream = await sockets.connect("127.0.0.1", server.sockets[0].getsockname()[1], 5.0)
    try:
        secured = await stream.start_tls(outside, name, 10.0)
        assert secured.get_extra_info("ssl_object") is not None
        await secured.write(b"x" * 500_000, 10.0)
        received = bytearray()
        while len(received) < 500_000:
            received += await secured.read(65_536, 10.0)
        return bytes(received)
    finally:
        await stream.aclose()
        server.close()
        await asyncio.sleep(0.1)  # the server's side ends in the background


@pytest.mark.parametrize("new_loop", LOOPS)
def test_a_trusted_server_of_the_right_name_is_talked_to(
    certificate: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        assert runner.run(converse(certificate, NAME)) == b"x" * 500_000


@pytest.mark.parametrize("new_loop", LOOPS)
@pytest.mark.parametrize(("name", "is_trusted"), [("another.example", True), (NAME, False)])
def test_a_wrong_name_and_an_unknown_signature_are_refused(
    certificate: Path, new_loop: Callable[[], asyncio.AbstractEventLoop], name: str, is_trusted: bool
) -> None:
    with asyncio.Runner(loop_factory=new_loop) as runner, pytest.raises(httpcore2.ConnectError, match="certificate"):
        runner.run(converse(certificate, name, is_trusted=is_trusted))
