"""Taking secrets out of what a provider says, however the provider wrote them down."""

import html
import re
from collections.abc import Iterable, Iterator

from providers.errors import DETAIL_LIMIT
from providers.types import ClientConfig

MASK = "[key]"
SHORTEST_KEY = 4  # characters; below, a replacement would hit ordinary words
SHORTEST_HEADER = 8
SHORTEST_PART = 4  # characters of a key whose rest was cut off
SCRUBBED_LIMIT = DETAIL_LIMIT * 4  # characters that are looked at
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_KEYS = re.compile(
    r"(?i)\bbearer\s+[^\s\"',]+"
    r"|\b(?:sk|pk|rk|gsk|xai|key|hf|wiz|AIza)[-_][A-Za-z0-9*._-]{6,}"
    r"|\bAIza[A-Za-z0-9_-]{20,}"
)
# One character, plain or as JSON, a URL or HTML write it, also when it was escaped more than once.
_CHARACTER = re.compile(
    r"\\+u00(?P<json>[0-9a-f]{2})|%(?:25)*(?P<url>[0-9a-f]{2})|(?P<html>&(?:#x?[0-9a-f]{1,6}|[a-z]{2,6});)|\\*(?P<plain>.)",
    re.IGNORECASE | re.DOTALL,
)


def secrets_of(config: ClientConfig) -> tuple[str, ...]:
    """What must never be shown of a configuration: its provider's keys, and the values of its extra headers."""
    values = [part for value in config.headers.values() for part in (value, value.partition(" ")[2])]
    return (config.api_key, *config.all_keys, *(value for value in values if len(value) >= SHORTEST_HEADER))


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` without secrets, things that look like keys and control characters, in ``DETAIL_LIMIT`` characters."""
    text = _CONTROL.sub("", text[:SCRUBBED_LIMIT])
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_KEY:
            text = _without(text, secret)
    return _KEYS.sub(MASK, text).strip()[:DETAIL_LIMIT]


def _without(text: str, secret: str) -> str:
    """``text`` without the secret, and without its beginning where the text was cut off in the middle of it."""
    plain, starts = _unescaped(text)
    wanted, _ = _unescaped(secret)
    kept: list[str] = []
    position = 0
    for start, end in _places(plain, wanted):
        kept += [text[starts[position] : starts[start]], MASK]
        position = end
    return "".join([*kept, text[starts[position] :]])


def _places(text: str, secret: str) -> Iterator[tuple[int, int]]:
    end = 0
    while (start := text.find(secret, end)) >= 0:
        end = start + len(secret)
        yield start, end
    for length in range(min(len(secret) - 1, len(text) - end), SHORTEST_PART - 1, -1):
        if text.endswith(secret[:length]):
            yield len(text) - length, len(text)
            return


def _unescaped(text: str) -> tuple[str, list[int]]:
    """The characters that ``text`` stands for, and where each begins in it; the last entry is the text's end."""
    characters: list[str] = []
    starts: list[int] = []
    for match in _CHARACTER.finditer(text):
        character = _character(match)
        characters.append(character)
        starts += [match.start()] * len(character)
    return "".join(characters), [*starts, len(text)]


def _character(match: re.Match[str]) -> str:
    """What it stands for; a backslash for nothing, since nobody can tell whose escape it is."""
    if code := match["json"] or match["url"]:
        character = chr(int(code, 16))
    else:
        character = html.unescape(match["html"]) if match["html"] else match["plain"]
    return "" if character == "\\" else character
