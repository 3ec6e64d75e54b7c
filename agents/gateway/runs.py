"""What arrived together, put together: every dialect tells deltas of one kind in a row as one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from providers.likelihoods import LogProbs, join_logprobs
from providers.types import WORDS, StreamEvent, TextDelta, ToolCallDelta


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one kind, which is ``TextDelta`` or ``ReasoningDelta``, with what was told of their likelihood."""

    kind: type[StreamEvent]
    text: str
    logprobs: LogProbs | None


def runs(batch: Sequence[StreamEvent]) -> Iterator[Run | ToolCallDelta]:
    """The runs of words and the pieces of tool calls, in order."""
    kind: type[StreamEvent] = TextDelta
    pieces: list[str] = []
    logprobs: list[LogProbs] = []
    for event in batch:
        is_words = isinstance(event, WORDS)
        if (pieces or logprobs) and ((is_words and type(event) is not kind) or isinstance(event, ToolCallDelta)):
            yield Run(kind, "".join(pieces), join_logprobs(logprobs))
            pieces, logprobs = [], []
        if isinstance(event, WORDS):
            kind = type(event)
            pieces.append(event.text)
        elif isinstance(event, LogProbs):
            logprobs.append(event)
        elif isinstance(event, ToolCallDelta):
            yield event
    if pieces or logprobs:
        yield Run(kind, "".join(pieces), join_logprobs(logprobs))
