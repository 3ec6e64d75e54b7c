"""Coming back: with any id, from any device, each reader ends with the stored text or is refused in words."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from websockets.exceptions import ConnectionClosed

from tests.chaos import Reading
from tests.sockets import logged_in, open_socket
from tests.stack import ADMIN_EMAIL, Stack
from tests.talking import Caller
from tests.wizsite.test_survival import read_socket

NONSENSE = ["-", "+", "$", "0", "1-", "1-2-3", "x" * 10_000, "1" * 30 + "-1", "\u0661-\u0662", "*", "0-0; DROP"]
FOREIGN = ["0-0", "1-1", "99999999999999-4", "999999999999999999-999999999999999999"]


@pytest.fixture(scope="module")
def caller(stack: Stack) -> Iterator[Caller]:
    with Caller.of(stack, ADMIN_EMAIL) as caller:
        yield caller


def test_an_id_that_is_none_is_refused_and_one_of_another_run_replays(stack: Stack, caller: Caller) -> None:
    """R19: over both doors, and the query string as well."""
    sent = caller.say(caller.agent_id("Guide"), "tokens=50")
    text, _ = caller.read(sent)
    other = caller.say(caller.agent_id("Guide"), "tokens=20")
    caller.read(other)
    path = f"/api/v1/generations/{sent['generation']['id']}/events/"
    for given in NONSENSE:
        answers = [caller.http.get(path, params={"after": given})]
        if given.isascii():
            answers.append(caller.http.get(path, headers={"Last-Event-ID": given}))
        for answer in answers:
            assert answer.status_code in {400, 431}, given
        if answers[0].status_code == 400:
            assert answers[0].json()["error"]["code"] == "invalid_request"
    ends = [event.id for event in caller.follow(other["generation"]["id"])]
    for given in [*FOREIGN, *ends]:
        reading = Reading()
        for event in caller.events(caller.http, sent["generation"]["id"], given):
            reading.take(event.type, event.id, event.data)
        assert reading.text in {text, ""}, "nothing of another run"
        assert reading.end or reading.text == ""


def test_nonsense_on_a_socket_closes_it_and_nothing_else(stack: Stack, caller: Caller) -> None:
    """R19."""
    sent = caller.say(caller.agent_id("Guide"), "tokens=20")
    caller.read(sent)
    with logged_in(stack) as http:
        for given in NONSENSE:
            with open_socket(stack, sent["conversation"], http) as socket:
                socket.send(json.dumps({"type": "follow", "after": given}))
                with pytest.raises(ConnectionClosed) as closed:
                    socket.recv(timeout=20)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code in {1007, 1008}, given


def test_two_tabs_and_a_second_device_see_every_version_to_its_end(stack: Stack, caller: Caller) -> None:
    """R20: all of them equal the stored branch after the first answer and after each of two others."""
    sent = caller.say(caller.agent_id("Guide"), "tokens=200")
    with logged_in(stack) as desk, logged_in(stack) as phone, ExitStack() as opened:
        tabs = [opened.enter_context(open_socket(stack, sent["conversation"], http)) for http in (desk, desk, phone)]
        for tab in tabs:
            tab.send(json.dumps({"type": "follow", "after": None}))
        run = sent
        for _ in range(3):
            readings = [read_socket(tab, Reading()) for tab in tabs]
            messages = caller.get(f"conversations/{sent['conversation']}/messages/")["results"]
            assert len(messages) == 2, "every answer is beside the first"
            assert messages[1]["id"] == run["reply"]["id"]
            assert {reading.text for reading in readings} == {messages[1]["content"]}
            assert messages[1]["generation"]["status"] == "completed"
            run = caller.post(f"messages/{messages[1]['id']}/regenerate/")
        caller.post(f"generations/{run['generation']['id']}/cancel/")
