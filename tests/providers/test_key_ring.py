"""Several keys of one provider: shared out, rested, replaced, and never mixed up."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import cast

import httpx2
import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from providers import engine, generation, keys, registry, resting, services
from providers.database import in_thread
from providers.errors import AuthFailed, KeyUnreadable, ProviderError, RateLimited
from providers.models import Provider, ProviderKey
from providers.types import ChatRequest, StreamEvent, TextDelta
from tests.factories import make_provider
from tests.providers.registry_state import client_of, reset_registry
from tests.providers.wire import ask, http, serving
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
DELTA = b'data: {"choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
GOOD = http(DELTA % b"fine" + END)
REFUSED = http(b'{"error":{"message":"Incorrect API key provided.","code":"invalid_api_key"}}', "401 Unauthorized")
LIMITED = http(
    b'{"error":{"message":"Slow down.","code":"rate_limit_exceeded"}}',
    "429 Too Many Requests",
    extra="Retry-After: 7\r\n",
)
SPENT = http(b'{"error":{"message":"No credit.","code":"insufficient_quota"}}', "429 Too Many Requests")
FORBIDDEN = http(b'{"error":{"message":"No.","code":"permission_denied"}}', "403 Forbidden")
CUT = http(DELTA % b"half" + b'data: {"error":{"message":"Slow down.","code":"rate_limit_exceeded"}}\n\n')


class Vendor:
    """Answers by key, and remembers which keys came in which order."""

    def __init__(self, answers: Mapping[str, bytes]) -> None:
        self.answers = dict(answers)
        self.seen: list[str] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            await reader.readexactly(int(length[1]) if length else 0)
            key = re.search(rb"authorization: Bearer (\S+)", head, re.IGNORECASE)
            assert key is not None
            self.seen.append(key[1].decode())
            writer.write(self.answers[self.seen[-1]])
            await writer.drain()

        async with serving(serve) as port:
            yield f"http://127.0.0.1:{port}/v1"


@pytest.fixture(autouse=True)
def empty_registry() -> Iterator[None]:
    reset_registry()
    yield
    reset_registry()


def call(answers: Mapping[str, bytes], *, times: int = 1) -> tuple[Vendor, Provider, list[str | ProviderError]]:
    """So many calls of a provider whose own key is the first one; what each brought."""
    vendor = Vendor(answers)
    first, *further = answers

    def prepare(base_url: str) -> Provider:
        provider = make_provider(base_url=base_url, api_key=first)
        for key in further:
            keys.add_key(provider=provider, api_key=key, label=key)
        return provider

    async def scenario() -> tuple[Provider, list[str | ProviderError]]:
        async with vendor.open() as base_url:
            provider = await in_thread(prepare, base_url)
            return provider, [await one_call(provider) for _ in range(times)]

    provider, results = engine.run(scenario(), timeout=60)
    return vendor, provider, results


def ring(provider: Provider) -> str:
    return resting.ring_of(provider.pk, provider.revision)


async def one_call(provider: Provider) -> str | ProviderError:
    client = await registry.get_client(provider.pk)
    text = ""
    try:
        async for event in client.stream(ask("Hello")):
            text += event.text if isinstance(event, TextDelta) else ""
    except ProviderError as error:
        return error
    return text


def test_a_refused_key_is_replaced_within_the_same_call_and_then_rests() -> None:
    vendor, provider, results = call({"bad-key": REFUSED, "good-key": GOOD}, times=12)
    assert results == ["fine"] * 12
    assert vendor.seen.count("bad-key") <= 1
    if "bad-key" in vendor.seen:
        (own, other) = keys.list_keys(provider)
        assert own.code == "auth_failed"
        assert own.resting_until is not None
        assert other.resting_until is None


@pytest.mark.parametrize(("answer", "seconds"), [(LIMITED, 7), (SPENT, 600), (REFUSED, 600)])
def test_a_key_rests_as_long_as_the_refusal_deserves(answer: bytes, seconds: float) -> None:
    _, provider, results = call({"one": answer, "two": answer})
    assert isinstance(results[0], ProviderError)
    rests = resting.list_rests(ring(provider))
    assert len(rests) == 2
    assert all(abs(rest.until - time.time() - seconds) < 5 for rest in rests.values())


def test_when_every_key_rests_the_call_is_made_all_the_same() -> None:
    """A key that was mended at the vendor is noticed without anybody's help."""
    vendor = Vendor({"one": REFUSED, "two": REFUSED})

    async def scenario() -> tuple[object, object, object]:
        async with vendor.open() as base_url:
            provider = await in_thread(lambda: make_provider(base_url=base_url, api_key="one"))
            await in_thread(lambda: keys.add_key(provider=provider, api_key="two"))
            before = await one_call(provider)
            vendor.answers = {"one": GOOD, "two": REFUSED}
            after = await one_call(provider)
            return before, after, await resting.resting(ring(provider))

    before, after, rests = engine.run(scenario(), timeout=30)
    assert isinstance(before, AuthFailed)
    assert after == "fine"
    assert isinstance(rests, dict)
    assert "main" not in rests


