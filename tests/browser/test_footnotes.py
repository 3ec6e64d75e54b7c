"""Footnotes: from the mark to the text and back, within the page and within the answer."""

import re

from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.people import Person

PATIENCE = 60_000  # milliseconds
FILLING = "\n\n".join(f"Paragraph {number} of many." for number in range(40))
ASKED = f"echo: A claim[^1] and another[^2].\n\n{FILLING}\n\n[^1]: The first note.\n\n[^2]: - a list\n\nThe end."


def ask(tab: Page, number: int) -> None:
    tab.get_by_role("textbox", name="Message", exact=True).fill(ASKED.replace("claim", f"claim {number}"))
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").nth(number)
    expect(answer).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer.locator(".footnote")).to_have_count(2)


def test_marks_and_texts_lead_to_each_other_in_their_own_answer(tab: Page, person: Person) -> None:
    tab.goto("/c/?agent=" + person.caller.agent_id("Guide"))
    ask(tab, 0)
    ask(tab, 1)
    answers = tab.locator(".message.agent")
    streamed = answers.last.locator("[data-body]").inner_html()
    tab.reload()
    assert answers.last.locator("[data-body]").inner_html() == streamed, "streamed and stored pages are the same"
    identities = tab.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(identities) == len(set(identities))
    for number in (0, 1):
        answer = answers.nth(number)
        mark, note = answer.locator(".footnote-mark a").first, answer.locator(".footnote").first
        mark.scroll_into_view_if_needed()
        expect(note).not_to_be_in_viewport()
        mark.click()
        expect(note).to_be_in_viewport()
        expect(tab).to_have_url(re.compile(r"#fn-[0-9a-f]{32}-1$"))
        note.get_by_role("link", name="Back to the text").focus()
        tab.keyboard.press("Enter")
        expect(mark).to_be_in_viewport()
        expect(note).not_to_be_in_viewport()
    assert len(tab.context.pages) == 1, "nothing opens a tab of its own"
    assert violations(tab, "footnotes") == []
