"""Long code stands in pieces of which a page draws those in sight; to whoever reads or copies it, it is one text."""

import pytest
from playwright.sync_api import Page, expect

from tests.people import Person

DRAWN = "(all) => all.filter((element) => element.checkVisibility({ contentVisibilityAuto: true })).length"


def source(lines: int) -> str:
    return "".join(f"\tvalue_{n} = {n} * 2  # <b> & more\n\n" if n % 7 else f"def f_{n}():\n" for n in range(lines))


@pytest.mark.parametrize("lines", [800, 3000])  # with and without colours
def test_long_code_is_read_copied_and_reloaded_as_one_text(tab: Page, person: Person, lines: int) -> None:
    code = source(lines)
    provider = person.caller.get("providers/")["results"][0]["id"]
    agent = person.caller.add_agent(name="fast", provider=provider, model="practice-fast")
    conversation = person.caller.post("conversations/", {"agent": agent})["id"]
    tab.goto(f"/c/{conversation}/", wait_until="networkidle")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    content = f"echo: ```python\n{code}```\nthe end"
    person.caller.post(f"conversations/{conversation}/messages/", {"content": content})
    answer = tab.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "completed", timeout=120_000)
    expect(answer.locator(".actions time")).to_be_attached()
    pieces = answer.locator(".code .lines")
    assert pieces.count() > 20
    numbers = answer.locator(".highlight .mi")
    is_coloured = len(code) < 40_000
    assert (numbers.count() > 0) == is_coloured
    assert (0 < numbers.evaluate_all(DRAWN) < numbers.count() / 3) == is_coloured
    answer.locator("[data-copy-code]").click()
    expect(answer.locator("[data-copy-code]")).to_have_text("Copied")
    assert tab.evaluate("navigator.clipboard.readText()") == code
    pre = answer.locator(".code pre")
    selected = "(pre) => { getSelection().selectAllChildren(pre); return getSelection().toString(); }"
    assert pre.evaluate(selected).strip("\n") == code.strip("\n")
    expect(answer.locator("[data-copy-code]")).to_have_text("Copy")
    streamed = answer.locator("[data-body]").inner_html()
    tab.reload()
    assert answer.locator("[data-body]").inner_html() == streamed, "streamed and stored pages are the same"
    height = pre.evaluate("(pre) => pre.scrollHeight / parseFloat(getComputedStyle(pre).lineHeight)")
    assert abs(height - code.count("\n")) < 55, "what is out of sight has its height, all but the last piece"
