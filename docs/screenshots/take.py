"""Take a picture of every page of a furnished Wiz: phone and desktop, light and dark.

``make screenshots`` writes all of them into ``var/screenshots`` (or the folder that ARGS names) and renews the three
that the README shows.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
os.environ.setdefault("WIZ_DATA_DIR", tempfile.mkdtemp(prefix="wiz-pictures-", dir="/tmp"))

from demo import AGENTS, FAILING, archive  # noqa: E402
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright  # noqa: E402

from tests.people import Person, post_form, the_administrator  # noqa: E402
from tests.stack import furnished_stack  # noqa: E402
from tests.talking import Caller  # noqa: E402

ARGUMENTS: Final = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE: Final[dict[str, Any]] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESKTOP: Final[dict[str, Any]] = {"viewport": {"width": 1280, "height": 800}}
README: Final = ("chat-desktop-light", "chat-phone-dark", "palette-desktop-light")


class Shot(NamedTuple):
    """A page, and what is done to it before the picture."""

    name: str
    path: str
    keys: tuple[str, ...] = ()
    click: str = ""
    shows: str = "main"


def furnish(person: Person) -> list[Shot]:
    """Fill a Wiz; what there is to see in it."""
    caller = person.caller
    guide = caller.get("agents/")["results"][0]
    for name, description, starters in AGENTS:
        fields = {"name": name, "description": description, "starters": starters, "visibility": "everyone"}
        caller.add_agent(**fields, provider=guide["provider"], model=guide["model"])
    caller.add_provider(name="OpenAI", kind="openai", api_key="sk-for-a-picture-only", is_active=False)
    caller.post("folders/", {"name": "Website relaunch", "instructions": "Answer in British English."})
    _import(caller)
    failed = caller.post("conversations/", {"agent": guide["id"], "title": "A refused key"})["id"]
    caller.http.post(f"/api/v1/conversations/{failed}/messages/?wait=true", json={"content": FAILING})
    long = caller.post("conversations/", {"agent": guide["id"], "title": "A long answer"})["id"]
    caller.http.post(f"/api/v1/conversations/{long}/messages/?wait=true", json={"content": "A long answer, please."})
    ids = {row["title"]: row["id"] for row in caller.get("conversations/")["results"]}
    chat = f"/c/{ids['Long lines in a large file']}/"
    agent = caller.agent_id("Writer")
    return [
        Shot("chat", chat, shows=".message.agent figure.code"),
        Shot("chat-long", f"/c/{long}/", shows=".message.agent"),
        Shot("chat-error", f"/c/{failed}/", shows=".notice.error"),
        Shot("chat-menu", chat, click="[popovertarget=head-menu]", shows="#head-menu"),
        Shot("new", "/c/", shows=".welcome"),
        Shot("temporary", "/c/?temporary=on", shows=".welcome"),
        Shot("palette", chat, keys=("Control+k",), shows="#palette [role=option]"),
        Shot("palette-hits", chat, keys=("Control+k", "l", "e"), shows="#palette [role=option]"),
        Shot("shortcuts", chat, keys=("Control+/",), shows="#shortcuts"),
        Shot("agents", "/agents/"),
        Shot("agent", f"/agents/{agent}/"),
        Shot("agent-new", "/agents/new/"),
        Shot("agent-fault", "/agents/new/", click="main form button.primary", shows="[aria-invalid=true]"),
        Shot("providers", "/providers/"),
        Shot("provider", f"/providers/{guide['provider']}/"),
        Shot("provider-new", "/providers/new/"),
        Shot("settings", "/settings/"),
        Shot("archive-empty", "/c/archive/"),
        Shot("trash", "/c/trash/"),
        Shot("import", "/c/import/"),
        Shot("folder-new", "/c/folders/new/"),
        Shot("share", f"{chat}share/"),
        Shot("print", f"{chat}print/"),
        Shot("not-found", "/nothing/"),
    ]


def _import(caller: Caller) -> None:
    answer = caller.http.post("/api/v1/conversations/import/", json=archive())
    if not answer.is_success:
        sys.exit(answer.text)


def take(page: Page, shot: Shot, path: Path) -> None:
    """Go there, do it, wait until it shows."""
    page.goto(shot.path)
    for key in shot.keys:
        page.keyboard.press(key)
    if shot.click:
        page.locator(shot.click).first.click()
    page.locator(shot.shows).first.wait_for(state="visible")
    page.evaluate("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")
    page.wait_for_load_state("networkidle")
    page.locator("[data-scroll]").evaluate_all("parts => parts.forEach((part) => part.scrollTo(0, 0))")
    page.screenshot(path=path)


@contextmanager
def window(browser: Browser, person: Person | None, base_url: str, **options: Any) -> Iterator[BrowserContext]:
    """A browser's window without motion."""
    context = browser.new_context(base_url=base_url, reduced_motion="reduce", **options)
    context.set_default_timeout(30_000)
    if person:
        context.add_cookies(person.cookies)
    yield context
    context.close()


def take_all(browser: Browser, base_url: str, person: Person, folder: Path) -> None:
    """Every picture."""
    shots = furnish(person)
    door = [Shot("login", "/accounts/login/"), Shot("password", "/accounts/password/reset/")]
    for device, size in (("phone", PHONE), ("desktop", DESKTOP)):
        for scheme in ("light", "dark"):
            for who, wanted in ((person, shots), (None, door)):
                with window(browser, who, base_url, color_scheme=scheme, **size) as context:
                    page = context.new_page()
                    for shot in wanted:
                        take(page, shot, folder / f"{shot.name}-{device}-{scheme}.png")
    with window(browser, person, base_url, contrast="more", **DESKTOP) as context:
        take(context.new_page(), shots[0], folder / "chat-desktop-contrast.png")


def publish(folder: Path) -> None:
    """The pictures of the README, with few colours so that they stay small."""
    for name in README:
        source, target = folder / f"{name}.png", ROOT / f"docs/screenshots/{name}.png"
        reduce = ["convert", str(source), "-strip", "+dither", "-colors", "255", f"PNG8:{target}"]
        subprocess.run(reduce, check=True, timeout=60)


def main() -> None:
    """Start a Wiz, fill it, take the pictures, stop it."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "var/screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with furnished_stack() as stack, the_administrator(stack) as person, sync_playwright() as playwright:
            post_form(person.http, "/settings/", {"name": "Ada Lovelace", "theme": "system", "single_keys": "on"})
            person.http.get("/settings/")  # which says that they are saved, once
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            take_all(browser, stack.base_url, person, folder)
            browser.close()
        publish(folder)
    finally:
        shutil.rmtree(os.environ["WIZ_DATA_DIR"], ignore_errors=True)
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")  # noqa: T201


if __name__ == "__main__":
    main()
