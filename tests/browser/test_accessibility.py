"""axe-core finds nothing on any page: light, dark, in high contrast, for strangers, people and administrators."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.axe import violations
from tests.people import Person
from tests.stack import Stack

HREF = re.compile(r'href="([^"#]+)')
MOST_PAGES = 120
ELSEWHERE = ("/admin/", "/api/", "/static/", "/healthz/")
PUBLIC = (
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/done/",
    "/accounts/password/reset/key/1-nothing/",
    "/accounts/inactive/",
    "/setup/an-old-link/",
    "/nothing-here/",
)
BROKEN = ("400.html", "403.html", "403_csrf.html", "404.html", "429.html", "500.html")


def opened(browser: Browser, stack: Stack, person: Person | None, **options: object) -> BrowserContext:
    """A window in which the person is logged in."""
    size = {"width": 1280, "height": 800}
    context = browser.new_context(base_url=stack.base_url, reduced_motion="reduce", **{"viewport": size, **options})  # type: ignore[arg-type]
    context.set_default_timeout(45_000)
    if person:
        context.add_cookies(person.cookies)
    return context


@pytest.fixture
def stranger(browser: Browser, stack: Stack) -> Iterator[Page]:
    context = opened(browser, stack, None)
    yield context.new_page()
    context.close()


@pytest.fixture
def owner(person: Person) -> Person:
    """Somebody with one of everything."""
    caller = person.caller
    guide = caller.agent_id("Guide")
    folder = caller.post("folders/", {"name": "Kitchen", "instructions": "In grams."})["id"]
    fields = {"name": "Mine", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "api_key": "a-key"}
    provider = caller.add_provider(**fields)
    caller.add_agent(name="Cook", provider=provider, model="practice", starters=["Soup?"])
    for title, text in (("Shown", "markdown"), ("Failed", "fault: 401"), ("Code", "code"), ("Table", "table")):
        conversation = caller.post("conversations/", {"agent": guide, "title": title, "folder": folder})["id"]
        caller.post(f"conversations/{conversation}/messages/?wait=true", {"content": text})
    for change in ({"is_pinned": True}, {"is_archived": True}, {"tags": ["soup"]}, {}):
        extra = caller.post("conversations/", {"agent": guide, "title": f"Extra {change}"})["id"]
        if change:
            caller.http.patch(f"/api/v1/conversations/{extra}/", json=change)
        else:
            caller.http.delete(f"/api/v1/conversations/{extra}/")
    return person


def pages_of(http: httpx2.Client, start: tuple[str, ...]) -> dict[str, str]:
    """One address for every pattern that links lead to, by way of pages."""
    found: dict[str, str] = {}
    waiting = list(start)
    while waiting and len(found) < MOST_PAGES:
        address = waiting.pop(0)
        pattern = pattern_of(address)
        if not pattern or pattern in found:
            continue
        answer = http.get(address)
        if answer.status_code != 200 or "<html" not in answer.text[:400]:
            continue
        found[pattern] = address
        waiting += [urljoin(address, href.replace("&amp;", "&")) for href in HREF.findall(answer.text)]
    return found


def pattern_of(address: str) -> str:
    """The route of an address and the names in its query: every kind of page is seen once. "" for none of ours."""
    parts = urlsplit(address)
    if parts.netloc or parts.path.startswith(ELSEWHERE):
        return ""
    try:
        route = str(resolve(parts.path).route)
    except Resolver404:
        return ""
    names = sorted(pair.split("=")[0] for pair in parts.query.split("&"))
    return f"{route}?{','.join(names)}"


def told(problems: list[str]) -> str:
    """All of them, one in a line."""
    return "\n" + "\n".join(problems)


def walk(page: Page, addresses: list[str]) -> list[str]:
    problems: list[str] = []
    for address in addresses:
        page.goto(address)
        problems += violations(page, address)
    return problems


def test_pages_for_strangers(stranger: Page) -> None:
    assert not (problems := walk(stranger, list(PUBLIC))), told(problems)
    stranger.goto("/accounts/login/")
    stranger.get_by_label("E-mail").fill("nobody@example.org")
    stranger.get_by_label("Password", exact=True).fill("wrong")
    stranger.keyboard.press("Enter")
    expect(stranger.locator(".notice.error, .field-error").first).to_be_visible()
    assert not (problems := violations(stranger, "a refused log-in")), told(problems)


@pytest.mark.parametrize("name", BROKEN)
def test_pages_that_say_what_went_wrong(stranger: Page, name: str) -> None:
    body = render_to_string(name, {"wait": 30})
    stranger.route("**/went-wrong/", lambda route: route.fulfill(body=body, content_type="text/html; charset=utf-8"))
    stranger.goto("/went-wrong/")
    expect(stranger.get_by_role("heading", level=1)).to_be_visible()
    assert not (problems := violations(stranger, name)), told(problems)


def test_every_page_that_links_lead_to(browser: Browser, stack: Stack, owner: Person, administrator: Person) -> None:
    """As somebody with one of everything; then what only an administrator sees."""
    mine = pages_of(owner.http, ("/c/", "/c/archive/", "/c/trash/", "/accounts/logout/", "/nothing/"))
    assert {"c/?", "c/<uuid:pk>/?", "agents/<uuid:pk>/?", "providers/<uuid:pk>/?", "settings/?"} <= set(mine)
    theirs = pages_of(administrator.http, ("/providers/", "/agents/", "/settings/"))
    for person, addresses in (
        (owner, mine.values()),
        (administrator, [theirs[name] for name in set(theirs) - set(mine)]),
    ):
        context = opened(browser, stack, person)
        try:
            assert not (problems := walk(context.new_page(), list(addresses))), told(problems)
        finally:
            context.close()


def test_a_shared_conversation_and_forms_with_faults(browser: Browser, stack: Stack, owner: Person) -> None:
    shown = next(row for row in owner.caller.get("conversations/")["results"] if row["title"] == "Shown")
    context = opened(browser, stack, owner)
    page = context.new_page()
    problems: list[str] = []
    for address, button in (("/agents/new/", "agent"), ("/providers/new/", "provider"), ("/c/folders/new/", "folder")):
        page.goto(address)
        page.locator("main form button.primary[type=submit]").first.click()
        expect(page.locator("[aria-invalid=true]").first).to_be_visible()
        problems += violations(page, f"a refused {button}")
    page.goto(f"/c/{shown['id']}/share/")
    page.locator("main form button.primary[type=submit]").first.click()
    address = page.locator("main").inner_text()
    problems += violations(page, "a share link")
    link = re.search(r"/s/[\w-]+/", address) or re.search(r"/s/[\w-]+/", page.content())
    assert link
    problems += walk(page, [link[0]])
    context.close()
    assert not problems, told(problems)


def test_what_opens_above_a_page(browser: Browser, stack: Stack, owner: Person) -> None:
    rows = owner.caller.get("conversations/")["results"]
    address = f"/c/{next(row for row in rows if row['title'] == 'Shown')['id']}/"
    context = opened(browser, stack, owner)
    page = context.new_page()
    problems: list[str] = []

    def see(name: str, *, opens: str) -> None:
        expect(page.locator(opens).first).to_be_visible()
        problems.extend(violations(page, name))
        page.goto(address)

    page.goto(address)
    page.keyboard.press("Control+k")
    see("the palette", opens="#palette [role=option]")
    page.keyboard.press("Control+k")
    page.keyboard.type("tour")
    see("the palette with hits", opens="#palette mark")
    page.keyboard.press("Control+/")
    see("the sheet of shortcuts", opens="#shortcuts")
    page.locator("[popovertarget=person-menu]").click()
    see("the person's menu", opens="#person-menu")
    page.get_by_role("button", name="Conversation menu").click()
    see("the conversation's menu", opens="#head-menu")
    page.locator(".rail-row").first.hover()
    page.locator("[data-row-menu]").first.click()
    see("the menu of a row", opens="#row-menu .menu-item")
    page.get_by_role("button", name="Conversation menu").click()
    page.locator("#head-menu").get_by_text("Folder and tags").click()
    see("folder and tags", opens="#organise form")
    page.get_by_role("button", name="Conversation menu").click()
    page.locator("#head-menu").get_by_text("Rename").click()
    see("renaming", opens="[data-rename] [name=title]")
    page.locator("[data-edit-link]").first.click()
    see("editing a message", opens="[data-edit] textarea")
    context.close()
    assert not problems, told(problems)


def test_a_phone(browser: Browser, stack: Stack, owner: Person) -> None:
    rows = owner.caller.get("conversations/")["results"]
    context = opened(browser, stack, owner, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    pages = [
        "/c/",
        "/agents/",
        "/providers/",
        "/settings/",
        *(f"/c/{row['id']}/" for row in rows if row["title"] == "Code"),
    ]
    problems = walk(page, pages)
    page.locator("[data-open-rail]").tap()
    expect(page.locator("#rail .brand")).to_be_focused()
    problems += violations(page, "the drawer")
    context.close()
    assert not problems, told(problems)
