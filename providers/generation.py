"""Text from a (provider, model): streamed, whole, or as a test that never raises."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from typing import Unpack, cast
from uuid import UUID

from providers import engine, families, registry
from providers.database import in_thread
from providers.errors import ModelNotFound, ProviderError, ProviderTimeout, UnknownError
from providers.fitting import fit_request, fit_request_by_kind
from providers.models import Provider, ProviderModel
from providers.requests import Question, make_request
from providers.retry import DEFAULT, RetryPolicy, with_retry
from providers.services import record_health
from providers.types import ChatMessage, ChatRequest, Completion, Finish, StreamEvent

TEST_LIMIT = 20.0  # seconds for a whole test
TEST_TOKENS = 16  # enough for one word; some vendors refuse less
TEST_REQUEST = ChatRequest(
    model="", messages=(ChatMessage(role="user", content="Reply with the word: ready"),), max_tokens=TEST_TOKENS
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TestResult:
    """What a test showed. ``code`` is ``ok`` or the error's code; ``hint`` says what to do next.

    ``detail`` is the provider's own text, bounded and without secrets.
    """

    __test__ = False  # not a test class, whatever its name tells a test runner

    ok: bool
    code: str
    message: str
    hint: str
    model: str
    latency_ms: int
    detail: str = ""


async def generate_text(
    provider: Provider | UUID | str, model: str, *, policy: RetryPolicy = DEFAULT, **question: Unpack[Question]
) -> Completion:
    """The whole answer to a prompt or to messages; ``dropped`` names the parameters that the model does not take.

    Raises ``RequestRefused`` before any call, else ``ProviderError``; tried again as ``policy`` allows.
    """
    request, dropped = await prepare_request(provider, model, **question)
    return replace(await complete(provider, request, policy=policy), dropped=dropped)


async def stream_text(
    provider: Provider | UUID | str, model: str, **question: Unpack[Question]
) -> AsyncGenerator[StreamEvent, None]:
    """As ``generate_text``, but events as they arrive, a ``Finish`` with ``dropped`` last; one attempt.

    Closing the iterator closes the upstream connection.
    """
    request, dropped = await prepare_request(provider, model, **question)
    async with aclosing(stream(provider, request)) as events:
        async for event in events:
            yield replace(event, dropped=dropped) if isinstance(event, Finish) else event


async def prepare_request(
    provider: Provider | UUID | str, model: str, **question: Unpack[Question]
) -> tuple[ChatRequest, tuple[str, ...]]:
    """The checked request as the model takes it, and what was left out. Raises ``RequestRefused``, makes no call."""
    request = make_request(model, **question)
    with _naming(model):
        if isinstance(provider, Provider):
            return await in_thread(fit_request, provider, request)
        client = await registry.get_client(provider)
        return await in_thread(fit_request_by_kind, client.config.provider_id, client.config.kind, request)


async def complete(
    provider: Provider | UUID | str, request: ChatRequest, *, policy: RetryPolicy = DEFAULT
) -> Completion:
    """The whole answer to a request that is sent as it is. Raises ``ProviderError`` only."""

    async def attempt() -> Completion:
        client = await registry.get_client(_id(provider))
        return await client.complete(request)

    with _naming(request.model):
        return await with_retry(attempt, policy)


async def stream(provider: Provider | UUID | str, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
    """The events of a request that is sent as it is, a ``Finish`` last; one attempt.

    Closing the iterator closes the upstream connection. Raises ``ProviderError`` only, with the names of provider and
    model filled in.
    """
    with _naming(request.model):
        client = await registry.get_client(_id(provider))
        events = cast("AsyncGenerator[StreamEvent]", client.stream(request))
        async with aclosing(events):
            async for event in events:
                yield event


def test_provider(*, provider: Provider, model: str | None = None) -> TestResult:
    """Ask for one word and record the provider's health; ends within ``TEST_LIMIT`` seconds, never raises.

    Without ``model`` the first offered one is asked. Not for callers on an event loop.
    """
    started = time.monotonic()
    chosen = model or _first_offered(provider)
    error: ProviderError | None = None
    try:
        chosen = engine.run(_ask(provider.pk, chosen), timeout=TEST_LIMIT + 2)
    except ProviderError as failure:
        error = failure
    except TimeoutError:
        error = ProviderTimeout(phase="total", provider=provider.name, model=chosen)
    except Exception as failure:
        logger.exception("Testing provider %s failed in an unforeseen way.", provider.pk)
        error = UnknownError(provider=provider.name, model=chosen, detail=type(failure).__name__)
    record_health(provider_id=provider.pk, error=error)
    latency = round((time.monotonic() - started) * 1000)
    if error is None:
        return TestResult(ok=True, code="ok", message="It works.", hint="", model=chosen, latency_ms=latency)
    return TestResult(
        ok=False,
        code=error.code,
        message=error.message,
        hint=error.hint,
        model=error.model or chosen,
        latency_ms=latency,
        detail=error.detail,
    )


test_provider.__test__ = False  # type: ignore[attr-defined]  # nor is this one


async def _ask(provider_id: UUID, model: str) -> str:
    """The model that answered."""
    async with asyncio.timeout(TEST_LIMIT):
        chosen = model or await _first_listed(provider_id)
        with _naming(chosen):
            client = await registry.get_client(provider_id)
            await client.complete(replace(TEST_REQUEST, model=chosen))
        return chosen


def _first_offered(provider: Provider) -> str:
    rows = ProviderModel.objects.filter(provider=provider).offered()
    return rows.values_list("model_id", flat=True).first() or ""


async def _first_listed(provider_id: UUID) -> str:
    """For a provider whose models nobody has fetched yet."""
    client = await registry.get_client(provider_id)
    for listed in await client.list_models():
        if listed.is_chat is not False and families.is_chat(listed.id):
            return listed.id
    raise ModelNotFound(provider=client.config.provider_name, detail="The provider lists no chat model.")


@contextmanager
def _naming(model: str) -> Iterator[None]:
    """Errors that pass through tell the model."""
    try:
        yield
    except ProviderError as error:
        error.model = error.model or model
        raise


def _id(provider: Provider | UUID | str) -> UUID | str:
    return provider.pk if isinstance(provider, Provider) else provider
