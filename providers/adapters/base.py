"""The small protocol behind which every wire dialect hides."""

from collections.abc import AsyncIterator
from typing import Protocol

from providers.types import ChatRequest, ClientConfig, Completion, EmbeddingRequest, Embeddings, ModelInfo, StreamEvent


class ProviderClient(Protocol):
    """A ready client: bound to one event loop, holds the plaintext key, is never pickled or logged."""

    config: ClientConfig

    def stream(self, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """Yield events as they arrive and a ``Finish`` last.

        Closing the iterator closes the upstream connection. Raises ``ProviderError`` only; a stream that ends
        without evidence of its end raises ``Incomplete``.
        """
        ...

    async def complete(self, request: ChatRequest) -> Completion:
        """The whole answer in one call. Raises ``ProviderError`` only."""
        ...

    async def list_models(self) -> list[ModelInfo]:
        """The provider's live list. Raises ``ProviderError`` only."""
        ...

    async def embed(self, request: EmbeddingRequest) -> Embeddings:
        """Vectors. Raises ``ProviderError`` only; ``RequestRefused`` where the dialect knows none."""
        ...

    async def aclose(self) -> None:
        """Close every connection; the client must not be used again."""
        ...
