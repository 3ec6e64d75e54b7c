"""A running Wiz tells programs what happens, and stops at its budgets at every door."""

import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import openai
import pytest

from tests.agents.gateway import anthropic_client, openai_client
from tests.live import LIMIT
from tests.receiver import Receiver, receiving
from tests.stack import ADMIN_EMAIL, ADMIN_PASSWORD, Stack, wait_for

pytestmark = pytest.mark.own_stack

GUIDE = "agent/guide"
CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    made = stack.manage("create_token", ADMIN_EMAIL)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.fixture(scope="module")
def api(stack: Stack, token: str) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx2.Client(base_url=f"{stack.base_url}/api/v1/", headers=headers, trust_env=False, timeout=LIMIT) as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def endpoint(api: httpx2.Client, receiver: Receiver) -> Iterator[dict[str, Any]]:
    made = api.post("webhooks/", json={"url": receiver.url})
    assert made.status_code == 201, made.text
    yield made.json()
    api.delete(f"webhooks/{made.json()['id']}/")


def agent_of(api: httpx2.Client) -> str:
    return str(api.get("agents/").json()["results"][0]["id"])


def say(api: httpx2.Client, content: str) -> httpx2.Response:
    conversation = api.post("conversations/", json={"agent": agent_of(api)}).json()["id"]
    return api.post(f"conversations/{conversation}/messages/?wait=true", json={"content": content})


def status_of(api: httpx2.Client, endpoint: dict[str, Any]) -> list[tuple[str, int]]:
    rows = api.get(f"webhooks/{endpoint['id']}/deliveries/").json()["results"]
    return [(row["status"], row["attempts"]) for row in rows]


def is_put_off(api: httpx2.Client, endpoint: dict[str, Any]) -> bool:
    """Whether the only delivery waits for minutes; one that is under way waits for nothing."""
    (row,) = api.get(f"webhooks/{endpoint['id']}/deliveries/").json()["results"]
    due = row["next_attempt_at"]
    return due is not None and datetime.fromisoformat(due) > datetime.now(UTC) + timedelta(minutes=1)


def test_an_answer_s_end_is_delivered_with_a_valid_signature(
    api: httpx2.Client, endpoint: dict[str, Any], receiver: Receiver
) -> None:
    sent = say(api, "echo: hello").json()
    wait_for(lambda: receiver.messages, 30, "the message")
    content = receiver.messages[0].verify(endpoint["secret"])
    assert (content["type"], content["data"]["generation"]) == ("generation.finished", sent["generation"]["id"])
    rows = api.get(f"conversations/{content['data']['conversation']}/messages/").json()["results"]
    assert rows[-1]["id"] == content["data"]["message"]
    assert rows[-1]["content"] == "hello"
    wait_for(lambda: status_of(api, endpoint) == [("delivered", 1)], 30, "the entry in the log")


def test_a_receiver_that_fails_twice_gets_it_in_the_end(
    api: httpx2.Client, endpoint: dict[str, Any], receiver: Receiver
) -> None:
    """The second attempt comes by itself after five seconds, the third by "deliver again": five minutes are long."""
    receiver.answers = [500, 500, 200]
    row = api.post(f"webhooks/{endpoint['id']}/test/").json()
    wait_for(lambda: is_put_off(api, endpoint), 30, "the end of the second attempt")
    assert status_of(api, endpoint) == [("pending", 2)]
    again = api.post(f"webhooks/{endpoint['id']}/deliveries/{row['id']}/retry/")
    assert again.status_code == 202
    wait_for(lambda: status_of(api, endpoint) == [("delivered", 1)], 30, "the delivery")
    assert len({message.id for message in receiver.messages}) == 1
    for message in receiver.messages:
        message.verify(endpoint["secret"])


