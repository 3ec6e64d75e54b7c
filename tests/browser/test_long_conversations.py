"""A long conversation is read upwards without a jump, and a hit far up can be left in both directions."""

import pytest
from playwright.sync_api import Page, expect

from tests.people import Person

COUNT = 200


@pytest.fixture
def conversation(person: Person) -> str:
    """Two hundred messages; the id of their conversation."""
    messages = [
        {
            "id": str(number),
            "parent": str(number - 1) if number else None,
            "role": "assistant" if number % 2 else "user",
            "content": f"Message **{number}**\n\n" + "and some more words to fill its lines. " * 20,
        }
        for number in range(COUNT)
    ]
    sample = person.caller.post("conversations/", {"title": "Long"})["id"]
    document = person.http.get(f"/c/{sample}/export/", params={"as": "json"}).json()
    document["conversations"][0] |= {"messages": messages, "head": str(COUNT - 1), "title": "Imported"}
    answer = person.caller.http.post("/api/v1/conversations/import/", json=document)
    assert answer.is_success, answer.text
    found = person.caller.get("conversations/")["results"]
    return next(str(row["id"]) for row in found if row["title"] == "Imported")


def numbers(tab: Page) -> list[str]:
    return [text.split("\n")[0] for text in tab.locator(".message .words, .message [data-body]").all_inner_texts()]


def test_reading_upwards_brings_older_messages_and_nothing_jumps(tab: Page, conversation: str) -> None:
    tab.goto(f"/c/{conversation}/")
    expect(tab.locator(".message")).to_have_count(40)
    scroll = tab.locator("[data-scroll]")
    assert scroll.evaluate("(s) => s.scrollHeight - s.scrollTop - s.clientHeight") < 48
    first = tab.locator(".message").first
    first.evaluate("(message) => message.scrollIntoView()")
    name = first.get_attribute("id")
    before = tab.locator(f"#{name}").bounding_box()
    expect(tab.locator(".message").nth(79)).to_be_attached()
    tab.wait_for_timeout(300)
    after = tab.locator(f"#{name}").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 40, "what was in sight has stayed there"
    expect(tab.locator("[data-to-end]")).to_be_hidden()
    while (count := tab.locator(".message").count()) < COUNT:
        tab.locator(".message").first.evaluate("(message) => message.scrollIntoView()")
        expect(tab.locator(".message").nth(count)).to_be_attached()
    ids = tab.locator(".message").evaluate_all("(all) => all.map((message) => message.id)")
    assert len(set(ids)) == COUNT
    expect(tab.get_by_role("link", name="Older messages")).to_have_count(0)


def test_a_hit_far_up_is_in_sight_and_leads_both_ways(tab: Page, person: Person, conversation: str) -> None:
    found = person.caller.get(f"conversations/{conversation}/messages/")["results"][60]["id"]
    tab.goto(f"/c/{conversation}/m/{found}/")
    hit = tab.locator(f"#message-{found}")
    expect(hit).to_be_in_viewport()
    hit.evaluate("(message) => message.closest('[data-scroll]').scrollTo(0, 1e6)")
    expect(tab.locator(".message").nth(60)).to_be_attached()
    tab.get_by_role("textbox", name="Message", exact=True).fill("echo: at the end")
    tab.keyboard.press("Enter")
    answer = tab.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "completed", timeout=60_000)
    expect(answer.locator("[data-body]")).to_have_text("at the end")
    assert numbers(tab)[-3].startswith("Message 199")
