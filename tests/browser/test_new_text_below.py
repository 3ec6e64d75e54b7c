"""An answer that grows is followed while the reader is at its end, and offered while the reader is further up."""

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.people import Person
from tests.stack import Stack

PATIENCE = 60_000  # milliseconds
AT_END = "(s) => s.scrollHeight - s.scrollTop - s.clientHeight < 48"
FOLLOWED = "(s) => s.scrollHeight > s.clientHeight * 1.4 && s.scrollHeight - s.scrollTop - s.clientHeight < 48"


@pytest.fixture
def story(tab: Page, person: Person) -> Page:
    """An answer of many lines is being written, and there is something to scroll already."""
    tab.set_viewport_size({"width": 1000, "height": 480})
    begin(tab, person)
    return tab


def begin(tab: Page, person: Person) -> None:
    tab.goto("/c/?agent=" + person.caller.agent_id("Guide"))
    tab.get_by_role("textbox", name="Message", exact=True).fill("Write a long story, please.")
    tab.get_by_role("button", name="Send").click()
    tab.wait_for_url("**/c/*-*/")
    waits_until(tab, FOLLOWED)
    expect(button(tab)).to_be_hidden()


def scroll(tab: Page) -> Locator:
    return tab.locator("[data-scroll]")


def button(tab: Page) -> Locator:
    return tab.get_by_role("button", name="New text below", include_hidden=True)


def waits_until(tab: Page, condition: str) -> None:
    """Until the scrolling element meets it."""
    tab.wait_for_function(f"() => ({condition})(document.querySelector('[data-scroll]'))")


def grows(tab: Page) -> None:
    """Wait for more text."""
    height = scroll(tab).evaluate("(s) => s.scrollHeight")
    tab.wait_for_function("(height) => document.querySelector('[data-scroll]').scrollHeight > height + 60", arg=height)


def read_upwards(tab: Page) -> int:
    """Turn the wheel as a reader does; where that ends."""
    scroll(tab).hover()
    tab.mouse.wheel(0, -200)
    waits_until(tab, f"(s) => !({AT_END})(s)")
    tab.wait_for_timeout(200)  # the wheel comes to rest
    return int(scroll(tab).evaluate("(s) => s.scrollTop"))


def drag(phone: Page, way: range) -> None:
    """Move a finger along the screen."""
    finger = phone.context.new_cdp_session(phone)
    for number, y in enumerate(way):
        kind = "touchMove" if number else "touchStart"
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": 180, "y": y}]})
        phone.wait_for_timeout(16)  # a frame
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_who_reads_upwards_is_left_alone_and_told_of_more(story: Page) -> None:
    top = read_upwards(story)
    expect(button(story)).to_be_visible()
    expect(story.locator("#announcer")).to_have_text("New text below")
    grows(story)
    assert scroll(story).evaluate("(s) => s.scrollTop") == top


def test_a_small_move_upwards_is_enough(story: Page) -> None:
    scroll(story).hover()
    story.mouse.wheel(0, -24)
    waits_until(story, "(s) => s.scrollHeight - s.scrollTop - s.clientHeight > 10")
    grows(story)
    expect(button(story)).to_be_visible()


@pytest.mark.parametrize("by_key", [False, True])
def test_the_button_goes_to_the_end_and_follows_again(story: Page, by_key: bool) -> None:
    read_upwards(story)
    expect(button(story)).to_be_visible()
    if by_key:
        button(story).focus()
        story.keyboard.press("Enter")
    else:
        button(story).click()
    expect(button(story)).to_be_hidden()
    waits_until(story, AT_END)
    expect(scroll(story)).to_be_focused()
    for _ in range(2):
        grows(story)
        waits_until(story, AT_END)
        expect(button(story)).to_be_hidden()


def test_scrolling_to_the_end_by_oneself_follows_again_as_well(story: Page) -> None:
    read_upwards(story)
    expect(button(story)).to_be_visible()
    scroll(story).press("End")
    waits_until(story, AT_END)
    expect(button(story)).to_be_hidden()
    grows(story)
    waits_until(story, AT_END)


def test_keys_leave_the_end_as_the_wheel_does(story: Page) -> None:
    scroll(story).focus()
    story.keyboard.press("PageUp")
    expect(button(story)).to_be_visible()
    story.keyboard.press("Home")
    waits_until(story, "(s) => s.scrollTop === 0")
    grows(story)
    assert scroll(story).evaluate("(s) => s.scrollTop") == 0


def test_the_end_of_an_answer_still_waits_below(story: Page) -> None:
    top = read_upwards(story)
    expect(button(story)).to_be_visible()
    story.locator("[data-stop-button]").click()
    expect(story.locator(".message.agent").last).to_have_attribute("data-status", "cancelled", timeout=PATIENCE)
    assert scroll(story).evaluate("(s) => s.scrollTop") == top
    button(story).click()
    expect(story.locator(".message.agent").last.get_by_role("button", name="Continue")).to_be_in_viewport()


def test_opening_something_far_up_offers_nothing(story: Page) -> None:
    story.locator("[data-stop-button]").click()
    expect(story.locator(".message.agent").last.get_by_role("button", name="Continue")).to_be_visible()
    read_upwards(story)
    story.locator(".message.user").last.get_by_role("link", name="Edit this message").focus()
    story.keyboard.press("Enter")
    expect(story.get_by_role("textbox", name="Your message")).to_be_focused()
    expect(button(story)).to_be_hidden()


def test_a_finger_leaves_the_end_and_a_tap_goes_back(browser: Browser, stack: Stack, person: Person) -> None:
    size = {"width": 390, "height": 480}
    context = browser.new_context(base_url=stack.base_url, viewport=size, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    context.set_default_timeout(45_000)
    context.add_cookies(person.cookies)
    phone = context.new_page()
    begin(phone, person)
    drag(phone, range(150, 270, 10))
    expect(button(phone)).to_be_visible()
    box = button(phone).bounding_box()
    assert box is not None
    assert box["height"] >= 40
    button(phone).tap()
    waits_until(phone, AT_END)
    grows(phone)
    waits_until(phone, AT_END)
    expect(button(phone)).to_be_hidden()
    context.close()
