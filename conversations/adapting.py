"""What is done to the tokens of one chunk between parsing and rendering."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from markdown_it.token import Token

from conversations.footnotes import Footnotes

DEPTH_LIMIT = 60  # levels of nested blocks; the parser drops text at 100
TITLE_LIMIT = 300  # characters
FORMULA_LIMIT = 500  # per chunk
LINK_ALLOWANCE = 262_144  # characters of link targets that a short text may repeat

_URL = re.compile(r"\bhttps?://[^\s<>\"'`{}|\\^\[\]⟨⟩]{1,2000}", re.IGNORECASE)
_ALIGN = re.compile(r"text-align:(left|center|right)")
_TASK = re.compile(r"\[([ xX])\][ \t\n]+")


class TooCostly(Exception):
    """The chunk is built to be expensive, or so deep that the parser would drop text."""


@dataclass(slots=True)
class Scope:
    """What the chunks of one text share: definitions and footnotes so far, and how much link text may be repeated."""

    env: dict[str, Any] = field(default_factory=dict)
    allowance: int = LINK_ALLOWANCE
    footnotes: Footnotes = field(default_factory=Footnotes)

    def spend(self, characters: int) -> None:
        """Count repeated link targets; raises ``TooCostly`` when a text lives off one long definition."""
        self.allowance -= characters
        if self.allowance < 0:
            raise TooCostly


def adapt(tokens: list[Token], scope: Scope) -> None:
    """Turn images into links, styles into classes and ``[x]`` into check boxes, and link footnotes.

    Raises ``TooCostly``.
    """
    formulas = 0
    lists: list[Token] = []
    ways_back: list[str] = []
    for index, token in enumerate(tokens):
        if token.level > DEPTH_LIMIT:
            raise TooCostly
        if token.type in {"bullet_list_open", "ordered_list_open"}:
            lists.append(token)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            lists.pop()
        elif token.type == "footnote_reference_open":
            back, token.meta["id"] = scope.footnotes.note(token.meta["label"])
            ways_back.append(back)
        elif token.type == "footnote_reference_close":
            _lead_back(tokens[index - 2 : index], token, ways_back.pop())
        elif token.type in {"td_open", "th_open"}:
            _align(token)
        elif token.type == "inline":
            formulas += _count_formulas(token)
            if lists and index >= 2 and tokens[index - 2].type == "list_item_open":
                _check_task(token, tokens[index - 2], lists[-1])
            token.children = list(_adapt_inline(token.children or [], scope))
        elif token.type.startswith("math_block"):
            formulas += 1
    if formulas > FORMULA_LIMIT:
        raise TooCostly


def _count_formulas(token: Token) -> int:
    return sum(child.type.startswith("math_") for child in token.children or ())


def _align(token: Token) -> None:
    if match := _ALIGN.search(str(token.attrs.pop("style", ""))):
        token.attrSet("class", f"align-{match[1]}")


def _check_task(inline: Token, item: Token, parent: Token) -> None:
    children = inline.children or []
    match = _TASK.match(inline.content)
    if not match or not children or not children[0].content.startswith(match[0][:3]):
        return
    children[0].content = children[0].content[3:]
    box = Token("task_box", "input", 0, meta={"checked": match[1] != " "})
    inline.children = [box, *children]
    item.attrSet("class", "task")
    parent.attrSet("class", "tasks")


def _lead_back(before: list[Token], close: Token, mark: str) -> None:
    """Put the way back to a footnote's mark behind its last words, or else behind its last block."""
    if not mark:
        return
    link = Token("footnote_back", "a", 0, meta={"to": mark})
    if before[-1].type == "paragraph_close":
        before[0].children = [*(before[0].children or []), link]
    else:
        close.children = [link]


def _adapt_inline(children: list[Token], scope: Scope) -> Iterator[Token]:
    links = 0
    for token in children:
        links += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "link_open":
            yield _bounded(token, scope)
        elif token.type == "footnote_mark":
            token.meta["to"], token.meta["id"] = scope.footnotes.mark(token.content)
            yield token
        elif token.type == "image":
            yield from _image(token, scope, inside_link=links > 0)
        elif token.type == "text" and not links and "://" in token.content:
            yield from _linked(token, scope)
        else:
            yield token


def _bounded(link: Token, scope: Scope) -> Token:
    if "title" in link.attrs:
        link.attrSet("title", str(link.attrs["title"])[:TITLE_LIMIT])
    if str(link.attrs.get("href", "")).startswith("data:"):
        del link.attrs["href"]
    scope.spend(sum(len(str(value)) for value in link.attrs.values()))
    link.attrSet("target", "_blank")
    return link


def _image(token: Token, scope: Scope, *, inside_link: bool) -> Iterator[Token]:
    """The alternative text and the host: nothing is fetched unless the reader follows the link."""
    source = str(token.attrs.get("src", ""))
    host = "" if source.startswith("data:") else _host(source)
    alt = "".join(child.content for child in token.children or ()) or "image"
    text = Token("text", "", 0, content=f"{alt} ({host})" if host else alt)
    if inside_link or not host:
        yield text
        return
    yield _bounded(Token("link_open", "a", 1, attrs={"href": source, "class": "image"}), scope)
    yield text
    yield Token("link_close", "a", -1)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _linked(token: Token, scope: Scope) -> Iterator[Token]:
    """The text with its bare addresses as links."""
    start = 0
    for match in _URL.finditer(token.content):
        url = _without_trailing_marks(match[0])
        if not _host(url):
            continue
        yield Token("text", "", 0, content=token.content[start : match.start()])
        yield _bounded(Token("link_open", "a", 1, attrs={"href": url}), scope)
        yield Token("text", "", 0, content=url)
        yield Token("link_close", "a", -1)
        start = match.start() + len(url)
    yield Token("text", "", 0, content=token.content[start:])


def _without_trailing_marks(url: str) -> str:
    url = url.rstrip(".,;:!?*_~")
    while url.endswith(")") and url.count(")") > url.count("("):
        url = url[:-1].rstrip(".,;:!?*_~")
    return url
