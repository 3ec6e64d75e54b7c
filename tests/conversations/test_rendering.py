"""Rendering: the same HTML however the text arrived, in linear time, and nothing in it that we did not allow."""

import random
import re
import time
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from conversations.highlighting import PIECE
from conversations.inks import INKS
from conversations.rendering import Block, BlockRenderer, render
from conversations.sanitizing import sanitize
from tests.conversations.payloads import PAYLOADS

STYLE = (Path(__file__).parents[2] / "static/css/prose.css").read_text()

HTML_TAGS = frozenset(
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
MATH_TAGS = frozenset(
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
ATTRIBUTES = {
    "a": {"href", "title", "target", "rel", "class", "id", "aria-label"},
    "div": {"class", "id"},
    "ol": {"start", "class"},
    "figure": {"data-language", "class"},
    "input": {"type", "disabled", "checked", "class", "aria-label"},
}

CORPUS = (
    "# Title\n\nText with **bold**, `code` and ~~struck~~.\nSecond line.\n\n## Next\nmore\n",
    "Intro:\n\n1. one\n\n   more of one\n2. two\n\n   - nested\n\n     deeper\n\n3. three\n\nAfter.\n",
    "1. step\n```python\ndef f():\n\n    return 1\n```\n2. next\n\n```\nplain\n\ntext\n",
    "- a\n\n  ```js\n  x\n\n  y\n  ```\n\n- b\n\npara\n",
    "| a | b |\n|:--|--:|\n| 1 | 2 |\n\n- [ ] open\n- [x] done\n",
    "Euler $e^{i\\pi}=-1$ and \\(x<y\\).\n\n$$\n\\frac{1}{2}\n$$\n\n\\[\na = b\n\\]\n",
    "See [docs][d] and[^1].\n\n[d]: https://docs.example 'T'\n\n[docs][d]\n\n[^1]: Note.\n\n    More.\n",
    "One[^1], two[^2], again[^1].\n\n[^2]: Two.\n\n[^1]: One.\n\n    - list\n\n[^n]: N\n\nSee [^n].\n\n[^1]: Other.\n",
    "emoji 😀 and 👩‍👩‍👧\n\n```\n😀\n```\n\nend 🏳️‍🌈",
    "windows\r\n\r\nlines\r\n\r\n```\r\ncode\r\n```\r\nold\r\rmac\r",
    "> quote\n> ```\n> code\n> ```\n\n    indented\n\n    code\n\n***\n- - -\n* * *\n",
    "~~~~ruby\n~~~\nputs 1\n~~~~\n\n   ```\n   x\n\n   y\n   ```\nz\n",
    "\n\n\n",
    "",
    "   \n\t\ntext\n-\n\n-\n\n2020. year\n\n#no heading\n#\n",
    *PAYLOADS,
    "\n\n".join(PAYLOADS),
)


class Elements(HTMLParser):
    """Collects the elements and the text of a document."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


NAME = "0123456789abcdef"


def stream(text: str, sizes: list[int]) -> list[Block]:
    """The blocks of a text that arrives in portions."""
    renderer = BlockRenderer(NAME)
    blocks: list[Block] = []
    start = 0
    for size in sizes:
        blocks += renderer.feed(text[start : start + size])
        start += size
    return [*blocks, *renderer.feed(text[start:]), *renderer.close()]


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_harmless(html: str) -> None:
    """Only allowed tags, attributes, classes and addresses."""
    for tag, attributes in Elements(html).elements:
        assert tag in HTML_TAGS | MATH_TAGS
        if tag in MATH_TAGS:
            assert not {"href", "style", "class", "id", "src", "actiontype", "xlink:href"} & set(attributes)
            assert not any(name.startswith("on") for name in attributes)
        else:
            assert set(attributes) <= ATTRIBUTES.get(tag, {"class"})
        assert "evil" not in (attributes.get("class") or "").split()
        if identity := attributes.get("id"):
            assert re.fullmatch(rf"fn(ref)?-{NAME}-[0-9]+", identity)
        if tag == "a":
            check_link(attributes)
        if tag == "input":
            assert attributes["type"] == "checkbox"
            assert "disabled" in attributes


def check_link(attributes: dict[str, str | None]) -> None:
    """A link leaves in a new tab, tells nobody where from, and goes where browsers go without running anything.

    Or it is a footnote's.
    """
    assert attributes["rel"] == "noopener noreferrer nofollow"
    if (attributes.get("href") or "").startswith("#"):
        assert re.fullmatch(rf"#fn(ref)?-{NAME}-[0-9]+", attributes["href"] or "")
        assert "target" not in attributes
        return
    assert attributes["target"] == "_blank"
    if href := attributes.get("href"):
        assert urlsplit(href).scheme in {"http", "https", "mailto"}


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_text_leaves_no_disallowed_element(payload: str) -> None:
    """S8."""
    for text in (payload, f"- {payload}", f"> {payload}", f"**{payload}**", f"text {payload} text"):
        check_harmless(render(text, NAME))


def test_the_corpus_is_large_enough() -> None:
    assert len(set(PAYLOADS)) >= 60


def test_all_payloads_in_one_text_are_harmless_together() -> None:
    check_harmless(render("\n".join(PAYLOADS), NAME))
    check_harmless(render("\n\n".join(PAYLOADS), NAME))


PARTS = '<div class="part">(.*?)</div>(?=<div class="part">|$)'


@pytest.mark.parametrize("text", CORPUS)
def test_the_html_does_not_depend_on_how_the_text_arrived(text: str) -> None:
    """Neither do the offsets."""
    expected = stream(text, [])
    assert "".join(block.html for block in expected) == re.sub(PARTS, r"\1", render(text, NAME), flags=re.DOTALL)
    assert stream(text, [1] * len(text)) == expected
    cuts = random.Random(len(text))
    for _ in range(10):
        assert stream(text, [cuts.randint(0, 9) for _ in range(len(text))]) == expected


@pytest.mark.parametrize("text", CORPUS)
def test_offsets_rise_and_the_last_block_ends_with_the_text(text: str) -> None:
    ends = [block.end for block in stream(text, [])]
    assert ends == sorted(set(ends))
    assert (ends or [0])[-1] == utf16_length(text)


def test_offsets_count_utf16_code_units() -> None:
    renderer = BlockRenderer()
    blocks = renderer.feed("a😀\n\nb\n")
    assert [block.end for block in blocks] == [len("a") + 2 + 2]


def test_halves_of_an_emoji_that_arrive_apart_become_one() -> None:
    blocks = stream("a\ud83d\ude00", [2])
    assert "a😀" in blocks[0].html
    assert blocks[-1].end == 3


def test_a_block_is_given_as_soon_as_it_cannot_change() -> None:
    renderer = BlockRenderer()
    assert renderer.feed("one\n\n") == []
    assert [block.html for block in renderer.feed("t\n")] == ['<div class="block"><p>one</p>\n</div>']
    assert len(renderer.feed("```py\nx = 1\n")) == 1
    assert "data-language" in renderer.feed("```\n")[0].html


def test_an_unclosed_code_block_is_complete_at_the_end() -> None:
    html = render("```python\nx = 1\n\ny = 2")
    assert '<figure class="code" data-language="python"><figcaption>python</figcaption>' in html
    assert "x = 1\n\ny = 2" in Elements(html).text


def test_a_fence_inside_a_longer_fence_is_code() -> None:
    html = render("````md\n```\ninner\n```\n````\nafter")
    assert "```\ninner\n```\n" in Elements(html).text
    assert "<p>after</p>" in html


def test_code_is_coloured_by_classes_only() -> None:
    html = render("```python\ndef f(): return 1\n```")
    assert '<pre><code class="highlight"><span class="k">def</span>' in html
    assert "style=" not in html


def test_an_ordered_list_goes_on_counting_after_a_code_block() -> None:
    html = render("1. a\n```\nx\n```\n2. b\n")
    assert '<ol start="2">' in html


def test_nested_lists_stay_one_list() -> None:
    html = render("- a\n\n  - b\n\n    c\n- d\n\npara")
    assert html.count("<ul>") == 2
    assert "<p>para</p>" in html


def test_a_table_has_alignment_classes() -> None:
    html = render("| a | b |\n|:--|--:|\n| 1 | 2 |")
    assert '<td class="align-right">2</td>' in html
    assert "style" not in html


def test_a_task_list_has_disabled_boxes() -> None:
    html = render("- [ ] open\n- [x] done\n- plain [x]")
    boxes = [attributes for tag, attributes in Elements(html).elements if tag == "input"]
    assert ["checked" in box for box in boxes] == [False, True]
    assert "[x]" in html


@pytest.mark.parametrize("text", ["$a<b$", "$$\na<b\n$$", "\\(a<b\\)", "\\[\na<b\n\\]", "\\[a<b\\]"])
def test_a_formula_becomes_mathml(text: str) -> None:
    assert "<mi>a</mi><mo>&lt;</mo><mi>b</mi>" in render(text)


def test_a_formula_that_is_not_understood_is_shown_as_code() -> None:
    assert '<code class="math">\\frac{</code>' in render("$\\frac{$")


def test_money_is_no_formula() -> None:
    assert "<math" not in render("It costs $5 today and $6 tomorrow, and US$7 later.")


def test_a_formula_cannot_ask_for_a_huge_box() -> None:
    assert "9999" not in re.sub(r">[^<]*<", "><", render("$\\rule{9999em}{9999em}\\hspace{99999em}$"))


def test_an_image_becomes_a_link_that_names_its_host() -> None:
    """S11."""
    html = render("![a cat](https://evil.example/cat.png)")
    assert "<img" not in html
    assert ">a cat (evil.example)</a>" in html


def test_bare_addresses_are_links() -> None:
    html = render("See https://ok.example/a_(b), or (https://ok.example/c).")
    assert 'href="https://ok.example/a_(b)"' in html
    assert 'href="https://ok.example/c"' in html


def test_a_definition_holds_for_later_blocks() -> None:
    assert render("[d]: https://ok.example\n\nSee [d].").count("<a ") == 1


def test_a_footnote_stays_where_it_was_written() -> None:
    html = render("Text[^1].\n\n[^1]: The note.\n\n    More.\n\nAfter.")
    assert '<sup class="footnote-mark">[1]</sup>' in html
    assert html.index("The note.") < html.index("After.")


def test_a_footnote_and_its_mark_link_to_each_other() -> None:
    html = render("Text[^1], again[^1].\n\n[^1]: The note.\n\n[^1]: Another.", NAME)
    links = [attributes for tag, attributes in Elements(html).elements if tag == "a"]
    assert [link["href"] for link in links] == [f"#fn-{NAME}-1"] * 2 + [f"#fnref-{NAME}-1"] * 2
    assert [link.get("id") for link in links] == [f"fnref-{NAME}-1", None, None, None]
    assert [link.get("aria-label") for link in links] == [None, None, "Back to the text", "Back to the text"]
    notes = [attributes for _tag, attributes in Elements(html).elements if attributes.get("class") == "footnote"]
    assert [note.get("id") for note in notes] == [f"fn-{NAME}-1", None]
    assert html.index("The note.") < html.index("footnote-back") < html.index("Another.")


def test_the_way_back_stands_behind_a_list_too_and_is_there_only_if_there_is_a_mark() -> None:
    assert render("[^1]: - a\n\nText[^1].", NAME).count("footnote-back") == 0
    html = render("Text[^1].\n\n[^1]: - a", NAME)
    assert html.index("</ul>") < html.index("footnote-back")


def test_a_label_never_gets_into_an_id() -> None:
    hostile = "[^%s]: x\n\nText[^%s].\n\n"
    labels = ['"><script>', "'onclick=alert(1)", "__proto__", "../..", "é", "top"]
    html = render("".join(hostile % (label, label) for label in labels), NAME)
    check_harmless(html)
    identities = [attributes["id"] for _tag, attributes in Elements(html).elements if "id" in attributes]
    assert identities == [f"{kind}-{NAME}-{number}" for number in range(1, 7) for kind in ("fn", "fnref")]


def test_two_texts_on_a_page_share_no_id_and_one_without_a_name_has_none() -> None:
    text = "Text[^1].\n\n[^1]: The note."
    found = [set(re.findall('id="([^"]*)"', render(text, name))) for name in ("aa", "bb", "")]
    assert found == [{"fn-aa-1", "fnref-aa-1"}, {"fn-bb-1", "fnref-bb-1"}, set()]
    assert "href" not in render(text)


@pytest.mark.parametrize(
    "html",
    [
        '<a href="#top" id="top">x</a>',
        '<p id="fn-aa-1">x</p>',
        '<div id="fn-aa-1 evil">x</div>',
        '<a href="//evil.example">x</a>',
        '<a href="/c/">x</a>',
        '<a href="?q">x</a>',
        '<a href="../x">x</a>',
        '<a href="java&#10;script:alert(1)">x</a>',
        '<a href="ftp://evil.example">x</a>',
        '<a target="_top">x</a>',
    ],
)
def test_the_sanitiser_knows_no_other_id_and_no_other_way_within_the_site(html: str) -> None:
    assert not re.search("(id|href|target)=", sanitize(html))


def test_bidi_controls_are_shown() -> None:
    html = render("a\u202eb &#x202e; `\u2066`\n\n```\n\u202e\n```\n\n[x](https://ok.example/\u202e)")
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", unescape(html))
    assert html.count("⟨U+202E⟩") >= 3


HOSTILE = {
    "open brackets": "[" * 50_000,
    "open images": "![" * 50_000,
    "nested links": "[a](" * 50_000,
    "reference chains": "[a][" * 50_000,
    "quotes": "> " * 50_000 + "x",
    "bullets": "- " * 50_000 + "x",
    "numbers": "1. " * 50_000 + "x",
    "deepening list": "".join(" " * 2 * level + "- x\n" for level in range(300)),
    "stars": "*a " * 50_000,
    "underscores": "a**b_" * 50_000,
    "tildes": "~~a " * 50_000,
    "backticks": "".join("`" * count + " " for count in range(1, 600)),
    "dollars": "$a " * 50_000,
    "formulas": "$a$ " * 50_000,
    "brackets of formulas": "\\(" * 50_000,
    "bars": "|" * 50_000 + "\n" + "|-" * 50_000,
    "wide table": "|a" * 300 + "\n" + "|-" * 300 + "\n" + "|\n" * 3000,
    "less-than signs": "<" * 50_000,
    "entities": "&#x202e;" * 20_000,
    "one line of a megabyte": "x" * 1_000_000,
    "one line of a megabyte in words": "word " * 200_000,
    "java": "```java\n" + "a\n" * 19_000,
    "c#": "```csharp\n" + "@a\n" * 13_000,
    "heredocs": "```hcl\n" + "<<A\n" * 9000,
    "comments": "```css\n" + "/*\n" * 13_000,
    "blank code": "```c\n" + " \n" * 19_000,
    "nested braces": "$" + "{" * 900 + "}" * 900 + "$",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_built_to_be_expensive_is_rendered_quickly(name: str) -> None:
    """S12. A busy or slow machine is not the text's fault; what grows with the square would take minutes on any."""
    started = time.thread_time()
    html = render(HOSTILE[name])
    assert time.thread_time() - started < 20
    check_harmless(html)


@pytest.mark.parametrize("name", ["quotes", "bullets", "deepening list", "one line of a megabyte", "open brackets"])
def test_what_is_too_deep_or_too_long_comes_back_as_plain_text(name: str) -> None:
    html = render(HOSTILE[name])
    assert '<pre class="plain">' in html
    assert Elements(html).text == HOSTILE[name]


def test_a_long_address_cannot_be_repeated_without_end() -> None:
    text = f"[a]: https://ok.example/{'x' * 1900}\n\n" + "[a] " * 50_000
    assert len(render(text)) < 20 * len(text)


def prose(lines: int) -> str:
    """Paragraphs, as most answers are."""
    return "".join(f"Line {number} of *some* text with `code`.\n\n" for number in range(lines))


def code(lines: int) -> str:
    """One code block."""
    return "```python\n" + "".join(f"value_{number} = compute({number})\n" for number in range(lines))


def items(lines: int) -> str:
    """One list."""
    return "".join(f"- item {number} with [a link](https://ok.example/{number})\n" for number in range(lines))


def seconds(text: str, portion: int) -> float:
    """The shortest of three renderings in portions of so many characters."""
    times = []
    for _ in range(3):
        started = time.process_time()
        renderer = BlockRenderer()
        for start in range(0, len(text), portion):
            renderer.feed(text[start : start + portion])
        renderer.close()
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize(
    ("make", "lines", "portion"),
    [(prose, 800, 4), (code, 10_000, 1), (items, 1500, 7), (lambda n: "x" * n, 500_000, 1)],
)
def test_twice_the_text_costs_twice_the_time(make: object, lines: int, portion: int) -> None:
    """P7."""
    assert callable(make)
    ratio = seconds(make(2 * lines), portion) / seconds(make(lines), portion)
    assert ratio < 3.4, "quadratic work would be 4"


def test_a_code_block_of_twenty_thousand_lines_is_one_figure() -> None:
    html = render(code(20_000))
    assert html.count("<figure") == 1
    assert "value_19999" in html


@pytest.mark.parametrize("lines", [1, 100, 101, 400, 3000])
def test_code_in_pieces_is_the_code(lines: int) -> None:
    source = "".join(f'x = """{n}\n<b>\u2028 &amp;\x0c"""\n\n' for n in range(lines // 3)) + "y" + "\n" * (lines % 3)
    html = re.search(r'<code class="highlight">(.*)</code>', render(f"```python\n{source}\n```"), re.DOTALL)
    assert html is not None
    assert unescape(re.sub("<[^>]+>", "", html[1])) == source + "\n"
    pieces = html[1].split('<span class="lines">')[1:]
    assert (len(pieces) > 0) == (source.count("\n") + 1 >= 2 * PIECE)
    assert all(piece.endswith("\n</span>") for piece in pieces)
    assert all(piece.count("\n") == PIECE for piece in pieces[:-1])


def test_only_words_with_a_colour_are_elements() -> None:
    coloured = set(re.findall(r"\.([a-z0-9]+)", "".join(re.findall(r"^\.highlight (.*)\{", STYLE, re.MULTILINE))))
    assert coloured == INKS
    html = render("```python\ntotal = total + 1  # so far\n```")
    assert 'total = total + <span class="mi">1</span>  <span class="c1"># so far</span>\n</code>' in html


def test_a_list_of_twenty_thousand_lines_keeps_every_item() -> None:
    html = render(items(20_000))
    assert html.count("<li>") == 20_000
