"""A real Chromium for the tests in this folder; without one they are skipped."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.people import Person, newcomer, the_administrator
from tests.stack import Stack

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=45_000)  # milliseconds; a busy machine draws slowly


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is."""
    # Without windows it is the same browser for half the work.
    path = next(filter(None, map(shutil.which, ("chromium-headless-shell", "/usr/bin/chromium", "chromium"))), None)
    if not path:
        pytest.skip("no Chromium: install the package chromium to run the browser tests")
    return path


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for a module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def administrator(shared_stack: Stack) -> Iterator[Person]:
    """Who may do everything; shared by all tests, so whatever is made in this name has to have a name of its own."""
    with the_administrator(shared_stack) as person:
        yield person


@pytest.fixture
def person(stack: Stack, administrator: Person) -> Iterator[Person]:
    """Somebody new for every test, with nothing but what is shared with everyone."""
    with newcomer(stack, administrator) as person:
        yield person


@pytest.fixture
def context(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """A fresh profile; relative addresses go to the stack."""
    context = browser.new_context(base_url=stack.base_url)
    context.set_default_timeout(45_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty tab of a stranger."""
    return context.new_page()


@pytest.fixture
def tab(browser: Browser, stack: Stack, person: Person) -> Iterator[Page]:
    """A desktop's tab in which the person is logged in, at no page yet; errors of scripts fail the test."""
    context = browser.new_context(base_url=stack.base_url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(45_000)
    context.add_cookies(person.cookies)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert problems == []


@pytest.fixture
def phone(browser: Browser, stack: Stack, person: Person) -> Iterator[Page]:
    """A phone's tab in which the person is logged in."""
    size = {"width": 390, "height": 844}
    context = browser.new_context(base_url=stack.base_url, viewport=size, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    context.set_default_timeout(45_000)
    context.add_cookies(person.cookies)
    yield context.new_page()
    context.close()
