"""Embeddings: passed on to providers of OpenAI's dialect, and booked."""

import asyncio
from typing import Final

import msgspec

from accounts.models import User
from agents.gateway.bodies import Strict, decode, off_loop, refuse
from agents.gateway.failures import Refused
from agents.gateway.targets import Target
from providers import registry
from providers.bookings import book
from providers.budgets.gate import acheck_budget
from providers.errors import ProviderError
from providers.ledger import Entry, estimate_tokens
from providers.metering import may_have_cost
from providers.types import EmbeddingRequest, Usage


class EmbeddingsBody(Strict):
    """The parameters of an embeddings call; ``object`` marks what has no effect."""

    model: str
    input: str | list[str | int | list[int]]
    encoding_format: str | None = None
    dimensions: int | None = None
    user: object = None


DECODER: Final = msgspec.json.Decoder(EmbeddingsBody)


async def read_embeddings(body: bytes) -> EmbeddingsBody:
    """What is asked for. Raises ``Refused``."""
    return await off_loop(body, _read)


def _read(raw: bytes) -> EmbeddingsBody:
    body = decode(DECODER, raw)
    if not body.input or not all(item or item == 0 for item in body.input):
        raise refuse("input", "input must not be empty.", "invalid_value")
    if len({type(item) for item in body.input}) > 1:
        raise refuse("input", "input is a text, a list of texts, a list of tokens, or a list of such lists.")
    if body.encoding_format not in (None, "float", "base64"):
        raise refuse("encoding_format", "encoding_format is float or base64.", "invalid_value")
    return body


async def embed(body: EmbeddingsBody, target: Target, user: User) -> dict[str, object]:
    """The embeddings. Raises ``Refused`` and ``ProviderError``; what may have cost something is booked by estimate."""
    if target.agent is not None:
        raise Refused(400, "An agent makes no embeddings: name a model of a provider.", param="model")
    place = target.places[0]
    await acheck_budget(user, place.provider)
    client = await registry.get_client(place.provider.pk)
    request = EmbeddingRequest(place.model, body.input, body.encoding_format or "float", body.dimensions)
    try:
        made = await client.embed(request)
    except (asyncio.CancelledError, ProviderError) as error:
        if not isinstance(error, ProviderError) or may_have_cost(error):
            book(Entry(user, place.provider, place.model, _estimate(body)))
        raise
    usage = made.usage or _estimate(body)
    book(Entry(user, place.provider, place.model, usage))
    tokens = {"prompt_tokens": usage.input, "total_tokens": usage.input}
    return {"object": "list", "data": made.vectors, "model": target.name, "usage": tokens}


def _estimate(body: EmbeddingsBody) -> Usage:
    items = [body.input] if isinstance(body.input, str) else body.input
    tokens = sum(
        estimate_tokens(item) if isinstance(item, str) else len(item) if isinstance(item, list) else 1 for item in items
    )
    return Usage(input=tokens, certain=False)
