"""The library of prompts, from its page to the words in the composer."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.people import Person
from tests.talking import Caller


@pytest.fixture
def caller(person: Person) -> Caller:
    return person.caller


def message(tab: Page) -> Locator:
    return tab.locator("#composer-text")


def test_a_prompt_is_made_changed_used_and_deleted(tab: Page, caller: Caller) -> None:
    tab.goto("/c/prompts/")
    expect(tab.get_by_text("No prompt yet")).to_be_visible()
    tab.get_by_role("link", name="Add a prompt").click()
    tab.get_by_label("Name").fill("/plainly")
    tab.get_by_label("Text").fill("Say it plainly.")
    tab.get_by_role("button", name="Save the prompt").click()
    expect(tab.get_by_text("Type /plainly in a conversation to use it.")).to_be_visible()
    tab.goto("/c/")
    message(tab).press_sequentially("/pl")
    expect(tab.get_by_role("option", name="/plainly")).to_have_attribute("aria-selected", "true")
    tab.keyboard.press("Enter")
    expect(message(tab)).to_have_value("Say it plainly.")
    expect(message(tab)).to_be_focused()
    assert tab.url.endswith("/c/"), "nothing was sent"
    tab.goto("/c/prompts/")
    tab.get_by_role("link", name="/plainly").click()
    tab.get_by_label("Type “plainly” to confirm").fill("plainly")
    tab.get_by_role("button", name="Delete the prompt").click()
    expect(tab.get_by_text("“plainly” was deleted.")).to_be_visible()
    assert caller.get("prompts/")["results"] == []


def test_variables_are_asked_for_one_after_the_other(tab: Page, caller: Caller) -> None:
    text = "Write to {{ whom }} in a {{tone:friendly}} tone about {{topic}}. {{whom}} waits. Today is {{date}}."
    caller.post("prompts/", {"name": "letter", "text": text, "description": "A letter"})
    tab.goto("/c/")
    message(tab).press_sequentially("/letter")
    tab.get_by_role("option", name="A letter").click()
    dialog = tab.get_by_role("dialog", name="/letter")
    expect(dialog.get_by_label("whom")).to_be_focused()
    expect(dialog.get_by_label("tone")).to_have_value("friendly")
    tab.keyboard.type("Ada $& {{tone}}")
    tab.keyboard.press("Enter")
    expect(dialog.get_by_label("tone")).to_be_focused()
    tab.keyboard.press("Enter")
    tab.keyboard.type("engines")
    tab.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    year = tab.evaluate("new Date().getFullYear()")
    written = message(tab).input_value()
    start = "Write to Ada $& {{tone}} in a friendly tone about engines. Ada $& {{tone}} waits. Today is "
    assert written.startswith(start), "values are put in as they are, once"
    assert str(year) in written
    assert "date" not in written
    assert message(tab).evaluate("e => e.scrollHeight <= e.clientHeight + 1"), "the field has grown with it"


def test_a_variable_is_written_in_any_language(tab: Page, caller: Caller) -> None:
    caller.post(
        "prompts/", {"name": "carta", "text": "Sobre {{ assunto_já }}, até {{início:amanhã}}. Привет, {{имя}}!"}
    )
    tab.goto("/c/")
    message(tab).press_sequentially("/carta")
    expect(tab.get_by_role("option", name="/carta")).to_have_attribute("aria-selected", "true")
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog", name="/carta")
    dialog.get_by_label("assunto já").fill("motores")
    dialog.get_by_label("имя").fill("Ада")
    tab.keyboard.press("Enter")
    expect(message(tab)).to_have_value("Sobre motores, até amanhã. Привет, Ада!")


def test_escape_leaves_what_was_written(tab: Page, caller: Caller) -> None:
    caller.post("prompts/", {"name": "ask", "text": "About {{topic}}?"})
    tab.goto("/c/")
    message(tab).press_sequentially("/as")
    expect(tab.locator("#slash")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator("#slash")).to_be_hidden()
    expect(message(tab)).to_have_value("/as")
    message(tab).press_sequentially("k")
    expect(tab.get_by_role("option", name="/ask")).to_be_visible()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog", name="/ask")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog", name="/ask")).to_be_hidden()
    expect(message(tab)).to_have_value("/ask")
    expect(message(tab)).to_be_focused()
    message(tab).fill("a / in the middle /as")
    expect(tab.locator("#slash")).to_be_hidden()


def test_the_list_is_walked_with_the_arrows_and_holds_what_others_share(
    tab: Page, caller: Caller, administrator: Person
) -> None:
    name = f"shared-{caller.get('me/')['id'][:8]}"
    shared = administrator.caller.post("prompts/", {"name": name, "text": "From all", "visibility": "everyone"})
    caller.post("prompts/", {"name": f"{name}-mine", "text": "From me"})
    tab.goto("/c/")
    message(tab).press_sequentially(f"/{name}")
    expect(tab.locator("#slash [role=option]")).to_have_count(2)
    expect(message(tab)).to_have_attribute("aria-expanded", "true")
    tab.keyboard.press("ArrowDown")
    expect(tab.get_by_role("option", name=f"/{name}-mine")).to_have_attribute("aria-selected", "true")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Enter")
    expect(message(tab)).to_have_value("From all")
    expect(message(tab)).not_to_have_attribute("aria-expanded", "true")
    administrator.caller.http.delete(f"/api/v1/prompts/{shared['id']}/")
