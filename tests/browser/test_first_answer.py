"""From an empty data folder to a streamed answer, as a newcomer does it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack, chosen_services, practice_process, stacks
from tests.talking import Caller

CODE = "Show me a short Python function with an explanation."

pytestmark = pytest.mark.own_stack


@pytest.fixture(scope="module")
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


def test_a_newcomer_talks_to_an_own_model_in_four_steps(tab: Page, untouched: Stack) -> None:
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


def test_an_answer_streams_and_a_reload_loses_nothing(tab: Page, untouched: Stack) -> None:
    log_in(tab)
    tab.get_by_role("textbox", name="Message").fill(CODE)
    tab.get_by_role("button", name="Send").click()
    answer = tab.locator(".message.agent").last
    expect(answer).to_contain_text("Here is a small program")
    expect(answer).to_have_attribute("data-status", "running")
    tab.reload()
    expect(answer).to_have_attribute("data-status", "completed", timeout=30_000)
    expect(answer.locator("figure.code pre")).to_contain_text("def fibonacci")
    assert answer.locator("figure.code .k, figure.code .kn").count() > 0, "the code is highlighted"
    streamed = answer.locator("[data-body]").inner_html()
    tab.reload()
    assert answer.locator("[data-body]").inner_html() == streamed, "streamed and stored pages are the same"


def test_the_link_works_once(tab: Page, untouched: Stack) -> None:
    tab.goto(untouched.base_url + "/")
    assert "/accounts/login/" in tab.url
    response = tab.request.get(untouched.setup_url)
    assert response.status == 404


def log_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(ADMIN_EMAIL)
    page.get_by_label("Password").first.fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/c/")
    agents = page.request.get("/api/v1/agents/").json()["results"]
    page.goto("/c/?agent=" + next(agent["id"] for agent in agents if agent["name"] == "Guide"))


def test_stop_keeps_what_was_written(tab: Page, untouched: Stack) -> None:
    log_in(tab)
    tab.get_by_role("textbox", name="Message").fill("Write a long story, please.")
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer.locator("[data-body] .block").first).to_be_visible()
    tab.locator("[data-stop-button]").click()
    expect(answer).to_have_attribute("data-status", "cancelled", timeout=5_000)
    assert answer.locator("[data-body]").inner_text().strip()


def test_an_empty_and_an_endless_message_are_refused_in_words_and_nothing_is_lost(tab: Page, untouched: Stack) -> None:
    log_in(tab)
    box = tab.get_by_role("textbox", name="Message")
    endless = "word " * 210_000
    box.evaluate("(box, text) => { box.value = text; box.dispatchEvent(new Event('input')); }", endless)
    box.press("Enter")
    expect(tab.get_by_text("200,000")).to_be_visible()
    assert tab.get_by_role("textbox", name="Message").input_value() == endless


def test_a_wrong_key_is_said_on_the_page(tab: Page, untouched: Stack) -> None:
    with Caller.of(untouched, ADMIN_EMAIL) as caller, practice_process("sk-right-0123456789") as server:
        refuse(tab, caller, f"{server}/v1")


def refuse(tab: Page, caller: Caller, base_url: str) -> None:
    provider = caller.add_provider(name="Locked", kind="openai-compatible", base_url=base_url, api_key="sk-wrong")
    caller.add_agent(name="Locked out", provider=provider, model="practice-fast")
    log_in(tab)
    tab.goto("/c/?agent=" + caller.agent_id("Locked out"))
    tab.get_by_role("textbox", name="Message").fill("Hello")
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "failed")
    expect(answer).to_contain_text("refused the key")
    expect(answer).to_contain_text("Paste a new key under Providers")
