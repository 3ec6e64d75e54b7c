"""A day in the life of Wiz, and then a search for the providers' keys in everything that it left behind."""

import base64
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx2
import pytest

from providers.practice import running_practice
from tests.codes import app_code
from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack, chosen_services, stacks
from tests.talking import Caller
from tests.wizsite.sweep import forms, places_of, stored, unpacked_backup

pytestmark = pytest.mark.own_stack

CANARIES = {
    # Without a prefix that the filter of the log would recognise; one looks like a real key.
    "openai": "sk-proj-OaiCanary4c1f8a77d0e24b6f",
    "anthropic": "AntCanary91b3e65c02fd4a8eWq2x",
    "deepseek": "DskCanary5d7702aa9c3e41fbZt8k",
    "openai-compatible": "CmpCanary3ee81f06b7d94c25Rm6v",
    "browser form": "FrmCanaryb04c9d27e1a85f63Hn1c",
    "admin form": "AdmCanary68f2d0b13c7ae954Yk9d",
    "second key": "SecCanary2a96e4f87b01cd35Lp4s",
    "further key": "FurCanary4d08b7e1c93f62a5Jm6t",
    "further header": "HdrCanary95e2a1d7f408cb63Qz9r",
    "wrong key": "WrgCanary7f15c8e390ad62b4Xe7j",
    "echoed by the provider": "EchCanaryd83b07a2f46e9c51Uv3g",
    "in a refused form": "RefCanary1c60f9b5d27e384aGb5w",
}
CONTROL = "CtlMarker40e7b92c5fd8136aNs2z"  # an ordinary word of the day: the search has to find it
PAGES = (
    "/",
    "/admin/providers/provider/registry/",
    "/providers/",
    "/providers/new/",
    "/agents/",
    "/agents/new/",
    "/settings/",
    "/settings/security/",
    "/settings/sessions/",
    "/settings/usage/",
    "/settings/webhooks/",
    "/admin/providers/webhookendpoint/",
    "/healthz/ready",
    "/metrics",
)
LISTS = ("me", "tokens", "providers", "models", "registry", "agents", "conversations", "usage", "webhooks", "budgets")
COMMANDS = (("dumpdata", "--all"), ("doctor",), ("registry",), ("refresh_models",))
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A running Wiz that logs as much as it can."""
    with chosen_services() as services, stacks() as start:
        yield start(
            WIZ_ADMIN_EMAIL=ADMIN_EMAIL, WIZ_ADMIN_PASSWORD=ADMIN_PASSWORD, WIZ_LOG_LEVEL="DEBUG", services=services
        )


class Echo(BaseHTTPRequestHandler):
    """A provider that refuses every key and repeats it in all that it says."""

    def do_POST(self) -> None:
        given = self.headers.get("Authorization", "")
        message = f"Incorrect API key provided: {given}."
        body = json.dumps({"error": {"message": message, "type": given, "code": given}}).encode()
        self.send_response(401)
        for name, value in {"Content-Type": "application/json", "x-request-id": given}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the name that the base class calls

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def provider_server() -> Iterator[str]:
    with running_practice() as address:
        yield address


@pytest.fixture(scope="module")
def strict_server() -> Iterator[str]:
    with running_practice("the-only-right-key") as address:
        yield address


@dataclass
class Day:
    """What happened: every answer of the server is kept."""

    stack: Stack
    caller: Caller
    browser: httpx2.Client
    surfaces: dict[str, bytes] = field(default_factory=dict)
    app_secret: str = ""

    def keep(self, response: httpx2.Response) -> None:
        """Remember an answer as it came, headers and all."""
        name = f"{response.request.method} {response.request.url.path} ({len(self.surfaces)})"
        self.surfaces[name] = repr(response.headers.multi_items()).encode() + response.read()

    def submit(self, path: str, **fields: str) -> httpx2.Response:
        """Post a form as a browser does."""
        page = self.browser.get(path)
        token = CSRF.search(page.text)
        assert token, page.text
        body = {"csrfmiddlewaretoken": token[1], **fields}
        return self.browser.post(path, data=body, headers={"Referer": f"{self.stack.base_url}{path}"})

    def talk(self, provider: str, name: str, server_says: str) -> dict[str, Any]:
        """An agent's conversation, with a second answer; the kept events are part of the day."""
        agent = self.caller.add_agent(name=name, provider=provider, model="practice-fast")
        sent = self.caller.say(agent, f"echo: {CONTROL}")
        assert self.caller.read(sent)[1]["status"] == server_says
        again = self.caller.post(f"messages/{sent['reply']['id']}/regenerate/")
        assert self.caller.read(again)[1]["status"] == server_says
        return sent


