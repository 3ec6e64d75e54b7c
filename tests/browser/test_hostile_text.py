"""Hostile text wherever text is shown: nothing runs, nobody outside is asked, and the page can still be used."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from tests.browser.hostile import DEEP, hostile
from tests.people import Person
from tests.stack import Stack, wait_for

PATIENCE = 60_000  # milliseconds
WATCH = """
window.reports = [];
document.addEventListener("securitypolicyviolation", (event) => window.reports.push(event.violatedDirective));
"""
# What blocks may have once they are in the page: what the sanitiser lets through and what copy.js adds.
ATTRIBUTES = {
    "class", "href", "target", "rel", "title", "start", "data-language", "checked", "type", "disabled", "aria-label",
    "id",
}  # fmt: skip
ADDED = {"tabindex", "data-copy-code"}


class Outside:
    """A server that nobody should ask, and what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_error(404)

            do_POST = do_HEAD = do_GET  # noqa: N815 - the base class's names

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def outside() -> Iterator[Outside]:
    outside = Outside()
    yield outside
    outside.server.shutdown()
    outside.server.server_close()


@pytest.fixture
def watched(browser: Browser, stack: Stack, person: Person, outside: Outside) -> Iterator[Page]:
    """A tab of which the end tells whether anything ran, complained or asked anybody outside."""
    context = browser.new_context(base_url=stack.base_url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    context.add_cookies(person.cookies)
    context.add_init_script(WATCH)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"error: {error}"))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)

    def dismiss(dialog: Dialog) -> None:
        problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismiss)
    page.on("popup", lambda popup: problems.append(f"popup: {popup.url}"))
    page.on(
        "request",
        lambda request: None if request.url.startswith(stack.base_url) else problems.append(f"asked {request.url}"),
    )
    yield page
    check_quiet(page)
    context.close()
    assert problems == []
    assert outside.asked == []


def check_quiet(page: Page) -> None:
    """Nothing ran and nothing was stopped by the policy alone."""
    assert page.evaluate("[window.ran ?? null, window.reports]") == [None, []]


def check_clean(page: Page) -> None:
    """Answers hold no attribute but ours, and no name by which anything could be found."""
    names = page.evaluate(
        "[...new Set([...document.querySelectorAll('[data-body] *')].flatMap((e) => e.getAttributeNames()))]"
    )
    maths = {name for name in names if page.locator(f"[data-body] :is(math, math *)[{name}]").count()}
    assert set(names) - maths <= ATTRIBUTES | ADDED
    links = page.evaluate("[...new Set([...document.querySelectorAll('[data-body] a[href]')].map((a) => a.protocol))]")
    assert set(links) <= {"http:", "https:", "mailto:"}


def check_usable(page: Page, words: str) -> None:
    """One can still type and send; nothing covers the composer or widens the page."""
    field = page.get_by_role("textbox", name="Message", exact=True)
    is_free = """(field) => {
      const box = field.getBoundingClientRect();
      return field.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
    }"""
    assert field.evaluate(is_free)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "(scroll => scroll.scrollWidth <= scroll.clientWidth)(document.querySelector('[data-scroll]'))"
    )
    expect(page.locator("#composer")).to_have_attribute("data-running", "false", timeout=PATIENCE)
    field.click()
    field.fill(f"echo: {words}")
    page.keyboard.press("Enter")
    expect(field, "the words are sent").to_have_value("", timeout=PATIENCE)
    expect(page.locator(".message.agent").last.locator("[data-body]")).to_have_text(words, timeout=PATIENCE)
    finished(page)


def finished(page: Page) -> Locator:
    answer = page.locator(".message.agent").last
    expect(answer).to_have_attribute("data-status", "completed", timeout=PATIENCE)
    expect(answer.locator("[data-status-line]")).to_have_count(0)
    return answer


@pytest.fixture
def fast(person: Person) -> str:
    provider = person.caller.get("providers/")["results"][0]["id"]
    return person.caller.add_agent(name="Fast", provider=provider, model="practice-fast")


def test_nothing_in_a_question_or_its_answer_runs_live_or_later(watched: Page, outside: Outside, fast: str) -> None:
    texts = hostile(outside.url)
    assert len(set(texts)) >= 200
    watched.goto(f"/c/?agent={fast}")
    watched.get_by_role("textbox", name="Message", exact=True).fill("echo: " + "\n\n".join(texts))
    watched.keyboard.press("Enter")
    watched.wait_for_url("**/c/*-*/")
    answer = finished(watched)
    check_clean(watched)
    streamed = answer.locator("[data-body]").inner_html()
    check_usable(watched, "still here")
    watched.reload()
    assert watched.locator("[data-body]").first.inner_html() == streamed
    check_clean(watched)
    check_usable(watched, "here again")


def test_a_text_without_measure_leaves_the_page_usable(watched: Page, fast: str, person: Person) -> None:
    sent = person.caller.say(fast, "echo: " + "\n\n".join(DEEP))
    watched.goto(f"/c/{sent['conversation']}/")
    finished(watched)
    check_usable(watched, "deep down")
    expect(watched.locator("#composer")).to_have_attribute("data-running", "false", timeout=PATIENCE)
    watched.get_by_role("textbox", name="Message", exact=True).fill("fault: longline")
    watched.keyboard.press("Enter")
    expect(watched.locator(".message.agent")).to_have_count(3, timeout=PATIENCE)
    body = finished(watched).locator("[data-body]")
    wait_for(lambda: body.evaluate("(body) => body.textContent.length") > 1_000_000, PATIENCE / 1000, "the whole line")
    check_usable(watched, "long gone")


def test_titles_and_reasoning_are_words_only(watched: Page, outside: Outside, fast: str, person: Person) -> None:
    texts = [text for text in hostile(outside.url) if len(text) <= 190 and text.isprintable()]
    sent = person.caller.say(fast, "echo: titled")
    path = f"/api/v1/conversations/{sent['conversation']}/"
    person.caller.read(sent)
    for title in [text for text in texts if "onerror" in text or "script" in text][:12]:
        assert person.caller.http.patch(path, json={"title": title}).is_success
        watched.goto(f"/c/{sent['conversation']}/")
        expect(watched.locator(".head-title")).to_contain_text(title.split("\n")[0].strip()[:20])
        check_quiet(watched)
    document = person.http.get(f"/c/{sent['conversation']}/export/", params={"as": "json"}).json()
    archived = document["conversations"][0]
    archived["title"] = "Imported"
    for message in archived["messages"]:
        if message["role"] == "assistant":
            message["reasoning"] = "\n".join(texts)
    imported = person.caller.http.post("/api/v1/conversations/import/", json=document)
    assert imported.is_success, imported.text
    rows = person.caller.get("conversations/")["results"]
    newest = next(row["id"] for row in rows if row["title"] == "Imported")
    watched.goto(f"/c/{newest}/")
    watched.locator(".reasoning summary").click()
    expect(watched.locator(".reasoning")).to_contain_text("onerror")
    assert watched.locator(".reasoning div *").count() == 0
    check_usable(watched, "thought about")
