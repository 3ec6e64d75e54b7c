"""What can be done to a message is done by keyboard alone, and by finger on a phone that knows no hovering."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.people import Person

PATIENCE = 60_000  # milliseconds
LEAST = 36  # pixels that a finger needs
MINE = ["Copy this message", "Edit this message", "Delete this message"]
THEIRS = [
    "Copy this answer",
    "Answer again",
    "Fork to a new conversation",
    "Details of this answer",
    "Delete this answer",
]
WRITTEN = """1. one
2. two

| a | b |
| - | - |
| 1 | 2 |

```python
print(1)
```

A [link](https://example.org/) and $x^2$."""
REFUSE = "navigator.clipboard.write = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"
FOCUSED = """() => {
  const { ariaLabel, textContent } = document.activeElement;
  return ariaLabel ?? textContent.trim();
}"""


@pytest.fixture
def said(person: Person) -> str:
    """The address of a conversation of two questions and two answers."""
    caller = person.caller
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide"), "title": "Said"})["id"]
    for text in ("echo: first", "echo: second"):
        caller.post(f"conversations/{conversation}/messages/?wait=true", {"content": text})
    return f"/c/{conversation}/"


def message(tab: Page, number: int) -> Locator:
    return tab.locator(".message").nth(number)


def finished(tab: Page) -> None:
    answer = tab.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer.locator("[data-status-line]")).to_have_count(0)


def press(tab: Page, within: Locator, name: str) -> None:
    """As somebody without a mouse does, who has come to it with Tab."""
    within.get_by_label(name, exact=True).focus()
    tab.keyboard.press("Enter")


def clipboard(tab: Page) -> str:
    return str(tab.evaluate("() => navigator.clipboard.readText()"))


def test_tab_leads_to_every_action_and_shows_it(tab: Page, said: str) -> None:
    tab.goto(said)
    tab.mouse.move(5, 5)
    message(tab, 0).get_by_label(MINE[0]).focus()
    for name in [*MINE, *THEIRS, *MINE, *THEIRS]:
        assert tab.evaluate(FOCUSED) == name
        tab.wait_for_function("() => getComputedStyle(document.activeElement.closest('.actions')).opacity === '1'")
        tab.keyboard.press("Tab")


def test_all_of_it_by_keyboard(tab: Page, said: str) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto(said)
    press(tab, message(tab, 1), "Copy this answer")
    expect(message(tab, 1).get_by_label("Copied")).to_be_focused()
    assert clipboard(tab) == "first"
    press(tab, message(tab, 1), "Details of this answer")
    receipt = tab.locator("#receipt")
    expect(receipt).to_be_focused()  # only now is it open, and Escape meant for it
    expect(receipt).to_contain_text("Tokens")
    tab.keyboard.press("Escape")
    expect(receipt).to_be_hidden()
    expect(message(tab, 1).get_by_label("Details of this answer")).to_be_focused()
    press(tab, message(tab, 3), "Answer again")
    expect(tab.locator("#message-menu button").first).to_be_focused()
    tab.keyboard.press("Escape")
    expect(message(tab, 3).get_by_label("Answer again")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("#message-menu button").first).to_be_focused()
    tab.keyboard.press("Enter")
    expect(message(tab, 3)).to_contain_text("2 of 2")
    finished(tab)
    press(tab, message(tab, 3), "The version before")
    expect(message(tab, 3)).to_contain_text("1 of 2")
    expect(message(tab, 3).get_by_label("The version before")).to_be_focused()
    press(tab, message(tab, 1), "Fork to a new conversation")
    expect(tab.locator(".head-title h1")).to_contain_text("(fork)")
    expect(tab.locator(".message")).to_have_count(2)


def test_an_answer_is_copied_as_it_was_written(tab: Page, person: Person, said: str) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.caller.post(f"conversations/{said.split('/')[2]}/messages/?wait=true", {"content": f"echo: {WRITTEN}"})
    tab.goto(said)
    press(tab, message(tab, 5), "Copy this answer")
    expect(message(tab, 5).get_by_label("Copied")).to_be_visible()
    assert clipboard(tab) == WRITTEN


def test_an_answer_that_cannot_be_fetched_is_copied_as_it_is_read(page: Page, person: Person, said: str) -> None:
    page.context.add_cookies(person.cookies)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(said)
    page.route("**/source/", lambda route: route.abort())
    press(page, message(page, 3), "Copy this answer")
    expect(message(page, 3).get_by_label("Copied")).to_be_visible()
    assert clipboard(page) == "second"


