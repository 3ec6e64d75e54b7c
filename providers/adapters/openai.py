"""The chat completions dialect over the OpenAI SDK: OpenAI, DeepSeek and every compatible server.

The SDK builds the request, authenticates and raises typed errors; the body is read and decoded here, at a fifth of the
cost of the SDK's own objects.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from typing import Literal, cast

from openai import AsyncOpenAI, omit

from providers.adapters.completion import collect
from providers.adapters.exchange import Opener, read_body, run_exchange
from providers.adapters.openai_embeddings import read_embeddings
from providers.adapters.openai_messages import messages, request_body
from providers.adapters.openai_models import read_models
from providers.adapters.openai_stream import OpenAIReader
from providers.adapters.opening import open_stream
from providers.errors import InvalidRequest
from providers.network import create_http_client
from providers.types import ChatRequest, ClientConfig, Completion, EmbeddingRequest, Embeddings, ModelInfo, StreamEvent

NO_KEY = "none"  # the SDK refuses an empty key; keyless servers ignore this one


class OpenAIClient:
    """A ``ProviderClient`` of the chat completions dialect."""

    def __init__(self, config: ClientConfig) -> None:
        self.config = config
        self._limit_field = "max_completion_tokens" if config.kind == "openai" else "max_tokens"
        self._include_usage = True
        self._sdk = AsyncOpenAI(
            api_key=config.api_key or NO_KEY,
            base_url=config.base_url,
            max_retries=0,
            default_headers=dict(config.headers),
            http_client=create_http_client(config.timeouts, headers=config.headers),
        )

        # The SDK fills what is left out from its environment variables.
        self._sdk.organization, self._sdk.project = config.organization or None, config.project or None

    async def stream(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        """Yield events as they arrive and a ``Finish`` last. Raises ``ProviderError`` only."""
        try:
            async with aclosing(self._attempt(request)) as events:
                async for event in events:
                    yield event
            return
        except InvalidRequest as error:
            if not self._include_usage or "stream_options" not in error.detail or self.config.kind == "openai":
                raise
        self._include_usage = False
        async with aclosing(self._attempt(request)) as events:
            async for event in events:
                yield event

    async def complete(self, request: ChatRequest) -> Completion:
        """The whole answer in one call. Raises ``ProviderError`` only."""
        return await collect(self.stream(request))

    async def list_models(self) -> list[ModelInfo]:
        """The models that the server lists. Raises ``ProviderError`` only."""
        opener = cast("Opener", self._sdk.models.with_streaming_response.list)
        return read_models(await read_body(opener, config=self.config), self.config)

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Vectors in one call. Raises ``ProviderError`` only."""
        opener = partial(
            self._sdk.embeddings.with_streaming_response.create,
            model=request.model,
            input=cast("list[str]", request.input),
            encoding_format=cast("Literal['float', 'base64']", request.encoding),
            dimensions=omit if request.dimensions is None else request.dimensions,
        )
        body = await read_body(cast("Opener", opener), config=self.config, model=request.model)
        return read_embeddings(body, self.config, request.model)

    async def aclose(self) -> None:
        """Close every connection; the client must not be used again."""
        await self._sdk.close()

    def _attempt(self, request: ChatRequest) -> AsyncGenerator[StreamEvent, None]:
        extra = request_body(request, limit_field=self._limit_field)
        if self._include_usage:
            extra["stream_options"] = {"include_usage": True}
        body = {"model": request.model, "messages": messages(request), "stream": True, **extra}
        opener = partial(open_stream, self._sdk.post, "/chat/completions", body)
        reader = OpenAIReader(tells_logprobs=request.logprobs is not None)
        return run_exchange(cast("Opener", opener), reader, config=self.config, model=request.model)
