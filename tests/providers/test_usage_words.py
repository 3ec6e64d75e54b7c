"""Small words on pages of numbers: one of a thing, and dates as the reader's language writes them."""

from dataclasses import dataclass
from datetime import date

import pytest
from django.apps import apps
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.text import capfirst

from providers.standing import ModelStatus, Standing


@dataclass(frozen=True)
class Row:
    calls: int
    name: str = "practice"
    about: str = ""
    input_tokens: int = 1
    output_tokens: int = 1
    cost: None = None


@pytest.mark.parametrize(("calls", "language", "words"), [
    (1, "en", "1<span class=\"unit\"> call</span>"),
    (2, "en", "2<span class=\"unit\"> calls</span>"),
    (1, "pt-br", "1<span class=\"unit\"> chamada</span>"),
    (2, "pt-br", "2<span class=\"unit\"> chamadas</span>"),
])  # fmt: skip
def test_one_call_is_no_calls(calls: int, language: str, words: str) -> None:
    with translation.override(language):
        assert words in render_to_string("usage/_table.html", {"rows": [Row(calls)]})


@pytest.mark.parametrize(("language", "words"), [("en", "Jan. 2, 2999"), ("pt-br", "2 de Janeiro de 2999")])
def test_the_day_on_which_a_model_ends_is_written_as_the_language_writes_days(language: str, words: str) -> None:
    with translation.override(language):
        shown = render_to_string("_standing.html", {"standing": Standing(ModelStatus.DEPRECATED, date(2999, 1, 2))})
    assert words.casefold() in shown.casefold()


def test_the_admin_calls_tokens_by_their_name() -> None:
    name = apps.get_model("accounts", "ApiToken")._meta.verbose_name_plural
    assert capfirst(str(name)) == "API tokens"
