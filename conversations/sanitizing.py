"""What HTML may leave the renderer. Everything else is removed, whoever wrote it."""

import re

import nh3

from conversations.footnotes import ID
from conversations.inks import INKS

_MATH_TAGS = frozenset(
    [
        "math",
        "menclose",
        "mfrac",
        "mi",
        "mmultiscripts",
        "mn",
        "mo",
        "mover",
        "mpadded",
        "mphantom",
        "mprescripts",
        "mroot",
        "mrow",
        "ms",
        "mspace",
        "msqrt",
        "mstyle",
        "msub",
        "msubsup",
        "msup",
        "mtable",
        "mtd",
        "mtext",
        "mtr",
        "munder",
        "munderover",
        "none",
    ]
)
_TAGS = frozenset(
    [
        "a",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "input",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_LENGTHS = frozenset(
    [
        "columnspacing",
        "depth",
        "height",
        "linethickness",
        "lspace",
        "maxsize",
        "minsize",
        "rowspacing",
        "rspace",
        "voffset",
        "width",
    ]
)
_MATH_ATTRIBUTES = _LENGTHS | frozenset(
    [
        "accent",
        "accentunder",
        "columnalign",
        "columnlines",
        "display",
        "displaystyle",
        "fence",
        "form",
        "largeop",
        "mathcolor",
        "mathvariant",
        "movablelimits",
        "notation",
        "rowlines",
        "scriptlevel",
        "separator",
        "stretchy",
        "symmetric",
    ]
)
# Two digits before the point: a formula cannot ask for a box that covers the page.
_LENGTH = re.compile(r"[+-]?\d{0,2}(?:\.\d{1,6})?(?:em|ex|px|pt|pc|mu|cm|mm|in|%)?|[a-z]{1,20}")
_WORD = re.compile(r"[\w#.+\- ]{1,60}", re.ASCII)
_ADDRESS = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_ALIGNMENTS = {"align-left", "align-center", "align-right"}


def _filter_attribute(tag: str, name: str, value: str) -> str | None:
    """Only footnotes have an id, and only their links stay within the page."""
    if name == "id" or (name == "href" and value.startswith("#")):
        return value if ID.fullmatch(value.removeprefix("#")) else None
    if name == "href":
        return value if _ADDRESS.match(value) else None
    if tag not in _MATH_TAGS:
        return value
    if name not in _LENGTHS:
        return value if _WORD.fullmatch(value) else None
    return value if all(_LENGTH.fullmatch(length) for length in value.split()) else None


_cleaner = nh3.Cleaner(
    tags=set(_TAGS | _MATH_TAGS),
    clean_content_tags={"script", "style"},
    attributes={
        "a": {"href", "title", "id", "aria-label"},
        "div": {"id"},
        "ol": {"start"},
        "figure": {"data-language"},
        "input": {"checked", "aria-label"},
        **{tag: set(_MATH_ATTRIBUTES) for tag in _MATH_TAGS},
    },
    attribute_filter=_filter_attribute,
    link_rel="noopener noreferrer nofollow",
    tag_attribute_values={"a": {"target": {"_blank"}}},
    set_tag_attribute_values={"input": {"type": "checkbox", "disabled": ""}},
    url_schemes={"http", "https", "mailto"},
    url_relative="pass_through",
    allowed_classes={
        "a": {"image", "footnote-back"},
        "code": {"highlight", "math"},
        "div": {"footnote"},
        "figure": {"code"},
        "input": {"task"},
        "li": {"task"},
        "pre": {"plain"},
        "span": INKS | {"image", "lines"},
        "sup": {"footnote-mark"},
        "td": _ALIGNMENTS,
        "th": _ALIGNMENTS,
        "ul": {"tasks"},
        "ol": {"tasks"},
    },
)

# Characters that reorder the text around them (Unicode bidi overrides, embeddings and isolates).
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def sanitize(html: str) -> str:
    """HTML with nothing but our own tags, attributes, classes and link schemes, and with visible bidi controls."""
    return reveal_bidi(_cleaner.clean(html))


def reveal_bidi(text: str) -> str:
    """Show each bidi control as ``⟨U+202E⟩``: plain characters, safe in text and in attributes alike."""
    return _BIDI.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)
