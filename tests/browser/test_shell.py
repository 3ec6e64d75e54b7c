"""Around every page: shortcuts, the command palette, themes, the drawer, where the focus goes."""

import pytest
from playwright.sync_api import Page, expect

from tests.people import Person
from tests.talking import Caller

FOCUS = "document.activeElement.id || document.activeElement.className"


@pytest.fixture
def caller(person: Person) -> Caller:
    return person.caller


def told(caller: Caller, text: str, title: str) -> str:
    """A conversation in which the guide has answered; its address."""
    conversation = caller.post("conversations/", {"agent": caller.agent_id("Guide"), "title": title})["id"]
    caller.post(f"conversations/{conversation}/messages/?wait=true", {"content": text})
    return f"/c/{conversation}/"


def chosen(tab: Page) -> str:
    """The entry that the field of the palette points at."""
    return str(tab.locator("#palette-q").get_attribute("aria-activedescendant"))


def test_the_palette_finds_walks_and_opens(tab: Page, caller: Caller) -> None:
    told(caller, "echo: the kumquat", "Fruit")
    other = told(caller, "echo: nothing", "Other")
    tab.goto(other)
    tab.keyboard.press("Control+k")
    field = tab.get_by_role("combobox", name="Search conversations, places and commands")
    expect(field).to_be_focused()
    expect(tab.locator("#palette [role=option]").first).to_contain_text("Fruit")
    expect(tab.locator("#palette [role=option]").first).to_have_attribute("aria-selected", "true")
    tab.keyboard.press("ArrowUp")
    last = tab.locator("#palette [role=option]").last
    expect(last).to_have_attribute("aria-selected", "true")
    assert chosen(tab) == last.get_attribute("id")
    expect(last).to_be_in_viewport()
    tab.keyboard.type("kumq")
    tab.keyboard.press("Enter")  # before the list is there: it waits for it
    tab.wait_for_url("**#message-*")
    expect(tab.locator(".message:target")).to_contain_text("kumquat")


def test_the_palette_does_what_the_page_can_do(tab: Page, caller: Caller) -> None:
    address = told(caller, "code", "To be renamed")
    tab.goto(address)

    def do(words: str) -> None:
        tab.keyboard.press("Control+k")
        tab.locator("#palette-q").fill(words)
        tab.keyboard.press("Enter")  # at once: the palette waits for what belongs to the words
        expect(tab.locator("#palette")).to_be_hidden()

    do("rename")
    field = tab.locator("#head-title input[name=title]")
    expect(field).to_be_focused()
    field.fill("Renamed")
    tab.keyboard.press("Enter")
    expect(tab.locator("#head-title h1")).to_have_text("Renamed")
    do("pin")
    expect(tab.locator("#rail-list h2").first).to_have_text("Pinned")
    tab.keyboard.press("Control+k")
    tab.locator("#palette-q").fill("choose agent")
    is_there = tab.locator("[data-open-picker]").count() > 0
    with tab.expect_response("**/c/palette/?q=choose**"):
        tab.locator("#palette-q").fill("choose agent ")
    expect(tab.locator("#palette [role=option]", has_text="Choose the agent")).to_have_count(int(is_there))
    tab.keyboard.press("Escape")
    do("settings")
    tab.wait_for_url("**/settings/")


def test_a_theme_is_chosen_in_passing_and_kept(tab: Page) -> None:
    tab.goto("/agents/")
    tab.keyboard.press("Control+k")
    tab.locator("#palette-q").fill("dark")
    with tab.expect_response("**/settings/look/") as answer:
        tab.locator("#palette [role=option]", has_text="Dark theme").click()
    assert answer.value.status == 204
    dark = "getComputedStyle(document.body.parentElement).backgroundColor"
    painted = tab.evaluate(dark)
    tab.keyboard.press("Control+k")
    tab.locator("#palette-q").fill("contrast")
    with tab.expect_response("**/settings/look/"):
        tab.locator("#palette [role=option]", has_text="High contrast").click()
    assert tab.evaluate(dark) == "oklch(0 0 0)" != painted
    tab.reload()
    assert tab.evaluate(dark) == "oklch(0 0 0)"
    expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    assert tab.locator('meta[name="theme-color"]').evaluate_all("all => all.map(e => e.content)") == ["#17181e"] * 2


def test_more_contrast_and_forced_colours_of_the_system_are_followed(tab: Page) -> None:
    tab.emulate_media(color_scheme="light", contrast="more")
    tab.goto("/agents/")
    assert tab.evaluate("getComputedStyle(document.documentElement).color") == "oklch(0 0 0)"
    tab.emulate_media(contrast="no-preference", forced_colors="active")
    tab.locator("#rail-q").focus()
    assert tab.locator("#rail-q").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


