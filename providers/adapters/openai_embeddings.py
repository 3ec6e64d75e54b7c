"""Reading embeddings of OpenAI's dialect."""

from collections.abc import Mapping
from typing import cast

from providers.adapters import failures
from providers.adapters.openai_models import ANYTHING, items_of
from providers.adapters.text import decode
from providers.adapters.usage import Figures
from providers.errors import BadResponse, ProviderError
from providers.types import ClientConfig, Embeddings, Usage

Fields = Mapping[str, object]


def read_embeddings(body: bytes, config: ClientConfig, model: str) -> Embeddings:
    """The vectors in the body of an answer. Raises ``ProviderError`` when there are none."""
    try:
        vectors = [_vector(item, number) for number, item in enumerate(items_of(body))]
        return Embeddings(vectors, _usage(decode(body, ANYTHING)))
    except ProviderError as error:
        failure = failures.from_exception(error, config=config, model=model)
    raise failure


def _vector(item: Fields, number: int) -> Fields:
    embedding = item.get("embedding")
    if not isinstance(embedding, str | list):
        raise BadResponse(detail="An entry of the list has no embedding.")
    return {"object": "embedding", "index": number, "embedding": embedding}


def _usage(value: object) -> Usage | None:
    told = cast("Fields", value).get("usage") if isinstance(value, Mapping) else None
    if not isinstance(told, Mapping) or "prompt_tokens" not in told:
        return None
    figures = Figures(cast("Fields", told))
    count = figures.count("prompt_tokens")
    return figures.usage(total_input=count, output=0, cache_read=0, cache_write=0, reasoning=0)
