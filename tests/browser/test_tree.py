"""Versions, edits, other agents and forks, as somebody uses them with mouse and keyboard."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from conversations import services
from tests.people import Person
from tests.stack import Stack, practice_process
from tests.talking import Caller

PATIENCE = 120_000  # milliseconds


@pytest.fixture
def caller(person: Person) -> Caller:
    return person.caller


@pytest.fixture
def tab(tab: Page, caller: Caller) -> Page:
    """About to write to the guide."""
    tab.goto("/c/?agent=" + caller.agent_id("Guide"))
    return tab


def answer(tab: Page) -> Locator:
    return tab.locator(".message.agent").last


def question(tab: Page) -> Locator:
    return tab.locator(".message.user").last


def ask(tab: Page, text: str) -> None:
    answers = tab.locator(".message.agent")
    before = answers.count()
    tab.get_by_role("textbox", name="Message", exact=True).fill(text)
    tab.keyboard.press("Enter")
    expect(answers).to_have_count(before + 1, timeout=PATIENCE)
    finished(tab)


def finished(tab: Page) -> None:
    expect(answer(tab)).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer(tab).locator("[data-status-line]")).to_have_count(0)


def edit(tab: Page) -> Locator:
    """Open the form by the keyboard and return its field."""
    tab.get_by_role("link", name="Edit this message").last.focus()
    tab.keyboard.press("Enter")
    field = tab.get_by_role("textbox", name="Your message")
    expect(field).to_be_focused()
    return field


def test_an_edit_makes_a_version_and_both_can_be_read(tab: Page) -> None:
    ask(tab, "echo: the first words")
    field = edit(tab)
    assert field.input_value() == "echo: the first words"
    tab.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(tab.get_by_role("link", name="Edit this message").last).to_be_focused()
    edit(tab).fill("echo: the second words")
    tab.keyboard.press("Control+Enter")
    expect(question(tab)).to_contain_text("echo: the second words")
    expect(answer(tab).locator("[data-body]")).to_contain_text("the second words")
    finished(tab)
    expect(question(tab)).to_contain_text("2 of 2")
    tab.get_by_role("button", name="The version before").first.click()
    expect(question(tab)).to_contain_text("1 of 2")
    expect(answer(tab).locator("[data-body]")).to_have_text("the first words")
    tab.reload()
    expect(answer(tab).locator("[data-body]")).to_have_text("the first words")
    tab.get_by_role("button", name="The version after").first.focus()
    tab.keyboard.press("Enter")
    expect(answer(tab).locator("[data-body]")).to_have_text("the second words")
    expect(tab.get_by_role("button", name="The version after").first).to_be_focused()


def test_an_edit_in_progress_survives_what_happens_elsewhere(tab: Page, caller: Caller) -> None:
    ask(tab, "echo: one")
    field = edit(tab)
    field.fill("half a thought")
    conversation = tab.url.rstrip("/").rsplit("/", 1)[-1]
    caller.post(f"conversations/{conversation}/messages/", {"content": "echo: from a script"})
    expect(answer(tab).locator("[data-body]")).to_contain_text("from a script")
    finished(tab)
    assert tab.get_by_role("textbox", name="Your message").input_value() == "half a thought"


def test_another_agent_answers_beside_the_first(tab: Page, caller: Caller) -> None:
    provider = caller.get("providers/")["results"][0]["id"]
    caller.add_agent(name="Second pen", provider=provider, model="practice-fast")
    ask(tab, "echo: who is it")
    first = answer(tab).locator(".speaker strong").inner_text()
    tab.get_by_role("button", name="Answer again").last.focus()
    tab.keyboard.press("Enter")
    menu = tab.locator("#message-menu")
    expect(menu).to_be_visible()
    expect(menu.get_by_role("button").first).to_be_focused()
    menu.get_by_role("button", name="Second pen").click()
    expect(menu).to_be_hidden()
    expect(answer(tab).locator(".speaker")).to_contain_text("Second pen")
    finished(tab)
    expect(answer(tab)).to_contain_text("2 of 2")
    answer(tab).get_by_role("button", name="The version before").click()
    expect(answer(tab).locator(".speaker")).to_contain_text(first)


def test_a_run_that_is_out_of_sight_goes_on_and_can_be_found_again(tab: Page) -> None:
    ask(tab, "echo: short")
    edit(tab).fill("Write a long story, please.")
    tab.keyboard.press("Control+Enter")
    expect(answer(tab).locator("[data-body] .block").first).to_be_visible(timeout=PATIENCE)
    requests: list[str] = []
    tab.on("request", lambda request: requests.append(request.url))
    tab.get_by_role("button", name="The version before").first.click()
    expect(answer(tab).locator("[data-body]")).to_have_text("short")
    expect(tab.locator("[data-elsewhere]")).to_be_visible()
    expect(tab.locator("[data-stop-button]")).to_be_visible()
    tab.get_by_role("button", name="Show it").click()
    expect(answer(tab)).to_have_attribute("data-status", "running")
    expect(answer(tab).locator("[data-body] .block").first).to_be_visible()
    assert len(requests) < 10, "deltas of an answer that is not shown ask for nothing"
    tab.locator("[data-stop-button]").click()
    expect(answer(tab)).to_have_attribute("data-status", "cancelled")
    expect(answer(tab).get_by_role("button", name="Continue")).to_be_visible()


@pytest.mark.skipif(not hasattr(services, "continue_generation"), reason="the engine cannot continue yet")
def test_an_answer_that_was_stopped_goes_on_from_its_text(tab: Page) -> None:
    tab.get_by_role("textbox", name="Message", exact=True).fill("Write a long story, please.")
    tab.keyboard.press("Enter")
    blocks = answer(tab).locator("[data-body] .block")
    expect(blocks.nth(1)).to_be_visible(timeout=PATIENCE)
    tab.locator("[data-stop-button]").click()
    answer(tab).get_by_role("button", name="Continue").click()
    expect(answer(tab)).to_have_attribute("data-status", re.compile("running|completed"), timeout=PATIENCE)
    expect(blocks.first).to_have_text("Chapter 1")
    expect(tab.locator(".message.agent")).to_have_count(1)
    finished(tab)


def test_an_answer_that_goes_on_can_be_stopped_wherever_it_is_seen(tab: Page, caller: Caller) -> None:
    provider = caller.get("providers/")["results"][0]["id"]
    tab.goto("/c/?agent=" + caller.add_agent(name="Slow pen", provider=provider, model="practice-slow"))
    tab.get_by_role("textbox", name="Message", exact=True).fill("Write a long story, please.")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/c/*-*/")
    beside = tab.context.new_page()
    beside.goto(tab.url)
    words = re.compile(r"(\w+\W+){5}")
    expect(answer(tab).locator("[data-tail]")).to_have_text(words, timeout=PATIENCE)
    tab.locator("[data-stop-button]").click()
    expect(answer(beside).get_by_role("button", name="Continue")).to_be_visible()
    answer(tab).get_by_role("button", name="Continue").click()
    for page in (tab, beside):
        expect(answer(page)).to_have_attribute("data-status", "running", timeout=PATIENCE)
        expect(answer(page).locator("[data-tail]")).to_have_text(words, timeout=PATIENCE)
        assert page.locator("[data-stop-button]").is_visible()
        assert not page.get_by_role("button", name="Send").is_visible()
        assert answer(page).locator("[data-ending]").inner_text() == ""
    shown = []
    for page in (tab, beside):
        finished(page)
        expect(page.get_by_role("button", name="Send")).to_be_visible()
        shown.append(answer(page).locator("[data-body]").inner_html())
    tab.reload()
    assert shown == [answer(tab).locator("[data-body]").inner_html()] * 2, "streamed and stored pages are the same"


def test_a_fork_is_another_conversation(tab: Page) -> None:
    ask(tab, "echo: before the fork")
    address = tab.url
    answer(tab).get_by_role("button", name="Fork to a new conversation").click()
    tab.wait_for_url(lambda url: url != address)
    expect(tab.locator(".head-title h1")).to_contain_text("(fork)")
    expect(answer(tab).locator("[data-body]")).to_have_text("before the fork")
    ask(tab, "echo: after the fork")
    tab.goto(address)
    expect(tab.locator(".message")).to_have_count(2)


def test_a_live_error_offers_what_a_reload_would_offer(tab: Page, caller: Caller) -> None:
    with practice_process("sk-right-0123456789") as server:
        provider = caller.add_provider(
            name="Locked", kind="openai-compatible", base_url=f"{server}/v1", api_key="sk-wrong"
        )
        caller.add_agent(name="Locked out", provider=provider, model="practice-fast")
        tab.goto("/c/?agent=" + caller.agent_id("Locked out"))
        tab.get_by_role("textbox", name="Message", exact=True).fill("Hello")
        tab.keyboard.press("Enter")
        expect(answer(tab)).to_have_attribute("data-status", "failed", timeout=PATIENCE)
        live = answer(tab).locator("[data-ending]")
        expect(live.get_by_role("link", name="Open providers")).to_be_visible()
        shown = live.inner_text()
        tab.reload()
        assert answer(tab).locator("[data-ending]").inner_text() == shown


WATCH = """() => {
    window.lines = new Set();
    const note = () => document.querySelectorAll("[data-status-line]").forEach((line) => lines.add(line.textContent));
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_a_wait_for_the_next_attempt_is_counted_down(tab: Page) -> None:
    ask(tab, f"echo: a conversation to wait in, {uuid4()}")  # the practice provider counts by the conversation's text
    tab.evaluate(WATCH)
    ask(tab, "fault: 429")
    lines = tab.evaluate("() => [...window.lines]")
    assert any("in 2 s (2 of 3)" in line for line in lines), lines
    assert any("in 1 s (2 of 3)" in line for line in lines), lines


def test_without_a_script_an_edit_and_its_versions_work(browser: Browser, stack: Stack, tab: Page) -> None:
    ask(tab, "echo: the first words")
    state = tab.context.storage_state()
    context = browser.new_context(base_url=stack.base_url, java_script_enabled=False, storage_state=state)
    plain = context.new_page()
    plain.goto(tab.url)
    plain.get_by_role("link", name="Edit this message").click()
    plain.get_by_role("textbox", name="Your message").fill("echo: the second words")
    plain.get_by_role("button", name="Save and send").click()
    expect(plain.locator(".message.agent")).to_contain_text("the second words", timeout=PATIENCE)
    expect(plain.locator(".message.agent")).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    plain.get_by_role("button", name="The version before").first.click()
    expect(plain.locator(".message.agent")).to_contain_text("the first words")
    plain.get_by_role("button", name="Answer again").click()
    expect(plain.locator(".message.agent")).to_contain_text("2 of 2", timeout=PATIENCE)
    context.close()


def test_the_details_of_an_answer_open_and_close_by_keyboard(tab: Page) -> None:
    ask(tab, "echo: how much")
    details = answer(tab).get_by_role("link", name="Details of this answer")
    details.focus()
    tab.keyboard.press("Enter")
    receipt = tab.locator("#receipt")
    expect(receipt).to_be_visible()
    expect(receipt).to_contain_text("Provider")
    expect(receipt).to_contain_text("Tokens")
    tab.keyboard.press("Escape")
    expect(receipt).to_be_hidden()
    expect(details).to_be_focused()
