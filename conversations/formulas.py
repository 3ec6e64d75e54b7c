r"""LaTeX formulas: the Markdown rules for ``\(…\)`` and ``\[…\]``, and their form as MathML."""

import html
from xml.etree import ElementTree  # only written, never parsed

from latex2mathml.converter import convert_to_element
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

SIZE_LIMIT = 2000  # characters of one formula


def render_formula(latex: str, *, display: bool) -> str:
    """MathML, or the source as code when it is too long or not understood."""
    if len(latex) <= SIZE_LIMIT:
        try:
            return _mathml(latex.strip(), "block" if display else "inline")
        except Exception:  # noqa: S110 - the converter raises whatever its input made it trip over
            pass
    return source_of(latex)


def source_of(latex: str) -> str:
    """The formula's source as code."""
    return f'<code class="math">{html.escape(latex)}</code>'


def _mathml(latex: str, display: str) -> str:
    root = convert_to_element(latex, display=display)
    for element in root.iter():
        # The converter writes entities into text nodes and leaves the rest unescaped.
        element.text = html.unescape(element.text or "")
    root.attrib.pop("xmlns", None)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def formula_plugin(md: MarkdownIt) -> None:
    """Add the bracket delimiters, which some models use instead of dollars."""
    md.inline.ruler.before("escape", "math_bracket", _inline)
    md.block.ruler.before("fence", "math_bracket", _block, {"alt": ["paragraph", "blockquote", "list"]})


def _inline(state: StateInline, silent: bool) -> bool:
    if not state.src.startswith("\\(", state.pos):
        return False
    end = state.src.find("\\)", state.pos + 2, min(state.posMax, state.pos + SIZE_LIMIT + 4))
    if end <= state.pos + 2:
        return False
    if not silent:
        state.push("math_inline", "math", 0).content = state.src[state.pos + 2 : end]
    state.pos = end + 2
    return True


def _block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    if state.is_code_block(start_line) or not _line(state, start_line).startswith("\\["):
        return False
    lines: list[str] = []
    size = 0
    for number in range(start_line, end_line):
        line = _line(state, number)
        size += len(line)
        outside = number > start_line and state.sCount[number] < state.blkIndent
        if not line or outside or size > SIZE_LIMIT:
            return False
        lines.append(line)
        if line.endswith("\\]"):
            return silent or _push_block(state, start_line, lines)
    return False


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()


def _push_block(state: StateBlock, start_line: int, lines: list[str]) -> bool:
    state.line = start_line + len(lines)
    token = state.push("math_block", "math", 0)
    token.block = True
    token.content = "\n".join(lines)[2:-2]
    token.map = [start_line, state.line]
    return True
