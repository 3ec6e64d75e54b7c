"""Cuts a growing Markdown text into chunks that can be rendered one by one.

The cut depends on whole lines only, never on how the text arrived, and every line is looked at once. A chunk begins

- at a line with an indent of at most 3 after a blank line; while the chunk is a list, only at a line without indent
  that is no list item (or at an item without indent once the list is long),
- at the opening line of a fenced code block without indent, and after its closing line,
- at a heading (``#``) without indent, and after it.

Nothing begins inside a fenced code block.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LIST_LIMIT = 16_384  # characters after which the next item of a list begins a chunk: keeps the open tail short

_LINE_END = re.compile(r"\r\n|\n|\r(?=[\s\S])")
_FENCE = re.compile(r"(`{3,})[^`]*\Z|(~{3,})")
_HEADING = re.compile(r"#{1,6}(?:[ \t\r\n]|\Z)")
_ITEM = re.compile(r"(?:[-+*]|\d{1,9}[.)])(?:[ \t\r\n]|\Z)")
_INTERRUPTING_ITEM = re.compile(r"(?:[-+*]|1[.)])[ \t]+[^ \t\r\n]")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of source. ``is_fence`` says that it is one fenced code block, possibly unclosed, after blank lines."""

    source: str
    is_fence: bool


def open_fence(text: str) -> str:
    """The fence of the code block in which a text breaks off; empty when it ends outside of one."""
    splitter = Splitter()
    for _chunk in splitter.feed(text):
        pass
    return splitter.fence


class Splitter:
    """Feed it text in any portions; it hands out the chunks that no further text can change."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._start_chunk()
        self._fence = ""

    def feed(self, text: str) -> Iterator[Chunk]:
        """Take more text and give the chunks that it finished."""
        if self._parts and text and self._parts[-1].endswith("\r"):
            text = self._parts.pop() + text
        start = 0
        for end in _LINE_END.finditer(text):
            self._parts.append(text[start : end.end()])
            start = end.end()
            yield from self._take(self._join())
        if start < len(text):
            self._parts.append(text[start:])

    def close(self) -> Iterator[Chunk]:
        """The text is complete: give what is left."""
        if self._parts:
            yield from self._take(self._join())
        if self._lines:
            yield self._finish()

    @property
    def fence(self) -> str:
        """The fence that is open behind the last whole line."""
        return self._fence

    def _join(self) -> str:
        line = "".join(self._parts)
        self._parts.clear()
        return line

    def _start_chunk(self) -> None:
        self._lines: list[str] = []
        self._size = 0
        self._has_content = False
        self._is_list = False
        self._is_fence = False
        self._after_blank = False

    def _finish(self) -> Chunk:
        chunk = Chunk("".join(self._lines), self._is_fence)
        self._start_chunk()
        self._fence = ""
        return chunk

    def _take(self, line: str) -> Iterator[Chunk]:
        indent, body = _measure(line)
        if self._fence:
            self._append(line)
            if indent <= 3 and _closes(self._fence, body):
                self._fence = ""
                if self._is_fence:
                    yield self._finish()
            return
        if self._begins_chunk(indent, body):
            yield self._finish()
        self._append(line)
        self._learn(indent, body)
        if indent == 0 and _HEADING.match(body):
            yield self._finish()

    def _append(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line)

    def _begins_chunk(self, indent: int, body: str) -> bool:
        if not body or not self._has_content:
            return False
        if indent == 0 and (_FENCE.match(body) or _HEADING.match(body)):
            return True
        if self._is_list and indent == 0 and _is_item(body):
            return self._size > LIST_LIMIT
        return self._after_blank and indent <= (0 if self._is_list else 3)

    def _learn(self, indent: int, body: str) -> None:
        self._after_blank = not body
        if not body or indent > 3:
            self._has_content = self._has_content or bool(body)
            return
        if not self._is_list and (fence := _FENCE.match(body)):
            self._fence = fence[1] or fence[2]
            self._is_fence = indent == 0
        elif _is_item(body) and (not self._has_content or _INTERRUPTING_ITEM.match(body)):
            self._is_list = True
        self._has_content = True


def _measure(line: str) -> tuple[int, str]:
    """The indent in columns (a tab stop is 4) and the rest, which is empty for a blank line."""
    body = line.lstrip(" \t")
    margin = line[: len(line) - len(body)]
    return len(margin.expandtabs(4)), "" if body in {"\n", "\r\n", "\r"} else body


def _closes(fence: str, body: str) -> bool:
    run = body.rstrip(" \t\r\n")
    return len(run) >= len(fence) and run == fence[0] * len(run)


def _is_item(body: str) -> bool:
    if not _ITEM.match(body):
        return False
    marks = set(body) - {" ", "\t", "\r", "\n"}
    is_rule = len(marks) == 1 and body[0] in "*-" and body.count(body[0]) >= 3
    return not is_rule
