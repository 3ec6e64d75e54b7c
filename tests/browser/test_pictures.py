"""Pictures in the composer and in the transcript, as somebody uses them."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.factories import png
from tests.people import Person
from tests.stack import wait_for

FILE = """([event, target, content, name, type]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(content), (char) => char.charCodeAt(0))], name, { type }));
  const options = { bubbles: true, cancelable: true };
  const made = event === "paste"
    ? new ClipboardEvent(event, { ...options, clipboardData: data })
    : new DragEvent(event, { ...options, dataTransfer: data });
  document.querySelector(target).dispatchEvent(made);
}"""


def hand_over(tab: Page, event: str, content: bytes, name: str = "shot.png", kind: str = "image/png") -> None:
    """What happens when a file comes from outside the page."""
    target = "#composer-text" if event == "paste" else "#content"
    tab.evaluate(FILE, [event, target, base64.b64encode(content).decode(), name, kind])


def choose(tab: Page, *pictures: bytes) -> None:
    files: list[Any] = [
        {"name": f"{n}.png", "mimeType": "image/png", "buffer": data} for n, data in enumerate(pictures)
    ]
    tab.get_by_label("Attach pictures").set_input_files(files)


def attached(tab: Page, count: int) -> None:
    """So many wait in the composer, all of them uploaded."""
    expect(tab.locator("#attached li")).to_have_count(count)
    expect(tab.locator("#attached input")).to_have_count(count)


def write(tab: Page, text: str) -> None:
    tab.get_by_role("textbox", name="Message").fill(text)
    tab.keyboard.press("Enter")


def test_pictures_are_pasted_dropped_removed_sent_and_there_after_a_reload(tab: Page) -> None:
    tab.goto("/c/")
    hand_over(tab, "paste", png((80, 60)))
    attached(tab, 1)
    hand_over(tab, "dragenter", png())
    expect(tab.get_by_text("Drop pictures here")).to_be_visible()
    hand_over(tab, "drop", png((50, 40)), "dropped.png")
    expect(tab.get_by_text("Drop pictures here")).to_be_hidden()
    choose(tab, png((20, 10)))
    attached(tab, 3)
    tab.get_by_role("button", name="Remove dropped.png").click()
    attached(tab, 2)
    hand_over(tab, "drop", b"%PDF", "notes.pdf", "application/pdf")
    expect(tab.locator("#composer-error")).to_contain_text("notes.pdf is not a picture")
    write(tab, "echo: look")
    answer = tab.locator(".message.agent").last
    expect(answer).to_contain_text("Pictures I was shown: 2 (PNG 80 by 60, PNG 20 by 10).")
    attached(tab, 0)
    tab.reload()
    shown = tab.locator(".message.user .pictures img")
    expect(shown).to_have_count(2)
    expect(shown.first).to_have_attribute("alt", "Picture 1, 80 × 60")  # noqa: RUF001
    assert shown.first.evaluate("image => image.decode().then(() => image.naturalWidth)") == 80


def test_a_send_waits_for_the_uploads_and_a_picture_may_go_alone(tab: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    tab.goto("/c/")
    tab.route("**/api/v1/attachments/", hold)
    choose(tab, png((80, 60)))
    expect(tab.locator("#attached progress")).to_be_visible()
    write(tab, "")
    expect(tab.locator("#composer")).to_have_attribute("data-waiting", "")
    expect(tab.locator("#announcer")).to_contain_text("as soon as the pictures are uploaded")
    expect(tab.locator(".message")).to_have_count(0)
    held[0].continue_()
    expect(tab.locator(".message.agent").last).to_contain_text("Pictures I was shown: 1")
    expect(tab.locator(".head-title")).to_contain_text("Pictures")


def test_a_page_that_is_left_before_the_conversation_began_takes_its_pictures_along(tab: Page, person: Person) -> None:
    tab.goto("/c/?temporary=on")
    choose(tab, png((80, 60)))
    attached(tab, 1)
    address = f"/api/v1/attachments/{tab.locator('#attached input').input_value()}/"
    assert person.caller.http.get(address).is_success
    tab.goto("/c/archive/")
    wait_for(lambda: person.caller.http.get(address).status_code == 404, 20, "the end of the picture")


@pytest.fixture
def talk(tab: Page, person: Person) -> Callable[[], None]:
    """Open a conversation that has begun."""

    def open_one() -> None:
        caller = person.caller
        conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide")})["id"]
        caller.post(f"conversations/{conversation}/messages/?wait=true", {"content": "echo: hello"})
        tab.goto(f"/c/{conversation}/")

    return open_one


def test_a_draft_keeps_its_pictures_and_the_page_does_not_jump(tab: Page, talk: Callable[[], None]) -> None:
    talk()
    choose(tab, png((400, 300)))
    attached(tab, 1)
    tab.reload()
    attached(tab, 1)
    write(tab, "echo: here")
    expect(tab.locator(".message.agent").last).to_contain_text("PNG 400 by 300")
    box = tab.locator(".message.user .pictures img").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (320, 240)
    attached(tab, 0)
    tab.reload()
    attached(tab, 0)


def test_pictures_in_the_composer_stay_there_while_a_message_is_changed(tab: Page, talk: Callable[[], None]) -> None:
    talk()
    choose(tab, png((400, 300)))
    attached(tab, 1)
    tab.locator(".message.user").last.get_by_role("link", name="Edit this message").click()
    tab.get_by_role("textbox", name="Your message").fill("echo: changed")
    tab.get_by_role("button", name="Save and send").click()
    answer = tab.locator(".message.agent").last
    expect(answer.locator("[data-body]")).to_have_text("changed")
    expect(answer).to_have_attribute("data-status", "completed")
    attached(tab, 1)
    write(tab, "echo: shown")
    expect(tab.locator(".message.agent").last).to_contain_text("PNG 400 by 300")


def test_a_picture_opens_large_and_the_keyboard_closes_it(tab: Page, talk: Callable[[], None]) -> None:
    talk()
    choose(tab, png((400, 300)))
    attached(tab, 1)
    write(tab, "echo: here")
    expect(tab.locator(".message.agent").last).to_contain_text("PNG 400 by 300")
    link = tab.locator("a[data-picture]")
    link.focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog", name="Picture").get_by_role("img")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator("#lightbox")).to_be_hidden()
    expect(link).to_be_focused()


def test_an_edit_may_leave_a_picture_out(tab: Page, talk: Callable[[], None]) -> None:
    talk()
    choose(tab, png((40, 30)), png((60, 50)))
    attached(tab, 2)
    write(tab, "echo: both")
    expect(tab.locator(".message.agent").last).to_contain_text("Pictures I was shown: 2")
    tab.locator(".message.user").last.get_by_role("link", name="Edit this message").click()
    tab.get_by_role("checkbox", name="0.png").uncheck()
    tab.get_by_role("button", name="Save and send").click()
    expect(tab.locator(".message.agent").last).to_contain_text("Pictures I was shown: 1 (PNG 60 by 50).")
    expect(tab.locator(".message.user").last.locator(".pictures img")).to_have_count(1)


def add_in_edit(tab: Page, name: str, content: bytes) -> None:
    """Choose a file in the form in which a message is changed, and send it."""
    file: Any = {"name": name, "mimeType": "image/png", "buffer": content}
    tab.get_by_label("Add pictures").set_input_files([file])
    tab.get_by_role("button", name="Save and send").click()


def test_an_edit_may_add_a_picture(tab: Page, talk: Callable[[], None]) -> None:
    talk()
    tab.locator(".message.user").last.get_by_role("link", name="Edit this message").click()
    add_in_edit(tab, "more.png", png((60, 50)))
    expect(tab.locator(".message.agent").last).to_contain_text("Pictures I was shown: 1 (PNG 60 by 50).")
    expect(tab.locator(".message.user").last.locator(".pictures img")).to_have_count(1)
    expect(tab.locator(".message.user").last).to_contain_text("2 of 2")


def test_an_edit_says_why_a_picture_is_refused(page: Page, person: Person) -> None:
    page.context.add_cookies(person.cookies)
    caller = person.caller
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide")})["id"]
    caller.post(f"conversations/{conversation}/messages/?wait=true", {"content": "echo: hello"})
    page.goto(f"/c/{conversation}/")
    page.get_by_role("link", name="Edit this message").click()
    add_in_edit(page, "notes.png", b"%PDF")
    expect(page.locator(".edit-error")).to_contain_text("This is not a picture")
    add_in_edit(page, "huge.png", b"0" * (18 * 2**20))
    expect(page.locator(".edit-error")).to_contain_text(re.compile("too large|not sent"))
    add_in_edit(page, "good.png", png((60, 50)))
    expect(page.locator(".message.agent").last).to_contain_text("Pictures I was shown: 1 (PNG 60 by 50).")
