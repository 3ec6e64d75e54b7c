"""What was chosen and typed before a conversation begins stays, whatever happens to the page meanwhile."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.people import PASSWORD, Person

PATIENCE = 60_000  # milliseconds


@pytest.fixture
def tab(tab: Page) -> Page:
    """About to begin a conversation."""
    tab.goto("/c/")
    return tab


def choose(tab: Page, kind: str) -> None:
    """Let another of the practice provider's models answer."""
    tab.locator("[data-open-picker]").first.click()
    expect(tab.locator("#picker-list [role=option]").first).to_be_visible()
    tab.keyboard.type(kind)
    expect(tab.locator("#picker-list [role=option]")).to_have_count(1)
    expect(tab.locator("#picker-list [data-active]")).to_contain_text(f"Practice ({kind})")
    tab.keyboard.press("Enter")
    expect(tab.locator("#picker")).to_be_hidden()


def set_parameters(tab: Page, **values: str) -> None:
    tab.locator("#parameters-button").click()
    for name, value in values.items():
        field = tab.locator(f"#parameters [name={name}]")
        if name == "reasoning_effort":
            field.select_option(value)
        else:
            field.fill(value)
    tab.get_by_role("button", name="Done").click()
    expect(tab.locator("#parameters-button")).to_have_attribute("data-set", "")


def made(tab: Page, person: Person) -> dict[str, object]:
    """The conversation once it has begun and is answered."""
    tab.get_by_role("button", name="Send").click()
    tab.wait_for_url("**/c/*-*/")
    expect(tab.locator(".message.agent").last).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    found: dict[str, object] = person.caller.get(f"conversations/{tab.url.rstrip('/').rsplit('/', 1)[-1]}/")
    return found


def test_the_hourglass_keeps_who_answers_the_parameters_and_the_words(tab: Page, person: Person) -> None:
    choose(tab, "unpaced")
    set_parameters(tab, max_tokens="400", instructions="Be brief.")
    tab.locator("#composer-text").fill("echo: still here")
    tab.get_by_role("link", name="Temporary conversation").focus()
    tab.keyboard.press("Enter")
    switch = tab.get_by_role("link", name="A conversation that is kept")
    expect(switch).to_be_focused()
    expect(tab.get_by_text("Nothing of this is kept.")).to_be_visible()
    expect(tab.locator("#picker-button")).to_contain_text("Practice (unpaced)")
    expect(tab.locator("#composer-text")).to_have_value("echo: still here")
    assert tab.url.endswith("/c/?temporary=on")
    switch.click()
    expect(tab.get_by_text("Nothing of this is kept.")).to_be_hidden()
    expect(tab.locator("#composer-text")).to_have_value("echo: still here")
    tab.get_by_role("link", name="Temporary conversation").click()
    expect(switch).to_be_visible()
    begun = made(tab, person)
    assert (begun["is_temporary"], begun["model"]) == (True, "practice-fast")
    assert begun["parameters"] == {"max_tokens": 400, "instructions": "Be brief."}


def test_another_model_keeps_the_parameters_that_it_takes(tab: Page, person: Person) -> None:
    choose(tab, "reasoning")
    set_parameters(tab, reasoning_effort="high", max_tokens="500", instructions="Count twice.")
    choose(tab, "unpaced")
    expect(tab.locator("#parameters [name=reasoning_effort]")).to_have_count(0)
    expect(tab.locator("#parameters [name=max_tokens]")).to_have_value("500")
    expect(tab.locator("#parameters-button")).to_have_attribute("data-set", "")
    tab.locator("#composer-text").fill("echo: with what was typed")
    begun = made(tab, person)
    assert (begun["model"], begun["parameters"]) == (
        "practice-fast", {"max_tokens": 500, "instructions": "Count twice."}
    )  # fmt: skip


def test_in_a_conversation_what_is_typed_and_not_saved_stays_as_well(tab: Page, person: Person) -> None:
    caller = person.caller
    fields = {"agent": caller.agent_id("Guide"), "parameters": {"max_tokens": 300}}
    conversation = caller.post("conversations/", fields)["id"]
    tab.goto(f"/c/{conversation}/")
    tab.locator("#parameters-button").click()
    tab.locator("#parameters [name=temperature]").fill("0.5")
    tab.get_by_role("button", name="Cancel").click()
    choose(tab, "unpaced")
    expect(tab.locator("#parameters [name=temperature]")).to_have_value("0.5")
    expect(tab.locator("#parameters [name=max_tokens]")).to_have_value("300")
    assert caller.get(f"conversations/{conversation}/")["parameters"] == {"max_tokens": 300}


def test_a_wrong_parameter_is_said_and_nothing_is_lost(phone: Page) -> None:
    phone.goto("/c/")
    set_parameters(phone, max_tokens="0")
    phone.locator("#composer-text").fill("echo: refused")
    phone.get_by_role("button", name="Send").click()
    expect(phone.locator("#composer-error")).not_to_be_empty()
    expect(phone.locator("#composer-text")).to_have_value("echo: refused")
    expect(phone.locator("#parameters [name=max_tokens]")).to_have_value("0")


def words(tab: Page) -> Locator:
    return tab.locator("#composer-text")


def test_the_first_words_are_still_there_when_one_comes_back_until_they_are_sent(tab: Page, person: Person) -> None:
    other = person.caller.post("conversations/", {"agent": person.caller.agent_id("Guide"), "title": "Elsewhere"})["id"]
    tab.goto("/c/")
    words(tab).press_sequentially("echo: half a thought")
    tab.locator(f"#row-{other} a").click()
    tab.wait_for_url(f"**/c/{other}/")
    expect(words(tab)).to_have_value("")
    tab.go_back()
    expect(words(tab)).to_have_value("echo: half a thought")
    made(tab, person)
    tab.goto("/c/")
    expect(words(tab)).to_have_value("")


def test_the_first_words_outlast_a_session_that_has_ended(page: Page, person: Person) -> None:
    page.context.add_cookies(person.cookies)
    page.goto("/c/")
    words(page).fill("echo: over there")
    page.context.clear_cookies(name=re.compile("wiz$"))
    page.get_by_role("button", name="Send").click()
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(words(page)).to_have_value("echo: over there")
    made(page, person)


def test_the_first_words_outlast_a_failure_of_the_server(page: Page, person: Person) -> None:
    page.context.add_cookies(person.cookies)
    page.goto("/c/")
    words(page).fill("echo: once more")
    page.route("**/c/", lambda route: route.fulfill(status=500, content_type="text/html", body="Something broke"))
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Something broke")).to_be_visible()
    page.unroute("**/c/")
    page.goto("/")
    expect(words(page)).to_have_value("echo: once more")


def test_the_first_words_of_a_temporary_conversation_are_kept_nowhere(tab: Page) -> None:
    kept = (
        "() => Object.entries(sessionStorage).flatMap(([name, text]) => name.startsWith('wiz:') ? [text] : []).join()"
    )
    words(tab).fill("echo: between us")
    assert tab.evaluate(kept) == "echo: between us"
    tab.get_by_role("link", name="Temporary conversation").click()
    expect(tab.get_by_text("Nothing of this is kept.")).to_be_visible()
    words(tab).press("End")
    tab.keyboard.type(" alone")
    assert tab.evaluate(kept) == ""
    tab.get_by_role("link", name="A conversation that is kept").click()
    expect(tab.get_by_text("Nothing of this is kept.")).to_be_hidden()
    assert tab.evaluate(kept) == "echo: between us alone"
