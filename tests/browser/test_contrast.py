"""The colours can be read: 4.5 to 1 for text (7 in high contrast), 3 to 1 for controls (4.5), in both themes."""

import math
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
DECLARATION = re.compile(r"--([\w-]+):\s*([^;]+);")
OKLCH = re.compile(r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)")
SURFACES = ("surface", "surface-sunken", "surface-raised", "surface-float")
NOTICES = ("accent-soft", "danger-soft", "warning-soft", "success-soft")
TINTS = ("blue", "teal", "green", "amber", "red", "pink", "grey")
CODE = ("code-keyword", "code-string", "code-number", "code-name", "code-comment")
TEXT = [
    *[(ink, ground) for ink in ("text", "text-muted") for ground in (*SURFACES, "surface-hover", *NOTICES)],
    *[("accent", ground) for ground in (*SURFACES, "accent-soft")],
    *[("danger", ground) for ground in (*SURFACES, "danger-soft")],
    *[(ink, "surface-sunken") for ink in CODE],
    *[(f"tint-{tint}", ground) for tint in TINTS for ground in ("surface", "surface-raised")],
    ("accent-text", "accent"),
    ("accent-text", "accent-hover"),
    ("surface", "text"),
]
CONTROLS = [
    *[(ink, "surface") for ink in ("line-control", "focus", "accent", "danger", "success", "warning")],
    ("line-control", "surface-sunken"),
    ("focus", "surface-sunken"),
    ("focus", "surface-raised"),
    ("success", "accent-soft"),
    ("warning", "warning-soft"),
]


def read_tokens(css: str) -> dict[str, str]:
    """The declarations of the first rule, which is the one without conditions."""
    return dict(DECLARATION.findall(css[: css.index("}")]))


TOKENS = read_tokens((ROOT / "static/css/tokens.css").read_text())
STRONG = TOKENS | read_tokens((ROOT / "static/css/contrast.css").read_text())


class Look(NamedTuple):
    """A theme, and how much contrast it promises."""

    tokens: dict[str, str]
    theme: int
    text: float
    controls: float


LOOKS = {
    "light": Look(TOKENS, 0, 4.5, 3),
    "dark": Look(TOKENS, 1, 4.5, 3),
    "light-high": Look(STRONG, 0, 7, 4.5),
    "dark-high": Look(STRONG, 1, 7, 4.5),
}


def resolve(tokens: dict[str, str], value: str, theme: int) -> str:
    """An ``oklch()`` value: themes chosen and variables replaced."""
    value = value.strip()
    if value.startswith("light-dark("):
        parts = re.split(r",\s*(?![^(]*\))", value.removeprefix("light-dark(")[:-1])
        return resolve(tokens, parts[theme], theme)
    if value.startswith("var("):
        return resolve(tokens, tokens[value[6:-1]], theme)
    return value


def luminance(value: str) -> float:
    """Relative luminance, by way of Oklab (Ottosson's matrices) and linear sRGB."""
    match = OKLCH.fullmatch(value)
    assert match, f"{value} is not a plain oklch() colour"
    lightness, chroma, hue = (float(part) for part in match.groups())
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short
    return sum(w * min(max(c, 0.0), 1.0) for w, c in ((0.2126, red), (0.7152, green), (0.0722, blue)))


def contrast(look: Look, ink: str, ground: str) -> float:
    levels = sorted(luminance(resolve(look.tokens, look.tokens[name], look.theme)) for name in (ink, ground))
    return (levels[1] + 0.05) / (levels[0] + 0.05)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str, look: Look) -> None:
    assert contrast(look, ink, ground) >= look.text


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize(("ink", "ground"), CONTROLS)
def test_controls_can_be_seen(ink: str, ground: str, look: Look) -> None:
    assert contrast(look, ink, ground) >= look.controls


def test_the_bars_of_the_browser_have_the_colour_of_the_page() -> None:
    base = (ROOT / "templates/base.html").read_text()
    bars = re.findall(r'name="theme-color".*data-own="#(\w{6})"', base)
    for theme, bar in enumerate(bars):
        channels = [int(bar[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        bright = sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        assert bright == pytest.approx(luminance(resolve(TOKENS, TOKENS["surface"], theme)), abs=5e-3)
    assert len(bars) == 2


def test_the_measure_is_right() -> None:
    assert luminance("oklch(1 0 0)") == pytest.approx(1, abs=1e-3)
    assert luminance("oklch(0 0 0)") == pytest.approx(0, abs=1e-3)
    assert luminance("oklch(0.628 0.2577 29.23)") == pytest.approx(0.2126, abs=2e-3), "pure red"


def test_colours_are_written_in_the_tokens_only() -> None:
    for sheet in (ROOT / "static/css").glob("*.css"):
        if sheet.name not in {"tokens.css", "contrast.css"}:
            assert not re.search(r"#[0-9a-f]{3,8}\b|rgba?\(|hsla?\(|oklch\(\d", sheet.read_text()), sheet.name