def test_a_dead_receiver_keeps_no_answer_waiting(
    api: httpx2.Client, endpoint: dict[str, Any], receiver: Receiver
) -> None:
    receiver.hold = threading.Event()
    say(api, "echo: first")
    wait_for(lambda: receiver.messages, 30, "the message that hangs")
    for _ in range(40):
        api.post(f"webhooks/{endpoint['id']}/test/")
    started = time.monotonic()
    assert say(api, "echo: second").json()["reply"]["content"] == "second"
    assert time.monotonic() - started < 5, "the workers wait for receivers"


def test_a_budget_that_is_used_up_closes_every_door(
    stack: Stack, api: httpx2.Client, token: str, endpoint: dict[str, Any], receiver: Receiver
) -> None:
    provider = api.get("providers/").json()["results"][0]["id"]
    question = {"provider": provider, "model": "practice-fast", "prompt": "echo: hello"}
    assert api.post("generate/text/", json=question).status_code == 200
    made = api.post("budgets/", json={"kind": "person", "person": ADMIN_EMAIL, "tokens_per_day": 1})
    assert made.status_code == 201, made.text
    try:
        wait_for(lambda: api.post("generate/text/", json=question).status_code == 429, 20, "the stop")
        conversation = api.post("conversations/", json={"agent": agent_of(api)}).json()["id"]
        schema = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
        doors = {
            "generate/text/": question,
            "generate/object/": {**question, "schema": schema},
            f"agents/{agent_of(api)}/generate/": {"message": "echo: hello"},
            f"conversations/{conversation}/messages/": {"content": "echo: hello"},
        }
        for path, body in doors.items():
            for form in (body, {**body, "stream": True}) if path == "generate/text/" else (body,):
                refusal = api.post(path, json=form)
                assert (refusal.status_code, refusal.json()["error"]["code"]) == (429, "budget_exceeded"), path
                assert 0 < int(refusal.headers["Retry-After"]) <= 24 * 3600
        _look_at_the_gateway(stack.base_url, token)
        _look_at_the_browser(stack.base_url)
        assert api.get("me/").json()["budgets"][0]["level"] == "exceeded"
        wait_for(lambda: "budget.exceeded" in receiver.events(), 60, "the news of the budget")
    finally:
        api.delete(f"budgets/{made.json()['id']}/")
    wait_for(lambda: api.post("generate/text/", json=question).status_code == 200, 20, "the opening")


def _look_at_the_gateway(site: str, token: str) -> None:
    with openai_client(site, token) as sdk:
        for is_streamed in (False, True):
            with pytest.raises(openai.RateLimitError) as caught:
                sdk.chat.completions.create(
                    model=GUIDE, messages=[{"role": "user", "content": "echo: hello"}], stream=is_streamed
                )
            assert caught.value.code == "budget_exceeded"
            assert int(caught.value.response.headers["retry-after"]) > 0
            assert caught.value.response.headers["x-should-retry"] == "false"
        assert sdk.models.list().data, "looking is not asking"
    with anthropic_client(site, api_key=token) as claude, pytest.raises(Exception, match="You have used your 1 token"):
        claude.messages.create(model=GUIDE, max_tokens=50, messages=[{"role": "user", "content": "echo: hello"}])


def _look_at_the_browser(site: str) -> None:
    with httpx2.Client(base_url=site, trust_env=False, timeout=LIMIT, follow_redirects=True) as browser:
        form = CSRF.search(browser.get("/accounts/login/").text)
        assert form
        browser.post(
            "/accounts/login/",
            data={"login": ADMIN_EMAIL, "password": ADMIN_PASSWORD, "csrfmiddlewaretoken": form[1]},
            headers={"Referer": site},
        )
        page = browser.get("/c/").text
        assert "You have used your 1 token for today." in page
        form = CSRF.search(page)
        assert form
        answer = browser.post("/c/", data={"content": "Hello", "csrfmiddlewaretoken": form[1]})
        assert answer.status_code == 422
        assert "begins anew at midnight UTC" in answer.text
