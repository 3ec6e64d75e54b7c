"""How likely a model's tokens were to it, in the form in which OpenAI's dialect tells it."""

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec


class Alternative(msgspec.Struct, frozen=True):
    """A token that could have stood there. ``bytes`` are its own, where a token is a part of a character."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class Likelihood(Alternative, frozen=True):
    """A token that was chosen, and what could have stood in its place."""

    top_logprobs: list[Alternative] = []


@dataclass(frozen=True, slots=True)
class LogProbs:
    """The likelihoods of the tokens of a piece of an answer, or of a whole one."""

    content: tuple[Likelihood, ...] = ()
    refusal: tuple[Likelihood, ...] = ()


def join_logprobs(pieces: Iterable[LogProbs]) -> LogProbs | None:
    """Those of all pieces in order; ``None`` where there is no piece."""
    known = tuple(pieces)
    if not known:
        return None
    return LogProbs(
        tuple(token for piece in known for token in piece.content),
        tuple(token for piece in known for token in piece.refusal),
    )