def test_a_key_that_may_not_use_a_model_is_replaced_but_does_not_rest() -> None:
    vendor, provider, results = call({"small": FORBIDDEN, "large": GOOD}, times=40)  # the order is drawn by lot
    assert results == ["fine"] * 40
    assert "small" in vendor.seen
    assert resting.list_rests(ring(provider)) == {}


def test_once_text_has_come_no_other_key_is_asked() -> None:
    vendor, _, results = call({"one": CUT, "two": CUT})
    assert isinstance(results[0], RateLimited)
    assert len(vendor.seen) == 1


def test_with_one_key_nothing_rests() -> None:
    vendor, provider, results = call({"only": REFUSED}, times=2)
    assert all(isinstance(result, AuthFailed) for result in results)
    assert len(vendor.seen) == 2
    assert resting.list_rests(ring(provider)) == {}


def test_calls_are_shared_out_by_weight() -> None:
    vendor = Vendor({"light": GOOD, "heavy": GOOD})

    async def scenario() -> None:
        async with vendor.open() as base_url:
            provider = await in_thread(lambda: make_provider(base_url=base_url, api_key="light"))
            await in_thread(lambda: keys.add_key(provider=provider, api_key="heavy", weight=9))
            for _ in range(100):
                await one_call(provider)

    engine.run(scenario(), timeout=60)
    counts = Counter(vendor.seen)
    assert 1 <= counts["light"] <= 30  # 10 expected; outside with a chance of less than one in a million
    assert counts.total() == 100


def test_the_list_of_models_takes_the_key_that_works() -> None:
    """Ten times, because the order is drawn by lot."""
    listing = http(b'{"object":"list","data":[{"id":"m","object":"model"}]}', "200 OK", "application/json")
    vendor = Vendor({"bad": REFUSED, "good": listing})

    async def scenario() -> list[str]:
        async with vendor.open() as base_url:
            provider = await in_thread(lambda: make_provider(base_url=base_url, api_key="bad"))
            await in_thread(lambda: keys.add_key(provider=provider, api_key="good"))
            found = []
            for _ in range(10):
                found += [model.id for model in await (await registry.get_client(provider.pk)).list_models()]
            return found

    assert engine.run(scenario(), timeout=30) == ["m"] * 10
    assert vendor.seen.count("bad") <= 1


def test_a_stream_that_is_left_early_ends_the_call_and_gives_its_slot_back(practice: str) -> None:
    provider = make_provider(base_url=f"{practice}/v1", api_key="practice", max_concurrency=1)
    keys.add_key(provider=provider, api_key="practice")

    async def scenario() -> None:
        client = await registry.get_client(provider.pk)
        for _ in range(3):
            events = client.stream(ask("tokens=500", model="practice-slow"))
            async with asyncio.timeout(10), aclosing(cast("AsyncGenerator[StreamEvent]", events)):
                async for event in events:
                    if isinstance(event, TextDelta):
                        break
        assert not client.is_busy  # type: ignore[attr-defined]

    engine.run(scenario(), timeout=60)
    wait_for(lambda: not open_calls(practice), 10, "the end of the calls")


def open_calls(practice: str) -> list[object]:
    return [entry for entry in httpx2.get(f"{practice}/log", trust_env=False).json() if entry["end"] is None]


@pytest.mark.parametrize("echoed", ["first-secret-Zq81", "second-secret-Xw72"])
def test_a_key_that_the_provider_repeats_is_not_in_the_error(echoed: str) -> None:
    body = b'{"error":{"message":"Incorrect API key provided: %s.","code":"invalid_api_key"}}' % echoed.encode()
    answers = {key: http(body, "401 Unauthorized") for key in ("first-secret-Zq81", "second-secret-Xw72")}
    _, _, results = call(answers, times=4)
    for error in results:
        assert isinstance(error, AuthFailed)
        assert echoed not in error.detail + error.message + repr(error.record())


