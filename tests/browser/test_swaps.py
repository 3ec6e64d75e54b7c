"""A transcript that is swapped while its answer is written goes on with that answer, whatever was still under way."""

import json
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, WebSocketRoute, expect

from tests.people import Person

PATIENCE = 120_000  # milliseconds
LONG = " ".join(map(str, range(1500)))  # one paragraph of 25 seconds
UNDER_WAY = 40  # deltas: twice as many as a client may send messages in ten seconds


class Line:
    """The page's way to the server, which can be made slow: what comes is then kept until it is quick again."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.follows = 0
        self.codes: list[int | None] = []
        self._kept: list[str | bytes] | None = None
        page.route_web_socket(re.compile(r"/ws/conversations/"), self._connect)

    def _connect(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def up(frame: str | bytes) -> None:
            self.follows += json.loads(frame)["type"] == "follow"
            server.send(frame)

        def down(frame: str | bytes) -> None:
            if self._kept is None:
                socket.send(frame)
            else:
                self._kept.append(frame)

        def closed(code: int | None, reason: str | None) -> None:
            self.codes.append(code)
            socket.close(code=code, reason=reason)

        socket.on_message(up)
        server.on_message(down)
        server.on_close(closed)
        self._socket, self._server = socket, server

    def flood(self) -> None:
        """Say more than the server listens to."""
        for _ in range(30):
            self._server.send('{"type": "stop"}')

    def slow(self) -> None:
        self._kept = []

    def quick(self) -> None:
        kept, self._kept = self._kept or [], None
        for frame in kept:
            self._socket.send(frame)

    @property
    def deltas(self) -> int:
        """How many pieces of text are under way."""
        return sum('"text-delta"' in str(frame) for frame in self._kept or [])


@pytest.fixture
def line(tab: Page) -> Line:
    return Line(tab)


def waits_until(tab: Page, condition: Callable[[], bool]) -> None:
    """Until the line has it."""
    end = time.monotonic() + PATIENCE / 1000
    while not condition():
        assert time.monotonic() < end
        tab.wait_for_timeout(50)


def answer(tab: Page) -> Locator:
    return tab.locator(".message.agent").last


def ask(tab: Page, person: Person, text: str) -> None:
    tab.goto("/c/?agent=" + person.caller.agent_id("Guide"))
    tab.get_by_role("textbox", name="Message", exact=True).fill(text)
    tab.keyboard.press("Enter")


def test_frames_of_an_earlier_follow_are_left_alone(tab: Page, person: Person, line: Line) -> None:
    ask(tab, person, "echo: short")
    expect(answer(tab)).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    tab.get_by_role("link", name="Edit this message").click()
    tab.get_by_role("textbox", name="Your message").fill("echo: " + LONG)
    tab.keyboard.press("Control+Enter")
    expect(answer(tab).locator("[data-tail]")).to_have_text(re.compile(r"(\w+\W+){5}"), timeout=PATIENCE)
    before = line.follows
    line.codes.clear()  # of the page before, where the form was opened by a link because the page was not ready yet
    line.slow()
    waits_until(tab, lambda: line.deltas >= UNDER_WAY)
    for _ in range(2):
        tab.get_by_role("button", name="The version before").first.click()
        expect(answer(tab).locator("[data-body]")).to_have_text("short")
        tab.get_by_role("button", name="Show it").click()
        expect(answer(tab)).to_have_attribute("data-status", "running")
    line.quick()
    expect(answer(tab)).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer(tab).locator("[data-status-line]")).to_have_count(0)
    assert line.codes == []
    assert line.follows - before <= 4
    assert answer(tab).locator("[data-body]").text_content() == LONG + "\n"


def test_a_page_that_was_shown_out_comes_back(tab: Page, person: Person, line: Line) -> None:
    ask(tab, person, "echo: before")
    expect(answer(tab)).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    waits_until(tab, lambda: line.follows > 0)
    line.flood()
    waits_until(tab, lambda: bool(line.codes))
    assert line.codes == [1008]
    before = line.follows
    waits_until(tab, lambda: line.follows > before)
    conversation = tab.url.rstrip("/").rsplit("/", 1)[-1]
    person.caller.post(f"conversations/{conversation}/messages/", {"content": "echo: and after"})
    expect(answer(tab).locator("[data-body]")).to_have_text("and after")
