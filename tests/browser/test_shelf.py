"""Finding, deleting, restoring, renaming, carrying out and in: the rail as somebody uses it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.people import Person
from tests.stack import wait_for
from tests.talking import Caller

PATIENCE = 60_000  # milliseconds
FONT = "(element) => parseFloat(getComputedStyle(element).fontSize)"


@pytest.fixture
def caller(person: Person) -> Caller:
    return person.caller


def told(caller: Caller, *words: str, title: str) -> str:
    """A conversation in which the guide has answered each of these; its id."""
    agent = caller.agent_id("Guide")
    conversation = str(caller.post("conversations/", {"agent": agent, "title": title})["id"])
    for text in words:
        caller.post(f"conversations/{conversation}/messages/?wait=true", {"content": f"echo: {text}"})
    return conversation


def row(tab: Page, conversation: str) -> str:
    return f"#row-{conversation}"


def menu(tab: Page, conversation: str, item: str) -> None:
    """Choose from the menu of a row."""
    tab.locator(row(tab, conversation)).hover()
    tab.locator(f"{row(tab, conversation)} [data-row-menu]").click()
    expect(tab.locator("#row-menu .menu-item").first).to_be_focused()
    tab.locator("#row-menu").get_by_text(item, exact=True).click()


def test_a_search_leads_to_the_message_even_on_another_version(tab: Page, caller: Caller) -> None:
    filler = [f"line {number}\n" * 20 for number in range(4)]
    conversation = told(caller, "the kumquat version", *filler, title="A long one")
    question = caller.get(f"conversations/{conversation}/messages/")["results"][0]["id"]
    sent = caller.post(f"messages/{question}/edit/", {"content": "echo: the other version"})
    caller.read({**sent, "conversation": conversation})
    tab.goto("/c/")
    tab.get_by_role("searchbox", name="Search conversations").press_sequentially("kumq")
    hit = tab.locator(".rail-hit")
    expect(hit).to_have_count(1)
    expect(hit.locator("mark").first).to_have_text("kumquat")
    hit.click()
    tab.wait_for_url(f"**/c/{conversation}/#message-*")
    found = tab.locator(".message:target")
    expect(found).to_contain_text("the kumquat version")
    expect(found).to_be_in_viewport()
    expect(tab.locator(".transcript")).not_to_contain_text("the other version")
    expect(tab.locator(".transcript")).to_contain_text("line 3")
    assert tab.locator("[data-scroll]").evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight > 200")


def test_enter_in_the_search_leaves_the_page_as_it_is(phone: Page, caller: Caller) -> None:
    told(caller, "the persimmon", title="Fruit of the search")
    phone.goto("/c/?temporary=on")
    phone.get_by_role("textbox", name="Message", exact=True).fill("echo: between us")
    phone.get_by_role("button", name="Send").tap()
    expect(phone.locator(".message.agent").last).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    address = phone.url
    phone.get_by_role("link", name="Show conversations").tap()
    field = phone.get_by_role("searchbox", name="Search conversations")
    assert field.evaluate(FONT) >= 16, "else a phone zooms in"
    field.press_sequentially("persim")
    field.press("Enter")
    expect(phone.locator(".rail-hit")).to_be_in_viewport()
    phone.wait_for_timeout(500)
    expect(phone.locator(".rail-hit")).to_be_in_viewport()
    assert phone.url == address
    assert caller.http.get(f"/api/v1/conversations/{address.rstrip('/').rsplit('/', 1)[-1]}/").is_success


def test_a_finger_renames_without_zooming_in(phone: Page, caller: Caller) -> None:
    phone.goto(f"/c/{told(caller, title='By finger')}/")
    phone.get_by_role("button", name="Conversation menu").tap()
    phone.locator("#head-menu").get_by_text("Rename").tap()
    assert phone.locator("#head-title input[name=title]").evaluate(FONT) >= 16


def test_a_deleted_conversation_comes_back_with_one_press(tab: Page, caller: Caller) -> None:
    shown, other = told(caller, "here", title="Shown"), told(caller, "there", title="To be deleted")
    tab.goto(f"/c/{shown}/")
    menu(tab, other, "Delete")
    expect(tab.locator(row(tab, other))).to_have_count(0)
    toast = tab.locator("#toast")
    expect(toast).to_contain_text("“To be deleted” is in the trash for 30 days.")
    toast.get_by_role("button", name="Undo").click()
    expect(tab.locator(row(tab, other))).to_be_visible()
    expect(toast).to_be_empty()
    menu(tab, shown, "Delete")
    expect(tab.get_by_text("“Shown” is in the trash for 30 days.")).to_be_visible()
    assert tab.url.endswith("/c/")
    tab.get_by_role("button", name="Undo").click()
    tab.wait_for_url(f"**/c/{shown}/")
    expect(tab.locator(".transcript")).to_contain_text("here")


def test_a_menu_is_never_that_of_another_conversation(page: Page, person: Person, caller: Caller) -> None:
    first, second, third = (told(caller, title=f"Menu {number}") for number in (1, 2, 3))
    page.context.add_cookies(person.cookies)
    page.goto("/c/")
    shown = page.locator("#row-menu")

    def press(conversation: str) -> None:
        page.locator(row(page, conversation)).hover()
        page.locator(f"{row(page, conversation)} [data-row-menu]").click()

    def is_of(conversation: str) -> None:
        expect(shown).to_be_visible()
        expect(shown.get_by_text("Rename")).to_have_attribute("hx-get", f"/c/{conversation}/rename/")

    press(first)
    is_of(first)
    page.keyboard.press("Escape")
    caller.http.delete(f"/api/v1/conversations/{second}/")
    with page.expect_response(f"**/c/{second}/menu/"):
        press(second)
    page.wait_for_timeout(200)
    expect(shown).to_be_hidden()

    held: list[Route] = []
    page.route(f"**/c/{first}/menu/", lambda route: held.append(route))  # noqa: PLW0108 - built-in methods are not taken
    with page.expect_request(f"**/c/{first}/menu/"):
        press(first)
    press(third)  # whose menu is there first
    is_of(third)
    held[0].continue_()
    page.wait_for_timeout(200)
    is_of(third)


def test_a_title_is_changed_where_it_stands(tab: Page, caller: Caller) -> None:
    conversation = told(caller, "one", title="Old title")
    tab.goto(f"/c/{conversation}/")
    menu(tab, conversation, "Rename")
    field = tab.locator(f"{row(tab, conversation)} input[name=title]")
    expect(field).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.locator(f"{row(tab, conversation)} .label")).to_have_text("Old title")
    menu(tab, conversation, "Rename")
    field.fill("New title")
    tab.keyboard.press("Enter")
    expect(tab.locator(f"{row(tab, conversation)} .label")).to_have_text("New title")
    expect(tab.locator("#head-title h1")).to_have_text("New title")
    expect(tab).to_have_title("New title · Wiz")
    tab.get_by_role("button", name="Conversation menu").click()
    tab.locator("#head-menu").get_by_text("Rename").click()
    tab.locator("#head-title input[name=title]").fill("Third title")
    tab.keyboard.press("Enter")
    expect(tab.locator("#head-title h1")).to_have_text("Third title")
    expect(tab.locator(f"{row(tab, conversation)} .label")).to_have_text("Third title")


def test_a_conversation_moves_into_a_new_folder(tab: Page, caller: Caller) -> None:
    conversation = told(caller, "one", title="To be moved")
    tab.goto(f"/c/{conversation}/")
    menu(tab, conversation, "Folder and tags")
    tab.get_by_label("Or a new folder").fill("Cooking")
    tab.get_by_label("Tags", exact=True).fill("soup")
    tab.get_by_role("button", name="Save folder and tags").click()
    expect(tab.locator("#organise")).to_be_hidden()
    tab.locator("#rail-list").get_by_role("link", name="Cooking").click()
    expect(tab.locator("#content")).to_contain_text("To be moved")
    assert caller.get(f"conversations/{conversation}/")["tags"] == ["soup"]


def test_a_tag_leads_to_what_has_it_and_back(tab: Page, phone: Page, caller: Caller) -> None:
    conversation, other = told(caller, "one", title="Soup"), told(caller, "two", title="Plans")
    tab.goto(f"/c/{conversation}/")
    menu(tab, conversation, "Folder and tags")
    tab.get_by_label("Tags", exact=True).fill("food")
    tab.get_by_role("button", name="Save folder and tags").click()
    expect(tab.locator(row(tab, conversation))).to_contain_text("#food")
    tab.get_by_role("button", name="Hide conversations").click()
    tab.locator("#head-title").get_by_role("link", name="#food").click()
    expect(tab.locator("#rail-list").get_by_role("heading", name="#food")).to_be_visible()
    expect(tab.locator(row(tab, other))).to_have_count(0)
    search = tab.get_by_role("searchbox", name="Search conversations")
    search.fill("two")
    expect(tab.locator("#rail-list")).to_contain_text("Nothing found for “two”")
    search.fill("one")
    expect(tab.locator(".rail-hit")).to_have_count(1)
    search.fill("")
    menu(tab, conversation, "Pin")
    expect(tab.locator("#rail-list").get_by_role("heading", name="Pinned")).to_be_visible()
    expect(tab.locator(row(tab, other))).to_have_count(0)
    tab.locator("#rail-list").get_by_role("link", name="Show all").click()
    expect(tab.locator(row(tab, other))).to_be_visible()
    assert tab.url.endswith(f"/c/{conversation}/")
    phone.goto(f"/c/{conversation}/")
    phone.locator("#head-title").get_by_role("link", name="#food").tap()
    expect(phone.locator(row(phone, conversation))).to_be_in_viewport()
    expect(phone.locator(row(phone, other))).to_have_count(0)


def test_older_conversations_come_as_one_scrolls(tab: Page, caller: Caller) -> None:
    for number in range(60):
        caller.post("conversations/", {"title": f"Scrolled {number:02}"})
    tab.goto("/c/")
    rows = tab.locator("#rail-list .rail-row")
    assert rows.count() < 60
    tab.locator("#rail-list").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    expect(tab.get_by_role("link", name="Scrolled 00")).to_be_attached()


def test_a_draft_waits_on_the_server(tab: Page, caller: Caller) -> None:
    conversation = told(caller, "one", title="With a draft")
    tab.goto(f"/c/{conversation}/")
    field = tab.get_by_role("textbox", name="Message", exact=True)
    with tab.expect_response("**/draft/"):
        field.press_sequentially("half a thought")
    tab.goto("/c/")
    tab.goto(f"/c/{conversation}/")
    expect(field).to_have_value("half a thought")
    tab.keyboard.press("End")
    tab.keyboard.press("Enter")
    expect(tab.locator(".message.user").last).to_contain_text("half a thought")
    expect(tab.locator(".message.agent").last).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    tab.reload()
    expect(field).to_have_value("")


def test_a_temporary_conversation_is_gone_when_its_page_is_left(tab: Page, caller: Caller) -> None:
    tab.goto("/c/")
    tab.get_by_role("link", name="Temporary conversation").click()
    expect(tab.get_by_text("Nothing of this is kept.")).to_be_in_viewport()
    tab.get_by_role("textbox", name="Message", exact=True).fill("echo: between us")
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer).to_contain_text("between us")
    address = tab.url
    conversation = address.rstrip("/").rsplit("/", 1)[-1]
    assert caller.http.get(f"/api/v1/conversations/{conversation}/").status_code == 200
    tab.goto("/agents/")
    gone = lambda: caller.http.get(f"/api/v1/conversations/{conversation}/").status_code == 404  # noqa: E731
    wait_for(gone, 15, "the end of the temporary conversation")


def test_what_is_exported_can_be_imported_again(tab: Page, caller: Caller, tmp_path: Path) -> None:
    conversation = told(caller, "take me along", title="To be carried")
    tab.goto(f"/c/{conversation}/")
    tab.get_by_role("button", name="Conversation menu").click()
    with tab.expect_download() as download:
        tab.locator("#head-menu").get_by_text("Export as JSON").click()
    file = tmp_path / download.value.suggested_filename
    assert file.name == "to-be-carried.json"
    download.value.save_as(file)
    tab.goto("/c/import/")
    tab.get_by_label("File", exact=True).set_input_files(file)
    tab.get_by_role("button", name="Import the file").click()
    expect(tab.get_by_text("1 conversation was imported.")).to_be_visible()
    tab.get_by_role("link", name="Open the first").click()
    assert conversation not in tab.url
    expect(tab.locator("#head-title h1")).to_have_text("To be carried")
    expect(tab.locator(".message.agent [data-body]")).to_have_text("take me along")
