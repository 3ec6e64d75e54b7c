"""Log probabilities of the chat completions dialect."""

from typing import Final

import msgspec

from providers.adapters.text import clean
from providers.likelihoods import Alternative, Likelihood, LogProbs

MOST: Final = 20
"""Alternatives that the dialect tells for a token."""


class _Told(msgspec.Struct):
    content: list[Likelihood] | None = None
    refusal: list[Likelihood] | None = None


def read_logprobs(value: object) -> LogProbs | None:
    """What a choice tells; ``None`` for nothing and for what nobody knows how to read."""
    if not value:
        return None
    try:
        told = msgspec.convert(value, _Told)
    except (msgspec.ValidationError, RecursionError):
        return None
    content, refusal = (tuple(map(_cleaned, tokens or ())) for tokens in (told.content, told.refusal))
    return LogProbs(content, refusal) if content or refusal else None


def _cleaned(token: Likelihood) -> Likelihood:
    others = [Alternative(clean(other.token), other.logprob, other.bytes) for other in token.top_logprobs[:MOST]]
    return Likelihood(clean(token.token), token.logprob, token.bytes, others)
