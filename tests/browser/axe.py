"""axe-core over a page in every look: what it finds, in words."""

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page

FULL: Final = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
COLOURS: Final = {"resultTypes": ["violations"], "runOnly": ["color-contrast"]}


class Look(NamedTuple):
    """What a reader's system asks for."""

    name: str
    scheme: Literal["light", "dark"]
    contrast: Literal["more", "no-preference"]
    options: dict[str, Any]


LOOKS: Final = (
    Look("light", "light", "no-preference", FULL),
    Look("dark", "dark", "no-preference", FULL),
    Look("high contrast, light", "light", "more", COLOURS),
    Look("high contrast, dark", "dark", "more", COLOURS),
)


def violations(page: Page, name: str) -> list[str]:
    """What axe finds on the page as it is, in every look; in high contrast only colours are judged."""
    return list(_violations(page, name))


def _violations(page: Page, name: str) -> Iterator[str]:
    page.evaluate(Axe().axe_script)
    for look in LOOKS:
        page.emulate_media(color_scheme=look.scheme, contrast=look.contrast, reduced_motion="reduce")
        for rule in page.evaluate("async (options) => (await axe.run(document, options)).violations", look.options):
            for node in rule["nodes"][:3]:
                why = node["failureSummary"].replace("\n", " ")
                yield f"{name} ({look.name}): {rule['id']}: {node['target']} {node['html'][:160]} {why}"
    page.emulate_media(color_scheme="light", contrast="no-preference", reduced_motion="reduce")
