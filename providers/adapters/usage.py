"""Usage figures as ``Usage``, whatever a server writes into them."""

from collections.abc import Mapping
from typing import cast

from providers.adapters.text import count_of
from providers.types import Usage

Fields = Mapping[str, object]


class Figures:
    """Reads counts out of one usage object and remembers whether all of them made sense."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self.certain = True

    def count(self, name: str, inner: str = "") -> int:
        """The count called ``name``, or ``inner`` within it; 0 when absent or nonsense."""
        value = self._fields.get(name)
        if inner:
            value = cast("Fields", value).get(inner) if isinstance(value, Mapping) else None
        if value is None:
            return 0
        count = count_of(value)
        self.certain = self.certain and count is not None
        return count or 0

    def usage(self, *, total_input: int, output: int, cache_read: int, cache_write: int, reasoning: int) -> Usage:
        """The figures with every part no larger than its whole; a part that was is uncertain."""
        fits = cache_read + cache_write <= total_input and reasoning <= output
        cache_read = min(cache_read, total_input)
        return Usage(
            input=total_input,
            output=output,
            cache_read=cache_read,
            cache_write=min(cache_write, total_input - cache_read),
            reasoning=min(reasoning, output),
            certain=self.certain and fits,
        )


def openai_usage(value: object) -> Usage | None:
    """Usage of the chat completions dialect, with DeepSeek's and OpenRouter's names for the cache."""
    if not isinstance(value, Mapping):
        return None if value is None else Usage(certain=False)
    figures = Figures(cast("Fields", value))
    output = figures.count("completion_tokens")
    total_input = figures.count("prompt_tokens")
    reasoning = figures.count("completion_tokens_details", "reasoning_tokens")
    # Some vendors count reasoning beside the completion; then only the total includes it.
    if reasoning and figures.count("total_tokens") == total_input + output + reasoning:
        output += reasoning
    if "prompt_tokens" not in value or "completion_tokens" not in value:
        figures.certain = False
    return figures.usage(
        total_input=total_input,
        output=output,
        cache_read=figures.count("prompt_tokens_details", "cached_tokens") or figures.count("prompt_cache_hit_tokens"),
        cache_write=figures.count("prompt_tokens_details", "cache_write_tokens"),
        reasoning=reasoning,
    )


def anthropic_usage(value: Fields) -> Usage | None:
    """Usage of the messages dialect, whose ``input_tokens`` leave out what the cache served or took."""
    if not value:
        return None
    figures = Figures(value)
    cache_read = figures.count("cache_read_input_tokens")
    cache_write = figures.count("cache_creation_input_tokens")
    if "input_tokens" not in value or "output_tokens" not in value:
        figures.certain = False
    return figures.usage(
        total_input=figures.count("input_tokens") + cache_read + cache_write,
        output=figures.count("output_tokens"),
        cache_read=cache_read,
        cache_write=cache_write,
        reasoning=figures.count("output_tokens_details", "thinking_tokens"),
    )