def test_a_clipboard_that_refuses_leaves_the_words_selected(tab: Page, said: str) -> None:
    tab.add_init_script(REFUSE)
    tab.goto(said)
    press(tab, message(tab, 3), "Copy this answer")
    tab.wait_for_function("() => getSelection().toString().trim() === 'second'")
    expect(message(tab, 3).get_by_label("Copied")).to_have_count(0)


def test_copying_works_without_tls_too(tab: Page, said: str) -> None:
    tab.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    tab.goto(said)
    press(tab, message(tab, 3), "Copy this answer")
    expect(message(tab, 3).get_by_label("Copied")).to_be_focused()
    tab.locator("#composer-text").focus()
    tab.keyboard.press("Control+V")
    expect(tab.locator("#composer-text")).to_have_value("second")


def test_the_menu_of_answers_is_never_that_of_another_message(page: Page, person: Person, said: str) -> None:
    page.context.add_cookies(person.cookies)
    page.goto(said)
    menu = page.locator("#message-menu")
    press(page, message(page, 1), "Answer again")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    page.route("**/again/", lambda route: route.fulfill(status=404))
    with page.expect_response("**/again/"):
        press(page, message(page, 3), "Answer again")
    page.wait_for_timeout(200)
    expect(menu).to_be_hidden()
    page.unroute("**/again/")
    press(page, message(page, 3), "Answer again")
    expect(menu).to_be_visible()


def test_deleting_by_keyboard_asks_first_where_the_focus_is(tab: Page, said: str) -> None:
    tab.goto(said)
    press(tab, message(tab, 3), "Delete this answer")
    question = tab.get_by_role("dialog", name="Delete this answer?")
    expect(question).to_be_focused()
    tab.keyboard.press("Tab")
    expect(question.get_by_role("button", name="Keep it")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(question).to_be_hidden()
    expect(message(tab, 3).get_by_label("Delete this answer")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(question).to_be_focused()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    expect(question.get_by_role("button", name="Delete", exact=True)).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator(".message")).to_have_count(3)
    expect(tab.locator("[data-scroll]")).to_be_focused()


def test_an_answer_is_stopped_and_continued_by_keyboard(tab: Page, said: str) -> None:
    tab.goto(said)
    tab.locator("#composer-text").fill("Write a long story, please. tokens=400")
    tab.keyboard.press("Enter")
    expect(tab.locator(".message.agent").last.locator("[data-body] .block").first).to_be_visible(timeout=PATIENCE)
    tab.keyboard.press("Escape")
    answer = message(tab, 5)
    expect(answer).to_have_attribute("data-status", "cancelled")
    answer.get_by_role("button", name="Continue").focus()
    tab.keyboard.press("Enter")
    finished(tab)
    expect(tab.locator(".message")).to_have_count(6)


def test_a_phone_shows_every_action_large_enough_without_hovering(phone: Page, said: str) -> None:
    phone.goto(said)
    for number, names in enumerate([MINE, THEIRS] * 2):
        for name in names:
            button = message(phone, number).get_by_label(name, exact=True)
            box = button.bounding_box()
            assert box is not None, name
            assert min(box["width"], box["height"]) >= LEAST, name
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= 390, name
            assert button.evaluate("(e) => getComputedStyle(e.closest('.actions')).opacity") == "1"


def test_all_of_it_by_finger(phone: Page, said: str) -> None:
    phone.context.grant_permissions(["clipboard-read", "clipboard-write"])
    phone.goto(said)
    message(phone, 1).get_by_label("Copy this answer").tap()
    expect(message(phone, 1).get_by_label("Copied")).to_be_visible()
    assert clipboard(phone) == "first"
    message(phone, 1).get_by_label("Details of this answer").tap()
    expect(phone.locator("#receipt")).to_be_visible()
    phone.touchscreen.tap(195, 12)
    expect(phone.locator("#receipt")).to_be_hidden()
    message(phone, 3).get_by_label("Answer again").tap()
    phone.locator("#message-menu button").first.tap()
    expect(message(phone, 3)).to_contain_text("2 of 2")
    finished(phone)
    before = message(phone, 3).get_by_label("The version before")
    box = before.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= LEAST
    before.tap()
    expect(message(phone, 3)).to_contain_text("1 of 2")
    message(phone, 2).get_by_label("Edit this message").tap()
    phone.get_by_role("textbox", name="Your message").fill("echo: third")
    phone.get_by_role("button", name="Save and send").tap()
    expect(phone.locator(".message.agent").last.locator("[data-body]")).to_have_text("third")
    finished(phone)
    message(phone, 3).get_by_label("Delete this answer").tap()
    phone.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).tap()
    expect(phone.locator(".message")).to_have_count(3)
    message(phone, 1).get_by_label("Fork to a new conversation").tap()
    expect(phone.locator(".message")).to_have_count(2)
