"""Reading, asking, stopping, changing, searching and deleting in a browser that runs no scripts."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.people import Person
from tests.stack import Stack

PATIENCE = 60_000  # milliseconds


@pytest.fixture
def plain(browser: Browser, stack: Stack, person: Person) -> Iterator[Page]:
    context = browser.new_context(base_url=stack.base_url, java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    context.add_cookies(person.cookies)
    yield context.new_page()
    context.close()


def ask(page: Page, words: str) -> None:
    page.get_by_role("textbox", name="Message", exact=True).fill(words)
    page.get_by_role("button", name="Send").click()


def test_a_question_is_answered_by_a_page_that_comes_again_by_itself(plain: Page, person: Person) -> None:
    plain.goto("/c/?agent=" + person.caller.agent_id("Guide"))
    ask(plain, "echo: quiet words")
    answer = plain.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer.locator("[data-body]")).to_have_text("quiet words")
    assert plain.locator("meta[http-equiv=refresh]").count() == 0
    plain.get_by_role("link", name="Edit this message").click()
    plain.get_by_role("textbox", name="Your message").fill("echo: other words")
    plain.get_by_role("button", name="Save and send").click()
    expect(answer.locator("[data-body]")).to_have_text("other words", timeout=PATIENCE)
    plain.get_by_role("button", name="The version before").first.click()
    expect(answer.locator("[data-body]")).to_have_text("quiet words")
    plain.get_by_role("searchbox").fill("quiet")
    plain.keyboard.press("Enter")
    plain.locator(".rail-hit").first.click()
    expect(plain.locator(".message.user").last).to_contain_text("quiet words")
    plain.get_by_role("link", name="Delete this answer").click()
    plain.get_by_role("button", name="Delete", exact=True).click()
    expect(plain.locator(".message.agent")).to_have_count(0)


def test_an_answer_that_is_being_written_can_be_read_and_stopped(plain: Page, person: Person) -> None:
    provider = person.caller.get("providers/")["results"][0]["id"]
    slow = person.caller.add_agent(name="Slow", provider=provider, model="practice-slow")
    plain.goto(f"/c/?agent={slow}")
    ask(plain, "Write a long story, please.")
    answer = plain.locator(".message.agent").last
    expect(answer.locator("noscript .body")).to_contain_text("Chapter 1", timeout=PATIENCE)
    expect(answer.locator("noscript .status")).to_contain_text("this page reloads by itself")
    for _ in range(5):  # a page that comes again in the moment of a press takes the press along
        if answer.get_attribute("data-status") == "running":
            plain.get_by_role("button", name="Stop the answer").click()
            plain.wait_for_timeout(4_000)
    expect(answer).to_have_attribute("data-status", "cancelled", timeout=PATIENCE)
    expect(answer).to_contain_text("Chapter 1")


def test_on_a_phone_what_a_search_finds_is_in_sight(plain: Page, person: Person) -> None:
    plain.set_viewport_size({"width": 390, "height": 844})
    person.caller.post("conversations/", {"agent": person.caller.agent_id("Guide"), "title": "Quince without scripts"})
    plain.goto("/c/")
    plain.get_by_role("link", name="Show conversations").click()
    plain.get_by_role("searchbox").fill("quince")
    plain.keyboard.press("Enter")
    plain.wait_for_url("**?q=quince*")
    expect(plain.locator("#rail-list").get_by_text("Quince without scripts")).to_be_in_viewport()
