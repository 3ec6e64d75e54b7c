"""One chunk of Markdown as sanitised HTML."""

import logging
import re
from collections.abc import MutableMapping, Sequence
from typing import Any

from django.utils.html import escape
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

from conversations.adapting import Scope, TooCostly, adapt
from conversations.blocks import Chunk
from conversations.formulas import formula_plugin, render_formula
from conversations.highlighting import render_code
from conversations.sanitizing import reveal_bidi, sanitize

__all__ = ["Scope", "render_chunk"]

logger = logging.getLogger(__name__)

SIZE_LIMIT = 262_144  # characters of a chunk that is parsed; a fenced code block may be longer
URL_LIMIT = 2000  # characters
# The link parser looks inside every open bracket: measured 50 µs each once they nest.
BRACKET_DEPTH_LIMIT = 30
OPEN_BRACKET_LIMIT = 1000
CELL_LIMIT = 20_000  # of a table, counted as header bars times lines: the parser fills up short rows

_LINK = re.compile(r"https?://[^/?#\s]|mailto:\S|data:image/(?:png|gif|jpe?g|webp);", re.IGNORECASE)
_BRACKET = re.compile(r"[\[\]]")
_FENCE_LINE = re.compile(r"(`{3,}|~{3,})([^\n]*)\n?")
_FOOTNOTE_MARK = re.compile(r"\[\^([^\]\s]{1,40})\]")


def render_chunk(chunk: Chunk, scope: Scope) -> str:
    """The chunk's HTML; what is too large, too deep or breaks the parser comes back as plain text, complete."""
    source = chunk.source.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
    scope.allowance += 4 * len(source)
    try:
        return sanitize(_render_fence(source) if chunk.is_fence else _render_markdown(source, scope))
    except TooCostly:
        pass
    except Exception:
        logger.exception("A chunk of %d characters could not be rendered.", len(source))
    return f'<pre class="plain">{reveal_bidi(escape(source))}</pre>'


def _render_fence(source: str) -> str:
    source = source.lstrip(" \t\n")
    opening = _FENCE_LINE.match(source)
    assert opening  # noqa: S101 - the splitter saw it
    code = source[opening.end() :]
    start_of_last_line = code.rstrip("\n").rfind("\n") + 1
    last = code[start_of_last_line:].strip(" \t\n")
    if len(last) >= len(opening[1]) and last == opening[1][0] * len(last):
        code = code[:start_of_last_line]
    return render_code(code, opening[2].strip())


def _render_markdown(source: str, scope: Scope) -> str:
    _refuse_hostile(source)
    tokens = _markdown.parse(source, scope.env)
    adapt(tokens, scope)
    return str(_markdown.renderer.render(tokens, _markdown.options, scope.env))


def _refuse_hostile(source: str) -> None:
    if len(source) > SIZE_LIMIT:
        raise TooCostly
    total = 0
    lines = source.split("\n")
    for line in lines:
        depth = 0
        for bracket in _BRACKET.findall(line):
            depth = depth + 1 if bracket == "[" else max(0, depth - 1)
            if depth > BRACKET_DEPTH_LIMIT:
                raise TooCostly
        total += depth
    bars = max(line.count("|") for line in lines)
    if total > OPEN_BRACKET_LIMIT or (bars > 100 and bars * len(lines) > CELL_LIMIT):
        raise TooCostly


def _is_allowed_link(url: str) -> bool:
    return bool(_LINK.match(url)) and (len(url) <= URL_LIMIT or url.startswith("data:"))


def _mark_footnote(state: StateInline, silent: bool) -> bool:
    """``[^1]``, and other labels once defined: a definition usually comes in a later chunk than its marks."""
    match = _FOOTNOTE_MARK.match(state.src, state.pos, state.posMax)
    if not match:
        return False
    known: dict[str, int] = state.env.get("footnotes", {}).get("refs", {})
    if not match[1].isdecimal() and ":" + match[1] not in known:
        return False
    if not silent:
        state.push("footnote_mark", "sup", 0).content = match[1]
    state.pos = match.end()
    return True


class _Renderer(RendererHTML):
    """The HTML of the tokens that are ours."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:  # noqa: ARG002
        """A code block with a language."""
        return render_code(tokens[idx].content, tokens[idx].info.strip())

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: MutableMapping[str, Any]) -> str:  # noqa: ARG002
        """An indented code block."""
        return render_code(tokens[idx].content, "")

    def math_inline(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        """A formula in a line."""
        return render_formula(tokens[idx].content, display=False)

    def math_block(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        """A formula on its own."""
        return f"<p>{render_formula(tokens[idx].content, display=True)}</p>"

    def task_box(self, tokens: Sequence[Token], idx: int, *_rest: object) -> str:
        """The box of a task; the words of the task stand beside it, where nothing can point at them."""
        if tokens[idx].meta["checked"]:
            return f'<input class="task" checked aria-label="{escapeHtml(_("Done"))}">'
        return f'<input class="task" aria-label="{escapeHtml(_("To do"))}">'

    def footnote_mark(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        """A reference to a footnote."""
        text, meta = f"[{escapeHtml(tokens[idx].content)}]", tokens[idx].meta
        if meta["to"]:
            text = f'<a href="#{meta["to"]}"{_id(meta["id"])}>{text}</a>'
        return f'<sup class="footnote-mark">{text}</sup>'

    def footnote_reference_open(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        """The start of a footnote's text, which stays where it was written."""
        meta = tokens[idx].meta
        return f'<div class="footnote"{_id(meta["id"])}><sup class="footnote-mark">[{escapeHtml(meta["label"])}]</sup>'

    def footnote_reference_close(self, tokens: Sequence[Token], idx: int, *_: object) -> str:
        """The end of a footnote's text."""
        return "".join(self.footnote_back([link], 0) for link in tokens[idx].children or ()) + "</div>"

    def footnote_back(self, tokens: Sequence[Token], idx: int, *_rest: object) -> str:
        """The way back from a footnote's text to its reference."""
        label = escapeHtml(_("Back to the text"))
        return f' <a class="footnote-back" href="#{tokens[idx].meta["to"]}" aria-label="{label}">\u21a9\ufe0e</a>'


def _id(identity: str) -> str:
    return f' id="{identity}"' if identity else ""


def _build() -> MarkdownIt:
    md = MarkdownIt("js-default", renderer_cls=_Renderer)
    md.use(footnote_plugin, inline=False, move_to_end=False)
    md.use(dollarmath_plugin, allow_labels=False, allow_space=False, allow_digits=False, allow_blank_lines=False)
    md.use(formula_plugin)
    md.disable("footnote_ref")
    md.inline.ruler.after("image", "footnote_mark", _mark_footnote)
    for name in ("math_inline", "math_block"):
        md.renderer.rules[name] = getattr(md.renderer, name)  # type: ignore[attr-defined]
    md.validateLink = _is_allowed_link  # type: ignore[method-assign]
    return md


_markdown = _build()
