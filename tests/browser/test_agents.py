"""An agent in a browser, from the first word of its instructions to the file that another Wiz reads."""

import json
import uuid
from pathlib import Path

from playwright.sync_api import Dialog, Page, expect


def message(page: Page, text: str) -> None:
    page.locator("#trial-text").fill(text)
    page.locator("#trial-text").press("Enter")


def test_an_agent_is_tried_saved_changed_brought_back_and_taken_along(tab: Page, tmp_path: Path) -> None:
    name = f"Proof {uuid.uuid4().hex[:6]}"
    tab.goto("/agents/new/")
    expect(tab.locator("#id_model")).not_to_have_value("")
    tab.locator("#id_model").fill("practice-fast")
    tab.get_by_label("Instructions").fill("Be brief.\nNever invent.")
    expect(tab.locator("[data-unsaved]")).to_have_text("Not saved yet")

    message(tab, "echo: a lighthouse")
    answers = tab.locator(".trial-turn.agent")
    expect(answers.last).to_have_text("a lighthouse")
    expect(tab.get_by_role("button", name="Send the test message")).to_be_visible()
    tab.get_by_role("button", name="Begin anew").click()
    expect(answers).to_have_count(0)

    tab.get_by_label("Name").fill(name)
    tab.get_by_text("Icon and colour").click()
    tab.get_by_role("radio", name="Book").check(force=True)
    expect(tab.locator(".look .agent-mark svg")).to_be_visible()
    rows = tab.locator("[name=starters]")
    rows.nth(0).fill("Second")
    rows.nth(1).fill("First")
    tab.get_by_role("button", name="Move up").nth(1).click()
    expect(rows.nth(0)).to_have_value("First")
    tab.get_by_role("button", name="Add the agent").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(name)
    expect(tab.locator("[data-unsaved]")).to_be_empty()
    change_and_go_back(tab, name)
    take_along(tab, name, tmp_path / "proof.agent.json")

    tab.goto("/agents/?show=mine")
    expect(tab.locator(".agents .row")).to_have_count(3)
    tab.get_by_role("link", name=f"Chat with {name}", exact=True).click()
    expect(tab.locator(".starter").first).to_contain_text("First")


def change_and_go_back(tab: Page, name: str) -> None:
    home = tab.url
    tab.get_by_label("Instructions").fill("Be brief.\nQuote the text.")
    tab.get_by_label("What changes").fill("Quotes")
    tab.get_by_role("button", name="Save the agent").click()
    expect(tab.get_by_text(f"{name} is saved.")).to_be_visible()
    tab.get_by_role("link", name="History").click()
    expect(tab.locator(".row").first).to_contain_text("Quotes")
    tab.get_by_role("link", name="Version 2").click()
    expect(tab.locator(".diff del")).to_contain_text("Never invent.")
    expect(tab.locator(".diff ins")).to_contain_text("Quote the text.")
    tab.goto(f"{home}versions/1/")
    tab.get_by_role("button", name="Go back to version 1").click()
    expect(tab.get_by_label("Instructions")).to_have_value("Be brief.\nNever invent.")


def take_along(tab: Page, name: str, file: Path) -> None:
    with tab.expect_download() as download:
        tab.get_by_role("link", name="Export").click()
    download.value.save_as(file)
    assert json.loads(file.read_text())["system_prompt"] == "Be brief.\nNever invent."
    tab.get_by_role("button", name="Duplicate").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(f"{name} copy")
    tab.goto("/agents/import/")
    tab.get_by_label("File").set_input_files(file)
    tab.get_by_role("button", name="Import the agent").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(f"{name} 2")


def test_leaving_warns_only_when_something_would_be_lost(tab: Page) -> None:
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    tab.on("dialog", accept)
    tab.goto("/agents/new/")
    tab.locator("#trial-text").fill("Only a test")
    tab.goto("/agents/")
    assert asked == []
    tab.goto("/agents/new/")
    tab.get_by_label("Instructions").fill("Worth keeping.")
    tab.goto("/agents/")
    assert asked == ["beforeunload"]


def test_what_a_model_does_not_take_vanishes_and_comes_back_with_another_model(tab: Page) -> None:
    tab.goto("/agents/new/")
    tab.get_by_text("Parameters").click()
    model = tab.locator("#id_model")
    model.fill("practice-reasoning")
    model.blur()
    effort = tab.get_by_label("Reasoning effort")
    effort.select_option("high")
    model.fill("practice")
    model.blur()
    expect(tab.locator("#parameters")).to_contain_text("practice does not take this. high is left out when you save.")
    expect(effort).to_have_count(0)
    model.fill("practice-reasoning")
    model.blur()
    expect(effort).to_have_value("high")


def test_a_test_answer_is_stopped_and_a_failure_says_what_to_do(tab: Page) -> None:
    tab.goto("/agents/new/")
    tab.locator("#id_model").fill("practice-slow")
    message(tab, "Write a long story, please.")
    answer = tab.locator(".trial-turn.agent").last
    expect(answer.locator("div").last).not_to_be_empty()
    tab.get_by_role("button", name="Stop the test answer").click()
    expect(answer).to_contain_text("Stopped.")
    tab.locator("#id_model").fill("practice-fast")
    message(tab, "fault: cut")
    expect(tab.locator(".trial-turn.problem")).to_be_visible()


def test_beginning_anew_forgets_the_answer_that_was_under_way(tab: Page) -> None:
    tab.goto("/agents/new/")
    tab.locator("#id_model").fill("practice-slow")
    message(tab, "Write a long story, please.")
    expect(tab.locator(".trial-turn.agent div").last).not_to_be_empty()
    tab.get_by_role("button", name="Begin anew").click()
    expect(tab.locator(".trial-turn")).to_have_count(0)
    expect(tab.get_by_role("button", name="Send the test message")).to_be_visible()
    tab.locator("#id_model").fill("practice-fast")
    with tab.expect_request("**/try/") as asked:
        message(tab, "echo: anew")
    expect(tab.locator(".trial-turn.agent")).to_have_text("anew")
    assert "long story" not in (asked.value.post_data or "")


def test_a_reader_who_scrolls_up_in_the_test_chat_stays_there(tab: Page) -> None:
    tab.goto("/agents/new/")
    tab.locator("#id_model").fill("practice")
    log = tab.locator(".trial-log")
    message(tab, "Write a long story, please. tokens=2000")
    at_end = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2"
    tab.wait_for_function("() => document.querySelector('.trial-log').scrollTop > 60")
    assert log.evaluate(at_end), "the end is kept in sight"
    log.hover()
    tab.mouse.wheel(0, -5000)
    grown = "(length) => document.querySelector('.trial-log').textContent.length > length + 400"
    tab.wait_for_function(grown, arg=len(log.text_content() or ""))
    assert log.evaluate("(log) => log.scrollTop") == 0
    tab.get_by_role("button", name="Stop the test answer").click()