@pytest.fixture(scope="module")
def day(stack: Stack, provider_server: str, strict_server: str, echo: str) -> Iterator[Day]:
    """A whole day, lived once."""
    with (
        Caller.of(stack, ADMIN_EMAIL) as caller,
        httpx2.Client(base_url=stack.base_url, trust_env=False, timeout=60, follow_redirects=True) as browser,
    ):
        today = Day(stack, caller, browser)
        caller.http.event_hooks["response"].append(today.keep)
        browser.event_hooks["response"].append(today.keep)
        today.submit("/accounts/login/", login=ADMIN_EMAIL, password=ADMIN_PASSWORD)
        use_every_kind(today, provider_server)
        use_the_forms(today, provider_server)
        fail(today, strict_server, echo)
        use_a_second_factor(today)
        look_everywhere(today)
        yield today


def use_every_kind(day: Day, server: str) -> None:
    for kind in ("openai", "anthropic", "deepseek", "openai-compatible"):
        base_url = server if kind == "anthropic" else f"{server}/v1"
        provider = day.caller.add_provider(name=f"Day {kind}", kind=kind, base_url=base_url, api_key=CANARIES[kind])
        assert day.caller.post(f"providers/{provider}/test/", {"model": "practice-fast"})["ok"] is True
        day.caller.post(f"providers/{provider}/models/refresh/")
        sent = day.talk(provider, f"Day {kind}", "completed")
        for path in (f"/c/{sent['conversation']}/", f"/providers/{provider}/"):
            assert day.browser.get(path).status_code == 200
    use_more_secrets(day, server)
    changed = day.caller.get("providers/")["results"][0]["id"]
    change = {"api_key": CANARIES["second key"], "name": CONTROL}
    assert day.caller.http.patch(f"/api/v1/providers/{changed}/", json=change).is_success
    assert day.caller.post(f"providers/{changed}/test/", {"model": "practice-fast"})["ok"] is True


def use_more_secrets(day: Day, server: str) -> None:
    """A further key that gets nearly all calls, and a header of one's own, over the API and on the page."""
    url, key = f"{server}/v1", CANARIES["further key"]
    provider = day.caller.add_provider(name="Day of keys", kind="openai-compatible", base_url=url, api_key="plain-key")
    headers = {"X-Secret": CANARIES["further header"]}
    assert day.caller.http.patch(f"/api/v1/providers/{provider}/", json={"headers": headers}).is_success
    day.caller.post(f"providers/{provider}/keys/", {"api_key": key, "label": CONTROL, "weight": 100})
    for _ in range(6):
        assert day.caller.post(f"providers/{provider}/test/", {"model": "practice-fast"})["ok"] is True
    form = {"kind": "openai-compatible", "name": "Day of keys", "base_url": url, "is_active": "on"}
    lines = f"X-Secret: {CANARIES['further header']}"
    assert day.submit(f"/providers/{provider}/", **form, headers=lines).status_code == 200
    assert day.submit(f"/providers/{provider}/", **form, headers=f"{lines} no\x00").status_code == 422
    refused = {"further-api_key": f"{key} x", "further-weight": "1"}
    page = day.browser.get(f"/providers/{provider}/")
    token = CSRF.search(page.text)
    assert token
    data = {"csrfmiddlewaretoken": token[1], **refused}
    assert day.browser.post(f"/providers/{provider}/keys/", data=data).status_code == 422


