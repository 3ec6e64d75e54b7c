"""One person with many questions neither floods the workers nor keeps the others waiting."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from pytest_django import Settings
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from conversations.claim import claim_generation, claim_next
from conversations.database import in_thread
from conversations.execution import execute_generation
from conversations.models import Conversation, Generation, Message, SendKey
from conversations.queueing import Sent
from conversations.services import request_stop, send_message, start_conversation
from conversations.tasks import run_generation
from providers import engine
from tests.conversations.conftest import Calls, run_to_end
from tests.conversations.sockets import open_socket
from tests.conversations.test_engine import Say
from tests.factories import make_agent, make_provider, make_user

Queue = Callable[[User], Sent]


@pytest.fixture
def bob(person: User) -> User:
    return make_user("bob@example.org")


@pytest.fixture
def queue(say: Say, person: User, bob: User, agent: Agent) -> Queue:
    """Queue a question of a person, in a conversation of its own."""
    shared = make_agent(None, make_provider(None, base_url=agent.provider.base_url), model="practice-fast")  # type: ignore[union-attr]

    def queue(user: User) -> Sent:
        conversation = start_conversation(user=user, agent=shared)
        return send_message(user=user, conversation=conversation, content=f"question {Message.objects.count()}")

    return queue


def owners_in_turn(count: int) -> list[str]:
    """Let a worker with one slot take and finish so many runs."""
    owners = []
    for _ in range(count):
        claim = claim_next()
        assert claim is not None
        Generation.objects.filter(pk=claim.generation_id).update(status="completed")
        owners.append(Conversation.objects.get(pk=claim.conversation_id).owner.email)
        time.sleep(0.002)  # SQLite's clock counts milliseconds
    return owners


def test_a_worker_with_one_slot_serves_people_in_turn(queue: Queue, person: User, bob: User) -> None:
    for _ in range(6):
        queue(person)
    queue(bob)
    owners = owners_in_turn(7)
    assert "bob@example.org" in owners[:2]
    assert claim_next() is None


def test_whoever_has_fewest_running_comes_next(queue: Queue, person: User, bob: User) -> None:
    for _ in range(2):
        claim_generation(queue(bob).generation.pk)
    claim_generation(queue(person).generation.pk)
    waiting = queue(bob)
    later = queue(person)
    claim = claim_next()
    assert claim is not None
    assert claim.generation_id == later.generation.pk
    assert Generation.objects.get(pk=waiting.generation.pk).status == "queued"


def test_a_task_runs_what_is_next_whatever_it_names(queue: Queue, person: User, bob: User, calls: Calls) -> None:
    first, second = queue(person), queue(bob)
    run_generation(str(second.generation.pk))
    assert Generation.objects.get(pk=first.generation.pk).status == "completed"
    assert Generation.objects.get(pk=second.generation.pk).status == "queued"
    run_generation(str(second.generation.pk))
    run_generation(str(second.generation.pk))
    assert Generation.objects.get(pk=second.generation.pk).status == "completed"
    assert len(calls.models) == 2, "the third delivery found nothing"


def test_the_same_task_three_times_in_parallel_calls_the_provider_once(say: Say, calls: Calls) -> None:
    """R4."""
    sent = say("delivered three times")
    in_parallel(lambda: run_generation(str(sent.generation.pk)), 3)
    assert len(calls.models) == 1
    assert Generation.objects.get(pk=sent.generation.pk).attempt == 1


def test_two_workers_that_claim_at_once_get_different_runs(queue: Queue, person: User, bob: User) -> None:
    wanted = {queue(user).generation.pk for user in (person, bob) for _ in range(4)}
    taken = in_parallel(claim_next, 12)
    claimed = [claim.generation_id for claim in taken if claim is not None]
    assert len(claimed) == len(set(claimed))
    rest = 0
    while claim_next() is not None:
        rest += 1
    assert len(claimed) + rest == len(wanted)
    assert claimed, "somebody got something"


def in_parallel(function: Callable[[], Any], count: int) -> list[Any]:
    def call() -> Any:
        try:
            return function()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return [future.result(60) for future in [pool.submit(call) for _ in range(count)]]


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def test_parallel_sends_never_exceed_the_limit_of_a_person(
    say: Say, person: User, agent: Agent, settings: Settings
) -> None:
    """S36."""
    settings.USER_RUNS = 3
    conversations = [start_conversation(user=person, agent=agent) for _ in range(12)]
    waiting = iter(conversations)
    clients = iter([client_of(person) for _ in conversations])

    def send() -> Any:
        address = f"/api/v1/conversations/{next(waiting).pk}/messages/"
        return next(clients).post(address, {"content": "me too"}, format="json")

    answers = in_parallel(send, 12)
    codes = [answer.status_code for answer in answers]
    assert sorted(codes) == [202] * 3 + [429] * 9
    refusal = next(answer for answer in answers if answer.status_code == 429)
    assert int(refusal.headers["Retry-After"]) > 0
    assert refusal.json()["error"]["code"] == "too_many_runs"
    assert refusal.json()["error"]["message"].startswith("You have 3 answers under way")
    assert Message.objects.count() == 6, "a refused send leaves nothing behind"


def test_a_person_at_the_limit_does_not_stand_in_anothers_way(
    queue: Queue, person: User, bob: User, settings: Settings
) -> None:
    settings.USER_RUNS = 1
    first = queue(person)
    queue(bob)
    request_stop(generation=first.generation)
    queue(person)


def test_the_page_says_beside_the_composer_why_it_was_refused(
    say: Say, person: User, agent: Agent, settings: Settings
) -> None:
    settings.USER_RUNS = 1
    say("the only one")
    conversation = start_conversation(user=person, agent=agent)
    page = client_of(person).post(f"/c/{conversation.pk}/messages/", {"content": "one more"}, format="multipart")
    assert page.status_code == 429
    assert "You have 1 answer under way" in page.content.decode()
    assert "one more" in page.content.decode(), "what was typed is kept"


def test_twenty_parallel_sends_with_one_key_are_one_message(say: Say, person: User, agent: Agent) -> None:
    """R16."""
    conversation = start_conversation(user=person, agent=agent)
    clients = iter([client_of(person) for _ in range(20)])

    def send() -> Any:
        address = f"/api/v1/conversations/{conversation.pk}/messages/"
        body, headers = {"content": "once"}, {"Idempotency-Key": "the same"}
        return next(clients).post(address, body, format="json", headers=headers)

    answers = in_parallel(send, 20)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["reply"]["id"] for answer in answers}) == 1
    assert (Message.objects.count(), Generation.objects.count(), SendKey.objects.count()) == (2, 1, 1)


def test_the_place_in_the_queue_is_told(queue: Queue, person: User, bob: User) -> None:
    mine = [queue(person) for _ in range(3)]
    theirs = queue(bob)

    def place(sent: Sent, user: User) -> Any:
        return client_of(user).get(f"/api/v1/generations/{sent.generation.pk}/").json()["queue_position"]

    assert [place(sent, person) for sent in mine] == [0, 2, 3]
    assert place(theirs, bob) == 1
    claim_next()
    assert place(mine[0], person) is None
    assert place(theirs, bob) == 0


def test_a_run_that_waits_for_its_retry_has_no_place_but_a_time(say: Say, person: User) -> None:
    sent = say("no place while waiting", model="practice-429")
    execute_generation(sent.generation.pk)
    body = client_of(person).get(f"/api/v1/generations/{sent.generation.pk}/").json()
    assert (body["status"], body["queue_position"]) == ("queued", None)
    assert body["next_attempt_at"] > body["timings"]["started_at"]


def test_a_socket_tells_the_place_when_it_changes(queue: Queue, person: User, bob: User) -> None:
    first, mine = queue(bob), queue(person)

    async def places() -> list[int]:
        async with open_socket(mine.message.conversation) as socket:
            await socket.follow()
            seen = [(await socket.next("queue"))["position"]]
            await in_thread(claim_generation, first.generation.pk)
            return [*seen, (await socket.next("queue"))["position"]]

    assert engine.run(places(), timeout=60) == [1, 0]
    assert run_to_end(mine.generation).status == "completed"