def test_a_late_refusal_of_the_old_key_does_not_send_the_new_one_to_rest() -> None:
    provider = make_provider(api_key="old")
    keys.add_key(provider=provider, api_key="other")
    before = client_of(provider)
    services.update_provider(provider=provider, api_key="new")
    old_ring = before._ring._name
    engine.run(resting.put_to_rest(old_ring, "main", 600, "auth_failed"))
    provider.refresh_from_db()
    assert resting.list_rests(ring(provider)) == {}
    assert engine.run(resting.resting(client_of(provider)._ring._name)) == {}


def test_without_valkey_the_process_remembers_by_itself(settings: Settings) -> None:
    settings.VALKEY_URL = "redis://127.0.0.1:9/0"
    vendor, _, results = call({"bad-key": REFUSED, "good-key": GOOD}, times=12)
    assert results == ["fine"] * 12
    assert vendor.seen.count("bad-key") <= 1


def test_another_process_learns_of_the_rest() -> None:
    provider = make_provider(api_key="one")
    engine.run(resting.put_to_rest(ring(provider), "main", 60, "auth_failed"))
    resting._seen_here.clear()
    assert engine.run(resting.resting(ring(provider)))["main"].code == "auth_failed"


def test_a_saved_provider_starts_with_rested_keys() -> None:
    provider = make_provider(api_key="one")
    engine.run(resting.put_to_rest(ring(provider), "main", 60, "auth_failed"))
    provider = services.update_provider(provider=provider, api_key="two")
    assert resting.list_rests(ring(provider)) == {}


def test_a_removed_key_is_out_of_the_client_at_once() -> None:
    provider = make_provider(api_key="one")
    key = keys.add_key(provider=provider, api_key="two")
    before = client_of(provider)
    keys.remove_key(key=key)
    assert client_of(provider) is not before
    assert not ProviderKey.objects.exists()


def test_a_key_that_cannot_be_read_is_passed_over_while_another_can() -> None:
    provider = make_provider(api_key="one")
    key = keys.add_key(provider=provider, api_key="two")
    row = Provider.objects.defer(None).get(pk=provider.pk)
    row.api_key = row.seal("api_key", "for another address")
    Provider.objects.filter(pk=provider.pk).update(api_key=key.seal("api_key", "of another row"))
    registry.clear_provider(provider.pk)
    assert registry.load_config(provider.pk).key_id == str(key.pk)
    ProviderKey.objects.update(api_key=row.api_key)
    registry.clear_provider(provider.pk)
    with pytest.raises(KeyUnreadable):
        registry.load_config(provider.pk)


def test_a_provider_may_live_on_further_keys_alone() -> None:
    provider = make_provider(kind="openai", base_url="http://127.0.0.1:9/v1")
    keys.add_key(provider=provider, api_key="two")
    assert registry.load_config(provider.pk).api_key == "two"


def test_another_address_takes_the_further_keys_away() -> None:
    provider = make_provider(api_key="one")
    keys.add_key(provider=provider, api_key="two")
    services.update_provider(provider=provider, base_url="http://127.0.0.2:9/v1", api_key="new")
    assert not provider.further_keys.exists()


def test_wrong_values_are_named() -> None:
    provider = make_provider(api_key="one")
    for fields, name in (
        ({"api_key": ""}, "api_key"),
        ({"api_key": "with space"}, "api_key"),
        ({"api_key": "k", "weight": 0}, "weight"),
        ({"api_key": "k", "label": "a\nb"}, "label"),
    ):
        with pytest.raises(ValidationError) as error:
            keys.add_key(provider=provider, **fields)
        assert list(error.value.message_dict) == [name]
    assert not provider.further_keys.exists()


def test_generate_text_goes_through_the_ring() -> None:
    vendor = Vendor({"bad": REFUSED, "good": GOOD})

    async def scenario() -> set[str]:
        async with vendor.open() as base_url:
            provider = await in_thread(lambda: make_provider(base_url=base_url, api_key="bad"))
            await in_thread(lambda: keys.add_key(provider=provider, api_key="good"))
            request = ChatRequest(model="m", messages=ask("Hello").messages)
            return {(await generation.complete(provider, request)).text for _ in range(6)}

    assert engine.run(scenario(), timeout=30) == {"fine"}