def use_the_forms(day: Day, server: str) -> None:
    form = {"kind": "openai-compatible", "base_url": f"{server}/v1", "is_active": "on"}
    rows = {"further_keys-TOTAL_FORMS": "0", "further_keys-INITIAL_FORMS": "0"}
    owned = {**form, **rows, "owner": str(day.caller.get("me/")["id"])}
    add = "/admin/providers/provider/add/"
    day.submit("/providers/new/", **form, name="From the form", api_key=CANARIES["browser form"])
    day.submit(add, **owned, name="From the admin", new_key=CANARIES["admin form"])
    for name in ("From the form", "From the admin"):
        provider = next(row["id"] for row in day.caller.get("providers/")["results"] if row["name"] == name)
        assert day.submit(f"/providers/{provider}/", **form, name=name).status_code == 200
        assert day.caller.post(f"providers/{provider}/test/", {"model": "practice-fast"})["ok"] is True
    refused = CANARIES["in a refused form"]
    assert day.submit("/providers/new/", **{**form, "kind": ""}, name="", api_key=refused).status_code == 422
    assert "This field is required" in day.submit(add, **owned, name="", new_key=refused).text
    assert day.browser.post("/providers/new/", data={**form, "api_key": refused}).status_code == 403
    send_nonsense(day, refused)


def use_a_second_factor(day: Day) -> None:
    """In a browser whose pages are not kept: one of them has to show the secret."""
    with httpx2.Client(base_url=day.stack.base_url, trust_env=False, timeout=60, follow_redirects=True) as browser:
        private = Day(day.stack, day.caller, browser)
        private.submit("/accounts/login/", login=ADMIN_EMAIL, password=ADMIN_PASSWORD)
        private.submit("/accounts/reauthenticate/", password=ADMIN_PASSWORD)
        activate = "/accounts/2fa/totp/activate/"
        shown = re.search(r'id="totp-secret">([A-Z2-7]+)<', browser.get(activate).text)
        assert shown
        day.surfaces["sessions while the app is set up"] = b"".join(
            content for name, content in stored(day.stack).items() if name.startswith("table django_session")
        )
        token = CSRF.search(browser.get("/settings/").text)
        assert token
        body = {"csrfmiddlewaretoken": token[1], "code": app_code(shown[1])}
        done = browser.post(activate, data=body, headers={"Referer": f"{day.stack.base_url}{activate}"})
        assert "recovery-codes" in str(done.url), done.text
        day.app_secret = shown[1]


