"""Taking secrets out of what a provider says."""

import json
from dataclasses import replace
from urllib.parse import quote

import pytest

from providers.adapters.scrubbing import MASK, SCRUBBED_LIMIT, scrub, secrets_of
from providers.errors import DETAIL_LIMIT
from tests.providers.wire import config

SECRET = 'q7/Zk+9=="é&%\\Wx'


def percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode("latin-1"))


WRITTEN = {
    "as it is": SECRET,
    "as JSON": json.dumps(SECRET)[1:-1],
    "as JSON within JSON": json.dumps(json.dumps(SECRET)[1:-1])[1:-1],
    "with an escaped slash": SECRET.replace("/", "\\/"),
    "in escapes only": "".join(f"\\u{ord(character):04X}" for character in SECRET),
    "in a URL": quote(SECRET, safe="", encoding="latin-1"),
    "in a URL within a URL": quote(quote(SECRET, safe="", encoding="latin-1"), safe=""),
    "in percents only": percent(SECRET),
    "in HTML": SECRET.replace("&", "&amp;").replace('"', "&quot;").replace("/", "&#x2F;").replace("=", "&#61;"),
    "split by a control character": SECRET[:4] + "\x00\x1b" + SECRET[4:],
    "split by half a character": SECRET[:4] + "\ud83e" + SECRET[4:],
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_secret_is_taken_out_however_it_is_written(way: str) -> None:
    assert scrub(f"before {WRITTEN[way]} after", [SECRET]) == f"before {MASK} after"


def test_a_secret_is_taken_out_every_time_and_the_rest_stays_as_it_is() -> None:
    assert scrub(f"a\\n{SECRET}%20b{SECRET}&amp;c", [SECRET]) == f"a\\n{MASK}%20b{MASK}&amp;c"


@pytest.mark.parametrize("length", range(4, len(SECRET)))
def test_a_secret_whose_end_was_cut_off_is_taken_out_too(length: int) -> None:
    assert scrub(f"given: {json.dumps(SECRET[:length])[1:-1]}", [SECRET]) in {f"given: {MASK}", f"given: {MASK}\\"}


def test_a_secret_across_the_end_of_what_is_looked_at_leaves_nothing() -> None:
    secret = "Zy" * 40
    text = f"{secret} " * 400
    assert "Zy" not in scrub(text[: SCRUBBED_LIMIT + 7], [secret])


def test_of_two_secrets_the_longer_one_goes_first() -> None:
    assert scrub("abcdefgh-ijkl", ["abcdefgh", "abcdefgh-ijkl"]) == MASK


def test_an_empty_or_very_short_secret_takes_nothing_out() -> None:
    assert scrub("abc and more", ["", "abc"]) == "abc and more"


@pytest.mark.parametrize(
    "text", ["sk-proj-abcdef123456", "Bearer abc.def.ghi", "AIzaSyA1234567890abcdefghij", "gsk_abc12345"]
)
def test_what_looks_like_a_key_is_taken_out_though_it_is_not_ours(text: str) -> None:
    assert scrub(f"refused: {text}") == f"refused: {MASK}"


def test_the_result_is_bounded() -> None:
    assert len(scrub("x" * 1_000_000, [SECRET])) == DETAIL_LIMIT


def test_the_secrets_of_a_configuration_are_its_key_and_the_longer_values_of_its_headers() -> None:
    settings = replace(config("http://x"), headers={"X-A": "Basic c2VjcmV0", "X-B": "short", "X-C": "long-enough"})
    assert secrets_of(settings) == (settings.api_key, "Basic c2VjcmV0", "c2VjcmV0", "long-enough")
