"""From an empty data folder to the first answer of a model of one's own, as a newcomer does it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack, chosen_services, practice_process, stacks

pytestmark = pytest.mark.own_stack


@pytest.fixture
def untouched() -> Iterator[Stack]:
    """Wiz as it is after the first ``make run``: nobody has an account."""
    with chosen_services() as services, stacks() as start:
        yield start(services=services)


@pytest.fixture
def tab(browser: Browser, untouched: Stack) -> Iterator[Page]:
    context = browser.new_context(base_url=untouched.base_url)
    context.set_default_timeout(45_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert problems == []


def test_a_newcomer_talks_to_an_own_model_in_four_steps_and_the_link_works_once(tab: Page, untouched: Stack) -> None:
    with practice_process("sk-right-0123456789") as server:
        tab.goto(untouched.setup_url)  # step 1: open the link
        tab.get_by_label("Your name").fill("Ada")  # step 2: make the account
        tab.get_by_label("E-mail address").fill(ADMIN_EMAIL)
        tab.get_by_label("Password").fill(ADMIN_PASSWORD)
        tab.get_by_role("button", name="Create the account").click()
        expect(tab.get_by_role("heading", name="Welcome, Ada.")).to_be_visible()
        expect(tab.get_by_text("The practice provider is ready")).to_be_visible()
        tab.get_by_text("OpenAI-compatible").click()  # step 3: add a key
        tab.get_by_label("Key", exact=True).fill("sk-right-0123456789")
        tab.get_by_label("Base URL").fill(f"{server}/v1")
        tab.get_by_role("button", name="Add the provider").click()
        expect(tab.get_by_text("answers and offers")).to_be_visible()
        tab.get_by_role("button", name="Start a conversation").click()  # step 4: talk
        tab.get_by_role("textbox", name="Message").fill("echo: from my own provider")
        tab.get_by_role("button", name="Send").click()
        expect(tab.locator(".message.agent").last).to_have_attribute("data-status", "completed", timeout=30_000)
    tab.context.clear_cookies()
    tab.goto(untouched.base_url + "/")
    assert "/accounts/login/" in tab.url
    assert tab.request.get(untouched.setup_url).status == 404