def send_nonsense(day: Day, key: str) -> None:
    """A key of a wrong type, one that is too long, beside an unknown field, for a wrong address, in broken JSON."""
    fields = {"name": "x", "kind": "openai"}
    bodies = [
        json.dumps({**fields, **wrong})
        for wrong in ({"api_key": [key]}, {"api_key": key * 200}, {"api_key": key, "x": 1}, {"api_key": {key: key}})
    ]
    bodies += [json.dumps({**fields, "api_key": key, "base_url": "ftp://x"}), f'{{"api_key": "{key}", ']
    for body in bodies:
        answer = day.caller.http.post(
            "/api/v1/providers/", content=body.encode(), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, answer.text


def fail(day: Day, strict_server: str, echo: str) -> None:
    for address, key in ((strict_server, "wrong key"), (echo, "echoed by the provider")):
        for kind in ("openai-compatible", "anthropic"):
            base_url = address if kind == "anthropic" else f"{address}/v1"
            name = f"{key}, {kind}"
            provider = day.caller.add_provider(name=name, kind=kind, base_url=base_url, api_key=CANARIES[key])
            assert day.caller.post(f"providers/{provider}/test/", {"model": "practice-fast"})["code"] == "auth_failed"
            day.caller.post(f"providers/{provider}/models/refresh/")
            day.talk(provider, name, "failed")
            day.browser.get(f"/providers/{provider}/")


def look_everywhere(day: Day) -> None:
    for path in PAGES:
        day.browser.get(path)
    for path in LISTS:
        day.caller.http.get(f"/api/v1/{path}/")
    for path in ("/api/schema/", "/api/docs/", "/nothing/", "/api/v1/nothing/", "/v1/models"):
        day.caller.http.get(path)
    for row in day.caller.get("conversations/")["results"]:
        for shape in ("json", "markdown"):
            day.caller.http.get(f"/api/v1/conversations/{row['id']}/export/", params={"as": shape})
    index = day.browser.get("/admin/").text
    for path in sorted(set(re.findall(r'href="(/admin/\w+/\w+/)"', index))):
        page = day.browser.get(path).text
        for row in sorted(set(re.findall(rf'"({path}[^"/?]+/change/)', page)))[:3]:
            day.browser.get(row)
            day.browser.get(row.replace("/change/", "/history/"))
            day.browser.get(row.replace("/change/", "/delete/"))


@pytest.fixture(scope="module")
def surfaces(day: Day) -> dict[str, bytes]:
    """Every place where a key could have been left, by name."""
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda command: day.stack.manage(*command), COMMANDS))
    told = [(result.stdout + result.stderr).encode() for result in results]
    commands = {f"manage.py {words[0]}": text for words, text in zip(COMMANDS, told, strict=True)}
    return {**day.surfaces, **commands, **stored(day.stack), **unpacked_backup(day.stack)}


@pytest.mark.parametrize("origin", CANARIES)
def test_a_key_is_found_nowhere_after_a_whole_day(surfaces: dict[str, bytes], origin: str) -> None:
    """S17."""
    assert places_of(CANARIES[origin], surfaces) == []


def test_the_secret_of_an_authenticator_app_is_found_nowhere(day: Day, surfaces: dict[str, bytes]) -> None:
    """S17."""
    assert day.app_secret
    assert places_of(day.app_secret, surfaces) == []
    assert surfaces["sessions while the app is set up"]


def test_the_keys_of_the_day_were_really_used(day: Day, provider_server: str) -> None:
    log = httpx2.get(f"{provider_server}/log", trust_env=False).text
    unused = {"wrong key", "echoed by the provider", "in a refused form"}
    assert {origin for origin, key in CANARIES.items() if key not in log} == unused


@pytest.mark.parametrize(
    "place",
    [
        "GET /api/v1/providers/", "GET /admin/providers/provider/", "GET /c/", "GET /api/v1/generations/", "table ",
        "manage.py dumpdata", "manage.py registry", "Valkey b'wiz:",
    ],
)  # fmt: skip
def test_what_is_no_secret_is_found_in_every_kind_of_place(surfaces: dict[str, bytes], place: str) -> None:
    """So that a search that looks nowhere does not pass."""
    assert any(name.startswith(place) for name in places_of(CONTROL, surfaces)), sorted(surfaces)


def test_the_logs_of_the_day_are_searched_at_the_level_of_debugging(surfaces: dict[str, bytes]) -> None:
    logs = {name: content for name, content in surfaces.items() if name.startswith("file logs/")}
    assert {"file logs/web.log", "file logs/worker1.log", "file logs/worker2.log"} <= set(logs)
    assert any(b" DEBUG " in content for content in logs.values())


@pytest.mark.parametrize("shift", range(3))
def test_the_search_knows_a_secret_inside_of_base64(shift: int) -> None:
    secret = CANARIES["openai"]
    hidden = base64.b64encode(b"x" * shift + f"Bearer {secret} and more".encode())
    assert places_of(secret, {"plain": secret.encode(), "hidden": hidden, "none": b"x"}) == ["plain", "hidden"]
    assert all(forms(secret))
