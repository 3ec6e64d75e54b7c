"""How many come before one's own question, live and in words: in a running Wiz with a single slot."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.people import Person, the_administrator
from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack, chosen_services, stacks, wait_for

PATIENCE = 60_000  # milliseconds
LONG = "tokens=100000"

pytestmark = pytest.mark.own_stack


@pytest.fixture(scope="module")
def narrow() -> Iterator[Stack]:
    """Wiz with a slot for one answer at a time."""
    with chosen_services() as services, stacks() as start:
        arguments = ("--workers", "1", "--concurrency", "1")
        yield start(*arguments, WIZ_ADMIN_EMAIL=ADMIN_EMAIL, WIZ_ADMIN_PASSWORD=ADMIN_PASSWORD, services=services)


@pytest.fixture
def person(narrow: Stack) -> Iterator[Person]:
    with the_administrator(narrow) as person:
        yield person


@pytest.fixture
def tab(browser: Browser, narrow: Stack, person: Person) -> Iterator[Page]:
    context = browser.new_context(base_url=narrow.base_url)
    context.add_cookies(person.cookies)
    yield context.new_page()
    context.close()


def test_the_place_in_the_queue_is_said_in_words_and_moves_on(tab: Page, person: Person) -> None:
    caller = person.caller
    guide = caller.agent_id("Guide")
    first, second = (caller.say(guide, LONG)["generation"]["id"] for _ in range(2))
    wait_for(lambda: caller.get(f"generations/{first}/")["status"] == "running", 20, "the first one's turn")
    conversation = caller.post("conversations/", {"agent": guide})["id"]
    tab.goto(f"/c/{conversation}/")
    tab.locator("#composer-text").fill("echo: at last")
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer.locator("[data-status-line]")).to_have_text("Queued, 1 before you", timeout=PATIENCE)
    expect(tab.get_by_role("button", name="Stop the answer")).to_be_visible()
    expect(tab.get_by_role("button", name="Send")).to_be_hidden()
    caller.post(f"generations/{first}/cancel/")
    expect(answer.locator("[data-status-line]")).to_have_text("Queued, you are next", timeout=PATIENCE)
    tab.reload()
    expect(answer.locator("[data-status-line]")).to_have_text("Queued, you are next", timeout=PATIENCE)
    caller.post(f"generations/{second}/cancel/")
    expect(answer).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer).to_contain_text("at last")
    expect(tab.get_by_role("button", name="Send")).to_be_visible()
