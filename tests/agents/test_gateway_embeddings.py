"""Embeddings through the gateway, by OpenAI's own sdk."""

import asyncio
from collections.abc import Callable

import openai
import pytest

from accounts.models import User
from agents.gateway.embeddings import EmbeddingsBody, embed
from agents.gateway.targets import Place, Target
from providers import bookings, engine, registry
from providers.errors import AuthFailed, ConnectionFailed, Incomplete, ProviderError, ProviderTimeout
from providers.models import Provider, UsageRecord
from providers.types import EmbeddingRequest
from tests.agents.conftest import asked
from tests.factories import make_agent, make_provider
from tests.live import LIMIT
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "practice/text-embedding"


def test_texts_become_vectors_and_are_booked(sdk: openai.OpenAI, owner: User, practice_url: str) -> None:
    answer = sdk.embeddings.create(model=MODEL, input=["one", "two", "one"], dimensions=4)
    first, second, third = (item.embedding for item in answer.data)
    assert (len(first), first == third, first == second) == (4, True, False)
    assert [item.index for item in answer.data] == [0, 1, 2]
    plain = sdk.embeddings.create(model=MODEL, input="one", dimensions=4, encoding_format="float")
    assert plain.data[0].embedding == pytest.approx(first)
    assert asked(practice_url)[0]["body"]["model"] == "text-embedding"
    wait_for(lambda: UsageRecord.objects.filter(user=owner).count() == 2, LIMIT, "both entries in the ledger")
    records = UsageRecord.objects.filter(user=owner)
    assert sum(record.input_tokens for record in records) == answer.usage.total_tokens + plain.usage.total_tokens


def test_tokens_are_taken_as_well(sdk: openai.OpenAI) -> None:
    assert len(sdk.embeddings.create(model=MODEL, input=[1, 2, 3]).data) == 1
    assert len(sdk.embeddings.create(model=MODEL, input=[[1, 2], [3]]).data) == 2


def test_who_cannot_make_vectors_says_so(
    sdk: openai.OpenAI, owner: User, provider: Provider, practice_url: str
) -> None:
    make_provider(owner, name="Vendor", kind="anthropic", base_url=practice_url, api_key="practice")
    make_agent(owner, provider, name="Poet")
    for model in ("vendor/practice-fast", "agent/poet"):
        with pytest.raises(openai.BadRequestError, match="embeddings"):
            sdk.embeddings.create(model=model, input="one")
    with pytest.raises(openai.NotFoundError):
        sdk.embeddings.create(model="nobody/model", input="one")
    assert asked(practice_url) == []


@pytest.mark.parametrize("wrong", ["", [], ["one", ""], ["one", 1], [[]]])
def test_nothing_and_mixtures_are_refused(sdk: openai.OpenAI, wrong: list[str]) -> None:
    with pytest.raises(openai.BadRequestError) as failure:
        sdk.embeddings.create(model=MODEL, input=wrong)
    assert failure.value.param == "input"


FAILURES: list[tuple[Callable[[], BaseException], list[int]]] = [
    (asyncio.CancelledError, [2]),
    (lambda: ProviderTimeout(phase="first_event"), [2]),
    (Incomplete, [2]),
    (lambda: ProviderTimeout(phase="connect"), []),
    (ConnectionFailed, []),
    (AuthFailed, []),
]


@pytest.mark.parametrize(("failure", "booked"), FAILURES)
def test_what_may_have_cost_is_booked_by_estimate(
    owner: User, monkeypatch: pytest.MonkeyPatch, failure: Callable[[], BaseException], booked: list[int]
) -> None:
    provider = make_provider(owner)

    class Client:
        async def embed(self, request: EmbeddingRequest) -> None:
            raise failure()

    async def get_client(_: object) -> Client:
        return Client()

    async def work() -> None:
        target = Target("practice/m", (Place(provider, "m", None),))
        with pytest.raises((ProviderError, asyncio.CancelledError)):
            await embed(EmbeddingsBody(model="practice/m", input="one word"), target, owner)
        await bookings.drain()

    monkeypatch.setattr(registry, "get_client", get_client)
    engine.run(work(), timeout=LIMIT)
    records = UsageRecord.objects.filter(user=owner, is_certain=False)
    assert [record.input_tokens for record in records] == booked
