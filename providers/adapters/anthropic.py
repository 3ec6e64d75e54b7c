"""The messages dialect over the Anthropic SDK, read and decoded like the other one."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import cast

from anthropic import AsyncAnthropic, omit

from providers.adapters.anthropic_messages import DEFAULT_MAX_TOKENS, messages, request_body
from providers.adapters.anthropic_models import read_page
from providers.adapters.anthropic_stream import AnthropicReader
from providers.adapters.completion import collect
from providers.adapters.exchange import Opener, read_body, run_exchange
from providers.adapters.opening import open_stream
from providers.errors import RequestRefused
from providers.network import create_http_client
from providers.types import ChatRequest, ClientConfig, Completion, EmbeddingRequest, Embeddings, ModelInfo, StreamEvent

NO_KEY = "none"  # the SDK would look for a key in the environment
PAGE_SIZE = 1000
PAGE_LIMIT = 10


class AnthropicClient:
    """A ``ProviderClient`` of the messages dialect; fields it does not take are not sent (see ``dropped_fields``)."""

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self._sdk = AsyncAnthropic(
            api_key=config.api_key or NO_KEY,
            base_url=config.base_url,
            max_retries=0,
            default_headers=dict(config.headers),
            http_client=create_http_client(config.timeouts, headers=config.headers),
        )

    def stream(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """Yield events as they arrive and a ``Finish`` last. Raises ``ProviderError`` only."""
        body = {
            "model": request.model,
            "max_tokens": request.max_tokens or DEFAULT_MAX_TOKENS,
            "messages": messages(request),
            "stream": True,
            **request_body(request),
        }
        opener = partial(open_stream, self._sdk.post, "/v1/messages", body)
        return run_exchange(cast("Opener", opener), AnthropicReader(), config=self.config, model=request.model)

    async def complete(self, request: ChatRequest) -> Completion:
        """The whole answer in one call. Raises ``ProviderError`` only."""
        return await collect(self.stream(request))

    async def list_models(self) -> list[ModelInfo]:
        """The models that the key may use, newest first. Raises ``ProviderError`` only."""
        models: list[ModelInfo] = []
        after = ""
        for _ in range(PAGE_LIMIT):
            listing = partial(self._sdk.models.with_streaming_response.list, limit=PAGE_SIZE, after_id=after or omit)
            page, after = read_page(await read_body(cast("Opener", listing), config=self.config), self.config)
            models += page
            if not after:
                break
        return models

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Refused: the dialect knows no embeddings."""
        detail = "This provider makes no embeddings. Choose one that speaks OpenAI's dialect."
        raise RequestRefused(detail=detail, provider=self.config.provider_name, model=request.model)

    async def aclose(self) -> None:
        """Close every connection; the client must not be used again."""
        await self._sdk.close()
