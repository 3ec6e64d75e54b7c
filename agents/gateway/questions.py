"""What a request in any of the dialects comes down to."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.gateway.failures import Refused
from providers.types import ChatRequest, Completion, Finish, StreamEvent, Usage


class Writer(Protocol):
    """One streamed answer in a dialect's events."""

    heartbeat: bytes
    """What is sent when nothing was said for a while."""

    def begin(self) -> bytes:
        """The events before the first word."""
        ...

    def write(self, batch: Sequence[StreamEvent]) -> bytes:
        """What arrived meanwhile; empty when it says nothing."""
        ...

    def end(self, finish: Finish, usage: Usage) -> bytes:
        """The last events of an answer that ended well."""
        ...

    def fail(self, refusal: Refused) -> bytes:
        """The last events of one that did not."""
        ...


class Form(Protocol):
    """How one answer is told."""

    def whole(self, completion: Completion, usage: Usage) -> object:
        """The body of an answer in one piece."""
        ...

    def writer(self) -> Writer:
        """For an answer in events."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: the model's name as the caller gave it, the request without it, and the form of the answer."""

    model: str
    request: ChatRequest
    is_streamed: bool
    form: Form


Content = AsyncGenerator[bytes, None]
