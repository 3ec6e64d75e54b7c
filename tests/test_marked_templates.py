"""Every word of a template is marked for translation."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest

TEMPLATES: Final = Path(__file__).parent.parent / "templates"
SPOKEN: Final = {"aria-label", "title", "placeholder", "alt", "aria-description", "aria-placeholder"}
SILENT: Final = {"script", "style", "code", "kbd"}
SAME_EVERYWHERE: Final = {"Wiz", "ms", "UTC"}
MARKED: Final = re.compile(r"{%\s*(comment|blocktranslate)\b.*?{%\s*end\1\s*%}|{#.*?#}", re.DOTALL)
NAME_OF_TAG: Final = re.compile(r"(?<=<)(/?){%.*?%}")
TAG_OR_VARIABLE: Final = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
WORD: Final = re.compile(r"[^\W\d_]{2,}")


def unmarked(source: str) -> list[str]:
    """The words of a template that a translator cannot reach."""
    reader = _Reader()
    plain = NAME_OF_TAG.sub(r"\1x", MARKED.sub(" ", source))
    reader.feed(TAG_OR_VARIABLE.sub(" ", plain))
    reader.close()
    return [text for text in reader.texts if set(WORD.findall(text)) - SAME_EVERYWHERE]


class _Reader(HTMLParser):
    """Collects what a person reads or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._silence = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silence += tag in SILENT
        self.texts += [value.strip() for name, value in attrs if value and name in SPOKEN]

    def handle_endtag(self, tag: str) -> None:
        self._silence -= tag in SILENT

    def handle_data(self, data: str) -> None:
        if not self._silence and data.strip():
            self.texts.append(data.strip())


def _templates() -> Iterator[Path]:
    return (path for path in sorted(TEMPLATES.rglob("*")) if path.suffix in {".html", ".txt"})


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello there</p>",
        '<a title="Go away"></a>',
        '<input placeholder="{{ x }} left">',
        "{% if a %}Stopped{% endif %}",
    ],
)
def test_words_outside_of_a_mark_are_found(source: str) -> None:
    assert unmarked(source)


@pytest.mark.parametrize(
    "source",
    [
        '<p title="{% translate \'Go away\' %}">{% translate "Hello there" %} · {{ name }}</p>',
        "{% blocktranslate trimmed %}Hello <b>there</b>{% endblocktranslate %}",
        "<code>pip install</code><title>Wiz</title>{# a remark #}",
    ],
)
def test_marked_words_variables_and_code_are_no_finding(source: str) -> None:
    assert unmarked(source) == []


def test_every_word_of_every_template_is_marked() -> None:
    found = {str(path.relative_to(TEMPLATES)): texts for path in _templates() if (texts := unmarked(path.read_text()))}
    assert found == {}
