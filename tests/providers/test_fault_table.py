"""The table: kind, operation and fault give code, number of calls, reader's sentence (P1 to P5, P9 to P13)."""

import asyncio
import contextlib
import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
from django.db import connections
from pytest_django import Settings

from providers import engine, generation, registry
from providers.errors import ProviderError
from providers.models import Provider
from providers.practice import running_practice
from providers.practice.catalogue import FAULT_NAMES
from providers.practice.faults import MOVED_TO
from providers.practice.log import Entry
from providers.retry import RetryPolicy
from providers.structured import generate_object
from providers.types import JSONSchema
from tests.factories import make_provider
from tests.providers.fault_table import ALL, ROWS, SLOW_ROWS, UNTOLD, Row

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ("openai", "anthropic", "deepseek", "openai-compatible")
OPERATIONS = ALL.split()
MODEL = "practice"
POLICY = RetryPolicy(attempts=3, base=0.01)
SCHEMA: JSONSchema = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
PATIENCE = 120.0  # seconds; the tables take about ten each
AT_ONCE = 100  # operations at the same time: time limits are about the provider, not about a busy machine
TESTERS = 24  # tests of providers at the same time; each holds a thread

Case = tuple[str, str, str]
"""A kind, a fault and an operation."""
Outcome = tuple[str, str]
"""A code and a sentence."""
Found = tuple[str, int | None, str]
"""A code, the number of calls and a sentence."""


def prompt_of(operation: str) -> str:
    """A question whose answer is an object under ``SCHEMA``, long enough to be broken off; it names the operation."""
    return f'echo: {{"answer": "{operation} one two three four five six seven eight nine ten"}}'


async def call(operation: str, provider: Provider) -> None:
    """Run an asynchronous operation to its end."""
    prompt = prompt_of(operation)
    if operation == "stream_text":
        async for _ in generation.stream_text(provider, MODEL, prompt=prompt):
            pass
    elif operation == "generate_text":
        await generation.generate_text(provider, MODEL, prompt=prompt, policy=POLICY)
    elif operation == "generate_object":
        await generate_object(provider, MODEL, prompt=prompt, schema=SCHEMA, policy=POLICY)
    else:
        await (await registry.get_client(provider.pk)).list_models()


async def outcome_of(operation: str, provider: Provider, turn: asyncio.Semaphore) -> Outcome:
    try:
        async with turn:
            await call(operation, provider)
    except ProviderError as error:
        assert error.hint
        return error.code, error.message
    return "ok", ""


def try_out(provider: Provider) -> Outcome:
    try:
        result = generation.test_provider(provider=provider, model=MODEL)
    finally:
        connections.close_all()
    assert result.ok or result.hint
    return result.code, "" if result.ok else result.message


def operation_of(entry: Entry) -> str:
    """The operation that made a request."""
    if entry["method"] == "GET":
        return "list_models"
    body = str(entry["body"])
    return next((name for name in OPERATIONS if name in body), "test_provider")


class Rude(socketserver.BaseRequestHandler):
    """Reads a request and tears the connection down."""

    def handle(self) -> None:
        self.request.recv(65536)
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.request.close()


class Plain(socketserver.BaseRequestHandler):
    """Answers a TLS handshake in plain text."""

    def handle(self) -> None:
        self.request.recv(65536)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@contextlib.contextmanager
def listening(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[dict[str, str]]:
    """Addresses without a practice server behind them."""
    with listening(Rude) as rude, listening(Plain) as plain, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield {
            "refused": f"http://127.0.0.1:{unused.getsockname()[1]}",
            "no name": "http://no-such-host.invalid",
            "no tls": f"https://127.0.0.1:{plain}",
            "reset": f"http://127.0.0.1:{rude}",
        }


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)


