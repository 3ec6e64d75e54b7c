"""The call of a tool in an answer: a folded card that comes with the end of the answer, and stays."""

import json

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.axe import violations
from tests.people import Person
from tests.stack import Stack

PATIENCE = 60_000  # milliseconds
ASKED = 'tool: find_trains {"from": "Zürich", "to": ["Basel", "<img src=x onerror=alert(1)>"]}'
RESULT = "One train.\n" + "</pre><script>alert(1)</script> " * 40


def imported(person: Person) -> str:
    """The path of a conversation with a call that has a result, one that has none, and a hostile one."""
    calls = [
        {"id": "1", "name": "find_trains", "arguments": '{"from": "Zürich", "to": "Basel"}', "result": RESULT},
        {"id": "2", "name": "<b>" + "very_long_name_" * 12, "arguments": "no JSON", "result": ""},
        {"id": "3", "name": "wait", "arguments": ""},
    ]
    question = {"id": "1", "role": "user", "content": "When?"}
    answer = {"id": "2", "parent": "1", "role": "assistant", "content": "At **noon**.", "reasoning": "Hm."}
    messages = [question, {**answer, "agent_name": "Guide", "tool_calls": calls}]
    file = {"format": "wiz-conversations", "version": 1, "exported_at": None, "conversations": [{"messages": messages}]}
    report = person.caller.http.post("/api/v1/conversations/import/", content=json.dumps(file)).json()
    return f"/c/{report['first']}/"


def card(page: Page, number: int = 0) -> Locator:
    return page.locator("details.call").nth(number)


def test_the_card_comes_with_the_end_of_the_answer_and_is_there_after_a_reload(tab: Page, person: Person) -> None:
    tab.goto("/c/?agent=" + person.caller.agent_id("Guide"))
    tab.get_by_role("textbox", name="Message", exact=True).fill(ASKED)
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer.locator(".ending")).to_contain_text("The model asked for a tool. None was run")
    expect(card(tab)).to_have_count(1)
    expect(card(tab).locator("pre")).to_be_hidden()
    summary = card(tab).locator("summary")
    expect(summary).to_have_text("Tool call find_trains no result")
    summary.focus()
    tab.keyboard.press("Enter")
    expect(card(tab).locator("pre")).to_contain_text('"<img src=x onerror=alert(1)>"')
    assert card(tab).locator("img").count() == 0
    streamed = answer.locator(".calls").inner_html()
    tab.reload()
    assert answer.locator(".calls").inner_html().strip() == streamed.replace(' open=""', "").strip()
    tab.get_by_role("textbox", name="Message", exact=True).fill("Hello again")
    tab.keyboard.press("Enter")
    expect(tab.locator(".message.agent").last).to_contain_text("practice model", timeout=PATIENCE)
    expect(tab.locator("details.call")).to_have_count(1)


def test_calls_that_came_from_a_file_stand_above_the_words_on_any_screen(tab: Page, person: Person) -> None:
    tab.goto(imported(person))
    for width in (1280, 360):
        tab.set_viewport_size({"width": width, "height": 800})
        for number in range(3):
            card(tab, number).evaluate("(details) => { details.open = true; }")
        expect(card(tab).locator("pre").last).to_contain_text("</pre><script>alert(1)</script>")
        expect(card(tab, 1).locator("pre").last).to_have_text("(nothing)")
        expect(card(tab, 2).locator("pre")).to_have_count(0)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        card_box, words = card(tab, 2).bounding_box(), tab.locator("[data-body]").bounding_box()
        assert card_box is not None
        assert words is not None
        assert card_box["y"] + card_box["height"] <= words["y"]
        assert card_box["x"] + card_box["width"] <= width
    assert violations(tab, "tool calls") == []


@pytest.mark.parametrize("page", ["", "print/"])
def test_cards_need_no_script(browser: Browser, stack: Stack, person: Person, page: str) -> None:
    context = browser.new_context(base_url=stack.base_url, java_script_enabled=False)
    context.add_cookies(person.cookies)
    plain = context.new_page()
    plain.goto(imported(person) + page)
    if not page:
        expect(card(plain).locator("pre").first).to_be_hidden()
        card(plain).locator("summary").click()
    expect(card(plain).locator("pre").first).to_have_text('{\n  "from": "Zürich",\n  "to": "Basel"\n}')
    assert plain.locator("details.call script").count() == 0
    context.close()
