"""The composer as somebody uses it: who answers, with which parameters, the keys, the draft, the place in the queue."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.people import Person
from tests.stack import Stack
from tests.talking import Caller

PATIENCE = 60_000  # milliseconds
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def caller(person: Person) -> Caller:
    return person.caller


@pytest.fixture
def phone(browser: Browser, stack: Stack, person: Person) -> Iterator[Page]:
    """Another device of the same person."""
    context = browser.new_context(base_url=stack.base_url, viewport=PHONE, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    context.set_default_timeout(45_000)
    context.add_cookies(person.cookies)
    yield context.new_page()
    context.close()


def begun(caller: Caller, **fields: Any) -> str:
    return str(caller.post("conversations/", {"agent": caller.agent_id("Guide"), **fields})["id"])


def open_picker(tab: Page) -> None:
    tab.locator("[data-open-picker]").first.click()
    expect(tab.locator("#picker-list [role=option]").first).to_be_visible()


def test_a_model_is_chosen_by_keyboard_and_answers_from_the_next_message_on(tab: Page, caller: Caller) -> None:
    conversation = begun(caller, title="Choosing")
    tab.goto(f"/c/{conversation}/")
    tab.locator("#picker-button").focus()
    tab.keyboard.press("Space")
    expect(tab.get_by_role("combobox", name="Search agents and models")).to_be_focused()
    expect(tab.locator("[data-active]")).to_contain_text("Guide")
    tab.keyboard.type("unpaced")
    expect(tab.locator("#picker-list [role=option]")).to_have_count(1)
    expect(tab.locator("[data-active]")).to_contain_text("128k context")
    tab.keyboard.press("Enter")
    expect(tab.locator("#picker")).to_be_hidden()
    expect(tab.locator("#picker-button")).to_contain_text("Practice (unpaced)")
    expect(tab.locator("#composer-text")).to_be_focused()
    expect(tab.locator("#head-title")).to_contain_text("practice-fast")
    kept = caller.get(f"conversations/{conversation}/")
    assert (kept["agent"], kept["model"]) == (None, "practice-fast")
    tab.keyboard.type("echo: by the model")
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer).to_contain_text("by the model")
    expect(answer.locator(".speaker")).to_contain_text("practice-fast")
    expect(tab.locator("#context-gauge [role=img]")).to_be_visible()
    tab.reload()
    expect(tab.locator("#picker-button")).to_contain_text("Practice (unpaced)")


def test_a_new_conversation_begins_with_whom_one_chose_and_with_its_parameters(tab: Page, caller: Caller) -> None:
    tab.goto("/c/")
    open_picker(tab)
    tab.keyboard.type("practice reasoning")
    expect(tab.locator("#picker-list [role=option]")).to_have_count(1)
    tab.keyboard.press("Enter")
    expect(tab.locator("#welcome")).to_contain_text("Ask Practice (reasoning) anything.")
    tab.locator("#parameters-button").click()
    tab.get_by_label("Reasoning effort", exact=True).select_option("high")
    tab.get_by_label("Longest answer", exact=True).fill("500")
    tab.get_by_label("Longest answer", exact=True).press("Enter")
    expect(tab.locator("#parameters")).to_be_hidden()
    expect(tab.locator("#parameters-button")).to_have_attribute("data-set", "")
    tab.locator("#composer-text").fill("echo: begun")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**/c/*-*/")
    expect(tab.locator(".message.agent").last).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    made = caller.get(f"conversations/{tab.url.rstrip('/').rsplit('/', 1)[-1]}/")
    assert (made["model"], made["parameters"]) == (
        "practice-reasoning", {"reasoning_effort": "high", "max_tokens": 500}
    )  # fmt: skip
    open_picker(tab)
    tab.keyboard.press("Escape")
    expect(tab.locator("#picker")).to_be_hidden()
    tab.goto("/c/")
    expect(tab.locator("#picker-button")).to_contain_text("Practice (reasoning)")


def test_enter_right_after_the_words_waits_for_what_they_find(tab: Page) -> None:
    tab.goto("/c/")
    open_picker(tab)
    held: list[Route] = []
    whom = tab.locator("#picker-button").inner_text()
    tab.route("**/*q=unpaced*", lambda route: held.append(route))  # noqa: PLW0108 - built-in methods are not taken
    tab.keyboard.type("unpaced")
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(400)
    expect(tab.locator("#picker [data-active]")).to_contain_text("Guide")
    tab.locator("[data-close-picker]").click()  # who has left has chosen nobody
    while held:
        held.pop().continue_()
    tab.wait_for_timeout(400)
    assert tab.locator("#picker-button").inner_text() == whom
    open_picker(tab)
    tab.keyboard.type("unpaced")
    tab.keyboard.press("Enter")
    tab.wait_for_timeout(400)
    for route in held:
        route.continue_()
    expect(tab.locator("#picker")).to_be_hidden()
    expect(tab.locator("#picker-button")).to_contain_text("Practice (unpaced)")


def test_parameters_are_saved_shown_refused_in_words_and_given_back(phone: Page, caller: Caller) -> None:
    conversation = begun(caller, title="Tuned")
    phone.goto(f"/c/{conversation}/")
    phone.locator("#parameters-button").click()
    expect(phone.get_by_label("Reasoning effort", exact=True)).to_have_count(0)
    temperature = phone.get_by_label("Temperature", exact=True)
    temperature.fill("7")
    phone.get_by_role("button", name="Save the parameters").click()
    expect(phone.locator("#parameters .field-error")).to_contain_text("less than or equal to 2")
    temperature.fill("0")
    phone.get_by_role("button", name="Save the parameters").click()
    expect(phone.locator("#parameters")).to_be_hidden()
    expect(phone.get_by_role("button", name="Parameters of this conversation, changed")).to_be_visible()
    assert caller.get(f"conversations/{conversation}/")["parameters"] == {"temperature": 0.0}
    phone.locator("#parameters-button").click()
    phone.get_by_role("button", name="Reset: Temperature").click()
    expect(temperature).to_have_value("")
    phone.get_by_role("button", name="Save the parameters").click()
    expect(phone.get_by_role("button", name="Parameters of this conversation", exact=True)).to_be_visible()
    assert caller.get(f"conversations/{conversation}/")["parameters"] == {}


def test_who_cannot_answer_is_shown_with_the_reason_and_cannot_be_chosen(tab: Page, caller: Caller) -> None:
    provider = caller.add_provider(name="Away", kind="openai-compatible", base_url="http://127.0.0.1:9/v1")
    caller.add_agent(name="Sleeper", provider=provider, model="m", is_active=False)
    conversation = begun(caller, title="Reasons")
    tab.goto(f"/c/{conversation}/")
    open_picker(tab)
    tab.keyboard.type("sleeper")
    row = tab.locator("#picker-list [role=option]")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("switched off")
    expect(row).to_have_attribute("aria-disabled", "true")
    tab.keyboard.press("Enter")
    expect(tab.locator("#picker")).to_be_visible()
    assert caller.get(f"conversations/{conversation}/")["agent"] == caller.agent_id("Guide")


def test_on_a_phone_the_picker_is_a_drawer_with_large_rows(phone: Page, caller: Caller) -> None:
    phone.goto(f"/c/{begun(caller, title='Phone')}/")
    open_picker(phone)
    phone.wait_for_timeout(300)  # the drawer has risen
    box = phone.locator("#picker").bounding_box()
    assert box is not None
    assert (box["x"], box["width"], round(box["y"] + box["height"])) == (0, PHONE["width"], PHONE["height"])
    heights = phone.locator("#picker-list [role=option]").evaluate_all("all => all.map(e => e.offsetHeight)")
    assert min(heights) >= 44
    phone.locator("#picker-list [role=option]", has_text="unpaced").tap()
    expect(phone.locator("#picker-button")).to_contain_text("Practice (unpaced)")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_keys_send_break_lines_and_leave_compositions_alone(tab: Page, caller: Caller) -> None:
    conversation = begun(caller, title="Keys")
    tab.goto(f"/c/{conversation}/")
    field = tab.locator("#composer-text")
    field.press_sequentially("one")
    tab.keyboard.press("Shift+Enter")
    tab.keyboard.type("two")
    expect(field).to_have_value("one\ntwo")
    composing = "e => e.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    field.evaluate(composing)
    expect(field).to_have_value("one\ntwo")
    field.fill("line\n" * 200)
    height = field.evaluate("e => e.offsetHeight")
    assert 0.36 * 800 < height <= 0.4 * 800 + 1, "it grows to two fifths of the window and scrolls then"
    field.fill("echo: sent")
    tab.keyboard.press("Enter")
    expect(tab.locator(".message.agent").last).to_have_attribute("data-status", "completed", timeout=PATIENCE)


def test_a_draft_is_there_on_the_other_device(tab: Page, phone: Page, caller: Caller) -> None:
    conversation = begun(caller, title="Two devices")
    tab.goto(f"/c/{conversation}/")
    with tab.expect_response("**/draft/"):
        tab.locator("#composer-text").press_sequentially("begun at the desk")
    phone.goto(f"/c/{conversation}/")
    expect(phone.locator("#composer-text")).to_have_value("begun at the desk")
    with phone.expect_response("**/draft/"):
        phone.locator("#composer-text").fill("begun at the desk, ended on the sofa")
    tab.reload()
    expect(tab.locator("#composer-text")).to_have_value("begun at the desk, ended on the sofa")
