"""A whole answer out of a stream."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from providers.errors import Incomplete
from providers.likelihoods import LogProbs, join_logprobs
from providers.types import Completion, Finish, ReasoningDelta, StreamEvent, TextDelta, ToolCall, ToolCallDelta


class Calls:
    """Tool calls while their pieces arrive."""

    def __init__(self) -> None:
        self._pieces: dict[int, list[ToolCallDelta]] = {}

    def add(self, piece: ToolCallDelta) -> None:
        """One more piece."""
        self._pieces.setdefault(piece.index, []).append(piece)

    def whole(self) -> tuple[ToolCall, ...]:
        """The calls so far, in order."""
        return tuple(
            ToolCall(id=pieces[0].id, name=pieces[0].name, arguments="".join(piece.arguments for piece in pieces))
            for _, pieces in sorted(self._pieces.items())
        )


async def collect(events: AsyncGenerator[StreamEvent, None]) -> Completion:
    """Read the stream to its ``Finish``. Raises what the stream raises."""
    text: list[str] = []
    reasoning: list[str] = []
    logprobs: list[LogProbs] = []
    calls = Calls()
    async with aclosing(events):
        async for event in events:
            if isinstance(event, TextDelta):
                text.append(event.text)
            elif isinstance(event, ReasoningDelta):
                reasoning.append(event.text)
            elif isinstance(event, ToolCallDelta):
                calls.add(event)
            elif isinstance(event, LogProbs):
                logprobs.append(event)
            elif isinstance(event, Finish):
                return Completion(
                    text="".join(text),
                    reasoning="".join(reasoning),
                    tool_calls=calls.whole(),
                    finish_reason=event.reason,
                    raw_reason=event.raw_reason,
                    usage=event.usage,
                    model=event.model,
                    logprobs=join_logprobs(logprobs),
                )
    raise Incomplete
