"""The settings as their person uses them: second factors, devices, the language."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.codes import app_code
from tests.people import PASSWORD, Person
from tests.stack import Stack


@pytest.fixture
def desk(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A tab of nobody, at a name for which browsers make passkeys; errors of scripts fail the test."""
    context = browser.new_context(base_url=stack.base_url.replace("127.0.0.1", "localhost"))
    context.set_default_timeout(45_000)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert problems == []


def enter(page: Page, email: str) -> None:
    """Address and password."""
    page.goto("/accounts/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def confirm(page: Page) -> None:
    """The password once more, before something that matters."""
    expect(page.get_by_role("heading", name="Is it you?")).to_be_visible()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()


def log_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Log out").click()
    page.wait_for_url("**/accounts/login/**")


def set_up_app(page: Page) -> tuple[str, list[str]]:
    """The app's secret and the recovery codes."""
    page.goto("/settings/security/")
    page.get_by_role("link", name="Set up the app").click()
    confirm(page)
    secret = page.locator("#totp-secret").inner_text()
    assert page.locator(".qr path").evaluate("path => path.getBoundingClientRect().width > 100"), "the QR code is drawn"
    page.get_by_label("2. Enter the code").fill(app_code(secret))
    page.get_by_role("button", name="Turn the app on").click()
    codes = page.locator("#recovery-codes code").all_inner_texts()
    assert len(codes) == 10
    return secret, codes


def test_a_code_of_the_app_or_a_recovery_code_is_the_second_step(desk: Page, person: Person) -> None:
    enter(desk, person.email)
    desk.wait_for_url("**/c/")
    secret, codes = set_up_app(desk)
    with desk.expect_download() as download:
        desk.get_by_role("link", name="Download").click()
    assert download.value.path().read_text().split() == codes
    desk.reload()
    expect(desk.locator("#recovery-codes")).to_have_count(0)
    log_out(desk)

    enter(desk, person.email)
    desk.get_by_label("Code").fill("000000")
    desk.get_by_role("button", name="Log in", exact=True).click()
    expect(desk.get_by_text("This is not right.")).to_be_visible()
    desk.get_by_label("Code").fill(app_code(secret, steps=1))
    desk.get_by_role("button", name="Log in", exact=True).click()
    desk.wait_for_url("**/c/")
    log_out(desk)

    enter(desk, person.email)
    desk.get_by_label("Code").fill(codes[0])
    desk.get_by_role("button", name="Log in", exact=True).click()
    desk.wait_for_url("**/c/")
    desk.goto("/settings/security/")
    expect(desk.get_by_text("9 codes are left")).to_be_visible()


def add_virtual_key(page: Page) -> None:
    """A security key in the browser's developer tools."""
    tools: Any = page.context.new_cdp_session(page)
    tools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    tools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_a_passkey_logs_in_without_a_password(desk: Page, person: Person) -> None:
    add_virtual_key(desk)
    enter(desk, person.email)
    desk.wait_for_url("**/c/")
    desk.goto("/settings/security/")
    desk.get_by_role("link", name="Add a passkey").click()
    confirm(desk)
    desk.get_by_label("Name").fill("My laptop")
    desk.get_by_role("button", name="Make the passkey").click()
    expect(desk.locator("#recovery-codes code")).to_have_count(10)
    desk.goto("/settings/security/")
    expect(desk.get_by_role("link", name="My laptop", exact=True)).to_be_visible()
    log_out(desk)

    desk.get_by_role("button", name="Log in with a passkey").click()
    desk.wait_for_url("**/c/")
    log_out(desk)

    enter(desk, person.email)
    desk.get_by_role("button", name="Use a passkey").click()
    desk.wait_for_url("**/c/")


def test_a_passkey_that_cannot_be_made_at_a_number_says_why(tab: Page) -> None:
    tab.goto("/accounts/2fa/webauthn/add/")
    confirm(tab)
    expect(tab.get_by_role("button", name="Make the passkey")).to_be_disabled()
    expect(tab.get_by_role("alert")).to_contain_text("for names only, not for numbers")


def test_a_session_that_is_ended_elsewhere_ends_its_open_page(
    tab: Page, context: BrowserContext, person: Person
) -> None:
    tab.goto("/c/")
    tab.get_by_role("textbox", name="Message").fill("Hello")
    tab.keyboard.press("Enter")
    expect(tab.locator(".message.agent").last).to_have_attribute("data-status", "completed", timeout=30_000)
    other = context.new_page()
    enter(other, person.email)
    other.wait_for_url("**/c/")
    other.goto("/settings/sessions/")
    expect(other.locator(".row")).to_have_count(2)
    other.get_by_role("button", name="Log out all others").click()
    expect(other.get_by_text("1 other device is logged out.")).to_be_visible()
    tab.wait_for_url(re.compile("/accounts/login/"), timeout=5_000)
    expect(other.locator(".row")).to_have_count(1)


def test_the_language_of_the_page_follows_the_choice_and_the_choice_follows_the_person(tab: Page) -> None:
    tab.goto("/settings/language/")
    expect(tab.locator("html")).to_have_attribute("lang", "en")
    tab.get_by_label("Português (Brasil)").check()
    tab.get_by_role("button", name="Save the language").click()
    expect(tab.locator("html")).to_have_attribute("lang", "pt-br")
    tab.goto("/settings/")
    expect(tab.locator("html")).to_have_attribute("lang", "pt-br")


def test_the_sections_are_reached_on_a_telephone(tab: Page) -> None:
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto("/settings/tokens/")
    expect(tab.get_by_role("navigation", name="Settings").get_by_text("API tokens")).to_be_in_viewport()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', { value: undefined })"
REFUSED = "navigator.clipboard.write = () => Promise.reject(new DOMException('no', 'NotAllowedError'))"


def make_token(tab: Page) -> str:
    """A token that is shown with a button that copies it."""
    tab.goto("/settings/tokens/")
    tab.get_by_label("What is it for").fill("For the clipboard")
    tab.get_by_role("button", name="Create a token").click()
    return tab.locator("#token-value").inner_text().strip()


def test_a_token_is_copied_without_tls_too(tab: Page) -> None:
    tab.add_init_script(NO_CLIPBOARD)
    token = make_token(tab)
    tab.get_by_role("button", name="Copy", exact=True).click()
    expect(tab.get_by_role("button", name="Copied")).to_be_focused()
    tab.get_by_label("What is it for").focus()
    tab.keyboard.press("Control+V")
    expect(tab.get_by_label("What is it for")).to_have_value(token)


def test_a_token_that_may_not_be_copied_is_selected_instead(tab: Page) -> None:
    tab.add_init_script(REFUSED)
    token = make_token(tab)
    tab.get_by_role("button", name="Copy", exact=True).click()
    tab.wait_for_function("() => getSelection().toString()")
    assert tab.evaluate("getSelection().toString()") == token
    expect(tab.get_by_role("button", name="Copied")).to_have_count(0)