def test_shortcuts_lead_everywhere(tab: Page, caller: Caller) -> None:
    tab.goto(told(caller, "code", "With code"))
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.locator("#content").focus()
    tab.keyboard.press("/")
    expect(tab.locator("#composer-text")).to_be_focused()
    tab.keyboard.type("?/")
    expect(tab.locator("#composer-text")).to_have_value("?/")
    expect(tab.locator("#shortcuts")).to_be_hidden()
    tab.keyboard.press("Control+/")
    expect(tab.locator("#shortcuts")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator("#composer-text")).to_be_focused()
    tab.keyboard.press("Control+Shift+;")
    expect(tab.locator("[data-copy-code]").last).to_have_text("Copied")
    assert "def fibonacci" in tab.evaluate("navigator.clipboard.readText()")
    tab.keyboard.press("Control+Shift+c")
    expect(tab.locator(".message.agent [data-copy-message]")).to_have_attribute("aria-label", "Copied")
    assert "Here is a small program" in tab.evaluate("navigator.clipboard.readText()")
    tab.keyboard.press("Control+b")
    expect(tab.locator("#rail")).to_be_hidden()
    tab.keyboard.press("Control+b")
    expect(tab.locator("#rail")).to_be_visible()
    tab.keyboard.press("Control+Shift+o")
    tab.wait_for_url("**/c/")


def test_shortcuts_of_a_single_key_can_be_switched_off(tab: Page) -> None:
    tab.goto("/agents/")
    tab.keyboard.press("?")
    expect(tab.locator("#shortcuts")).to_be_visible()
    tab.goto("/settings/appearance/")
    tab.get_by_label("Shortcuts of a single key").uncheck()
    tab.get_by_role("button", name="Save the appearance").click()
    expect(tab.get_by_text("Your settings are saved.")).to_be_visible()
    tab.keyboard.press("?")
    tab.keyboard.press("Control+b")
    expect(tab.locator("#rail")).to_be_hidden()
    expect(tab.locator("#shortcuts")).to_be_hidden()


def test_escape_stops_an_answer(tab: Page) -> None:
    tab.goto("/c/")
    tab.locator("#composer-text").fill("tokens=2000")
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "running")
    expect(tab.locator("[data-stop-button]")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(answer).to_have_attribute("data-status", "cancelled")


def test_the_focus_goes_to_the_neighbour_of_what_vanishes(tab: Page, caller: Caller) -> None:
    told(caller, "echo: one", "First")
    tab.goto(told(caller, "echo: two", "Second"))
    vanishing = told(caller, "echo: three", "Third")
    tab.reload()
    row = tab.locator(f"#row-{vanishing.split('/')[2]}")
    row.locator("[data-row-menu]").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("#row-menu .menu-item").first).to_be_focused()  # what is not open yet takes no focus
    tab.locator("#row-menu").get_by_text("Archive", exact=True).focus()
    tab.keyboard.press("Enter")
    expect(row).to_have_count(0)
    expect(tab.locator(".rail-row", has_text="Second").locator("a")).to_be_focused()


def test_the_first_key_offers_to_skip_to_the_content(tab: Page) -> None:
    tab.goto("/agents/")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    tab.keyboard.press("Enter")
    expect(tab.locator("#content")).to_be_focused()


def test_the_drawer_of_a_phone_keeps_the_focus_and_closes_in_every_way(phone: Page) -> None:
    phone.goto("/agents/")
    opener, rail = phone.locator("[data-open-rail]"), phone.locator("#rail")

    def slide() -> None:
        opener.tap()
        expect(rail.get_by_role("link", name="Wiz")).to_be_focused()
        phone.wait_for_timeout(250)  # the drawer comes in

    slide()
    for _ in range(30):
        phone.keyboard.press("Tab")
        inside = "document.activeElement === document.body || !document.activeElement.closest('.main')"
        assert phone.evaluate(inside), phone.evaluate(FOCUS)
    phone.keyboard.press("Escape")
    expect(opener).to_be_focused()
    slide()
    phone.touchscreen.tap(380, 400)  # beside it
    expect(rail).to_be_hidden()
    slide()
    touch = """(e, x) => {
        const at = (x) => new Touch({identifier: 1, target: e, clientX: x, clientY: 300});
        e.dispatchEvent(new TouchEvent("touchstart", {touches: [at(250)], bubbles: true}));
        e.dispatchEvent(new TouchEvent("touchend", {touches: [], changedTouches: [at(x)], bubbles: true}));
    }"""
    rail.evaluate(touch, 230)
    expect(rail).to_be_visible()
    rail.evaluate(touch, 60)
    expect(rail).to_be_hidden()


def test_what_a_finger_touches_is_large_enough(phone: Page, caller: Caller) -> None:
    phone.goto(told(caller, "code", "Touched"))
    sizes = "all => all.map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect().height])"
    small = [
        size for size in phone.locator(".head a:visible, .head button:visible").evaluate_all(sizes) if size[1] < 44
    ]
    phone.locator("[data-open-rail]").tap()
    expect(phone.locator("#rail [data-close-rail]")).to_be_visible()
    targets = phone.locator("#rail :is(.rail-item, .icon-button, input):visible")
    assert targets.count() > 4
    small += [size for size in targets.evaluate_all(sizes) if size[1] < 44]
    assert small == []


def test_a_phone_searches_with_the_palette(phone: Page, caller: Caller) -> None:
    address = told(caller, "echo: the kumquat", "Fruit")
    phone.goto("/agents/")
    phone.get_by_role("link", name="Search and commands").tap()
    phone.keyboard.type("frui")
    phone.locator("#palette [role=option]", has_text="Fruit").tap()
    phone.wait_for_url(f"**{address}")
