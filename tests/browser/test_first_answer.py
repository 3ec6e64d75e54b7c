"""The first answers of somebody who has just logged in: streamed, reloaded, stopped, refused."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack, practice_process
from tests.talking import Caller

CODE = "Show me a short Python function with an explanation."


@pytest.fixture
def tab(browser: Browser, stack: Stack) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.base_url)
    context.set_default_timeout(45_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert problems == []


def test_an_answer_streams_and_a_reload_loses_nothing(tab: Page, stack: Stack) -> None:
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


def log_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("E-mail").fill(ADMIN_EMAIL)
    page.get_by_label("Password").first.fill(ADMIN_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/c/")
    agents = page.request.get("/api/v1/agents/").json()["results"]
    page.goto("/c/?agent=" + next(agent["id"] for agent in agents if agent["name"] == "Guide"))


def test_stop_keeps_what_was_written(tab: Page, stack: Stack) -> None:
    log_in(tab)
    tab.get_by_role("textbox", name="Message").fill("Write a long story, please.")
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer.locator("[data-body] .block").first).to_be_visible()
    tab.locator("[data-stop-button]").click()
    expect(answer).to_have_attribute("data-status", "cancelled", timeout=5_000)
    assert answer.locator("[data-body]").inner_text().strip()


def test_an_empty_and_an_endless_message_are_refused_in_words_and_nothing_is_lost(tab: Page, stack: Stack) -> None:
    log_in(tab)
    box = tab.get_by_role("textbox", name="Message")
    endless = "word " * 210_000
    box.evaluate("(box, text) => { box.value = text; box.dispatchEvent(new Event('input')); }", endless)
    box.press("Enter")
    expect(tab.get_by_text("200,000")).to_be_visible()
    assert tab.get_by_role("textbox", name="Message").input_value() == endless


def test_a_wrong_key_is_said_on_the_page(tab: Page, stack: Stack) -> None:
    with Caller.of(stack, ADMIN_EMAIL) as caller, practice_process("sk-right-0123456789") as server:
        refuse(tab, caller, f"{server}/v1")


def refuse(tab: Page, caller: Caller, base_url: str) -> None:
    name = f"Locked out {uuid4().hex[:8]}"
    provider = caller.add_provider(name=name, kind="openai-compatible", base_url=base_url, api_key="sk-wrong")
    agent = caller.add_agent(name=name, provider=provider, model="practice-fast")
    log_in(tab)
    tab.goto(f"/c/?agent={agent}")
    tab.get_by_role("textbox", name="Message").fill("Hello")
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "failed")
    expect(answer).to_contain_text("refused the key")
    expect(answer).to_contain_text("Paste a new key under Providers")
