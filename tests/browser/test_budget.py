"""What a page costs before it can be read: scripts, styles, and nothing that holds up the first paint."""

import re

from playwright.sync_api import Page

from tests.people import Person

SCRIPT_BUDGET, STYLE_BUDGET = 100_000, 50_000  # bytes as they travel
LOADED = """() => performance.getEntriesByType("resource").map(
    (entry) => [new URL(entry.name).pathname, entry.encodedBodySize, entry.decodedBodySize])"""


def test_the_page_of_a_conversation_keeps_to_its_budget(tab: Page, person: Person) -> None:
    guide = person.caller.agent_id("Guide")
    sent = person.caller.say(guide, "code")
    person.caller.read(sent)
    tab.goto(f"/c/{sent['conversation']}/", wait_until="networkidle")
    loaded = tab.evaluate(LOADED)
    for kind, budget in ((".js", SCRIPT_BUDGET), (".css", STYLE_BUDGET)):
        files = [entry for entry in loaded if entry[0].endswith(kind)]
        assert len(files) > 4
        assert all(size for _path, size, _whole in files), "counted as it travels"
        assert sum(size for _path, size, _whole in files) <= budget, sorted(files, key=lambda entry: -entry[1])[:5]
        assert sum(whole for *_, whole in files) > sum(size for _path, size, _whole in files), "compressed"


def test_nothing_holds_up_the_first_paint(person: Person) -> None:
    """The server's first answer, its styles, then the picture: scripts wait, and nothing comes from elsewhere."""
    for path in ("/c/", "/agents/", "/settings/"):
        page = person.http.get(path).text
        head = page[: page.index("</head>")]
        scripts = re.findall(r"<script[^>]*>", page)
        assert scripts
        assert all(" defer" in script or 'type="module"' in script for script in scripts), (path, scripts)
        sources = re.findall(r'(?:src|href)="([^"]+)"', head)
        assert all(source.startswith("/") and not source.startswith("//") for source in sources), sources
        assert "@import" not in "".join(
            person.http.get(source).text for source in sources if source.endswith(".css")
        ), "styles do not wait for styles"
