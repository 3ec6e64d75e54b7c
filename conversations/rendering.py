"""Markdown of answers as sanitised HTML, block by block while it arrives.

A finished block is rendered once, in isolation, and never again: the cost of an answer is linear in its length, and a
page that is loaded later shows exactly what was streamed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe

from conversations.blocks import Chunk, Splitter
from conversations.markdown import Scope, render_chunk


@dataclass(frozen=True, slots=True)
class Block:
    """Sanitised HTML, and the offset in UTF-16 code units up to which the source is covered."""

    html: str
    end: int


class BlockRenderer:
    """Renders one text. The blocks do not depend on how the text was cut into calls of ``feed``."""

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._scope = Scope()
        self._end = 0

    def feed(self, text: str) -> list[Block]:
        """The blocks that this text finished."""
        return self._render(self._splitter.feed(text))

    def close(self) -> list[Block]:
        """The blocks that the end of the text finished; the last one ends where the text ends."""
        return self._render(self._splitter.close())

    def _render(self, chunks: Iterable[Chunk]) -> list[Block]:
        return [self._block(chunk) for chunk in chunks]

    def _block(self, chunk: Chunk) -> Block:
        units = chunk.source.encode("utf-16-le", "surrogatepass")
        self._end += len(units) // 2
        # Two halves of an emoji that arrived apart become one; a lone half becomes the replacement character.
        source = units.decode("utf-16-le", "replace")
        html = render_chunk(Chunk(source, chunk.is_fence), self._scope) if source.strip() else ""
        return Block(f'<div class="block">{html}</div>' if html else "", self._end)


def render(text: str) -> SafeString:
    """The HTML of a complete text: the concatenation of its blocks."""
    renderer = BlockRenderer()
    blocks = [*renderer.feed(text), *renderer.close()]
    return mark_safe("".join(block.html for block in blocks))  # noqa: S308 - sanitised by render_chunk