def providers_of(kind: str, addresses: dict[str, str]) -> dict[str, Provider]:
    """One provider per fault, which its base URL chooses."""
    path = "" if kind == "anthropic" else "/v1"
    return {
        fault: make_provider(
            name=f"Acme ({kind}, {fault})", kind=kind, base_url=f"{address}{path}", api_key="practice-key"
        )
        for fault, address in addresses.items()
    }


def written(rows: list[Row]) -> dict[Case, Found]:
    return {
        (kind, fault, operation): (code, calls if isinstance(calls, int | None) else calls[kind], sentence)
        for kind in KINDS
        for fault, operations, code, calls, sentence in rows
        for operation in operations.split()
    }


def found(cases: Iterable[Case], others: dict[str, str]) -> dict[Case, Found]:
    """What really happens: one practice server for each kind, and everything at once."""
    faults = dict.fromkeys(fault for _, fault, _ in cases)
    with contextlib.ExitStack() as servers:
        bases = {kind: servers.enter_context(running_practice()) for kind in KINDS}
        providers = {
            kind: providers_of(kind, {fault: others.get(fault, f"{base}/fault-{fault}") for fault in faults})
            for kind, base in bases.items()
        }
        outcomes = outcomes_of({case: providers[case[0]][case[1]] for case in cases})
        calls = {kind: calls_at(base) for kind, base in bases.items()}
    real = {}
    for case, (code, sentence) in outcomes.items():
        kind, fault, operation = case
        count = None if fault in others else calls[kind][fault, operation]
        real[case] = (code, count, sentence.replace(f"Acme ({kind}, {fault})", "Acme"))
    return real


def outcomes_of(providers: dict[Case, Provider]) -> dict[Case, Outcome]:
    """The asynchronous operations run on the engine, the tests of providers in threads; every client is made before."""
    turn = asyncio.Semaphore(AT_ONCE)
    for provider in {provider.pk: provider for provider in providers.values()}.values():
        engine.run(registry.get_client(provider.pk), timeout=PATIENCE)
    with ThreadPoolExecutor(TESTERS) as pool:
        running = {
            case: pool.submit(try_out, provider)
            if case[2] == "test_provider"
            else engine.submit(outcome_of(case[2], provider, turn))
            for case, provider in providers.items()
        }
        return {case: future.result(PATIENCE) for case, future in running.items()}


def calls_at(base: str) -> Counter[tuple[str, str]]:
    """The requests that came, by fault and operation; nobody followed a redirect."""
    log: list[Entry] = httpx2.get(f"{base}/log", trust_env=False).json()
    assert not [entry for entry in log if entry["path"].startswith(MOVED_TO)]
    return Counter((entry["path"].split("/")[1].removeprefix("fault-"), operation_of(entry)) for entry in log)


def differences(rows: list[Row], others: dict[str, str]) -> list[str]:
    expected = written(rows)
    real = found(expected, others)
    return [
        f"{case}: expected {expected[case]}, found {real[case]}" for case in expected if expected[case] != real[case]
    ]


def test_every_operation_meets_every_fault_as_the_table_says(
    elsewhere: dict[str, str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REGISTRY_MAX_CLIENTS = 1000
    monkeypatch.setattr(generation, "TEST_LIMIT", PATIENCE)
    assert differences(ROWS, elsewhere) == []


def test_every_operation_meets_every_slow_fault_as_the_table_says(settings: Settings) -> None:
    settings.REGISTRY_MAX_CLIENTS = 1000
    settings.FIRST_EVENT_TIMEOUT = 2
    settings.IDLE_TIMEOUT = 2
    settings.GENERATION_DEADLINE = 4
    assert differences(SLOW_ROWS, {}) == []


def test_the_table_is_complete_and_says_everything_once(elsewhere: dict[str, str]) -> None:
    cases = [(fault, operation) for fault, operations, *_ in ROWS + SLOW_ROWS for operation in operations.split()]
    assert len(cases) == len(set(cases))
    faults = {*FAULT_NAMES, *elsewhere}
    assert set(cases) == {(fault, operation) for fault in faults for operation in OPERATIONS} - UNTOLD
