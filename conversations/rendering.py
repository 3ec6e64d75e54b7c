"""Markdown of answers as sanitised HTML, block by block while it arrives.

A finished block is rendered once, in isolation, and never again: the cost of an answer is linear in its length, and a
page that is loaded later shows exactly what was streamed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.utils.safestring import SafeString, mark_safe

from conversations.blocks import Chunk, Splitter
from conversations.footnotes import Footnotes
from conversations.markdown import Scope, render_chunk

PART: Final = 40
"""Blocks in one element, as ``static/js/parts.js`` puts them: a page looks at few elements when a text grows."""
HEADING: Final = "block heading"
LARGE: Final = 8000  # characters of HTML
_HEADING = re.compile("<h[1-4]")


@dataclass(frozen=True, slots=True)
class Block:
    """Sanitised HTML, and the offset in UTF-16 code units up to which the source is covered."""

    html: str
    end: int


class BlockRenderer:
    """Renders one text. The blocks do not depend on how the text was cut into calls of ``feed``.

    ``name`` tells the text from others on the page, in hexadecimal digits; without one its footnotes are not linked.
    """

    def __init__(self, name: str = "") -> None:
        self._splitter = Splitter()
        self._scope = Scope(footnotes=Footnotes(name))
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
        return Block(f'<div class="{_class_of(html)}">{html}</div>' if html else "", self._end)


def render(text: str, name: str = "") -> SafeString:
    """The HTML of a complete text: its blocks, in parts. ``name`` as for ``BlockRenderer``."""
    renderer = BlockRenderer(name)
    blocks = [block.html for block in [*renderer.feed(text), *renderer.close()] if block.html]
    return mark_safe("".join(f'<div class="part">{part}</div>' for part in _parts(blocks)))  # noqa: S308 - sanitised


def _parts(blocks: list[str]) -> Iterator[str]:
    """The blocks in parts. None ends behind a heading: it decides how far off the next block stands."""
    part: list[str] = []
    for block in blocks:
        if len(part) >= PART and not part[-1].startswith(f'<div class="{HEADING}"'):
            yield "".join(part)
            part.clear()
        part.append(block)
    if part:
        yield "".join(part)


def _class_of(html: str) -> str:
    """What the style has to know of a block: selectors that look inside make a long text slow."""
    if _HEADING.match(html):
        return HEADING
    return "block" + " wide" * ("<table>" in html) + " large" * (len(html) > LARGE)
