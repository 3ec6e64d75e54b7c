"""Budgets in conversations: refused before it begins, answered by whom the budget does not count, never cut off."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from conversations.admission import check_budgets
from conversations.models import Generation, Message
from conversations.queueing import Sent
from conversations.services import start_conversation
from providers.budgets import memory
from providers.budgets.services import remove_budget, set_budget
from providers.errors import BudgetExceeded
from providers.models import Budget, Provider, UsageRecord
from tests.conversations.conftest import read, run_to_end, stored
from tests.factories import make_provider

Status = Generation.Status


@pytest.fixture
def shared(practice_url: str, transactional_db: None) -> Provider:
    return make_provider(None, name="Shared", base_url=practice_url)


@pytest.fixture
def budget(person: User) -> Budget:
    return set_budget(kind="person", person=person, tokens_per_day=1)


def use_up(person: User) -> None:
    UsageRecord.objects.create(user=person, provider_name="Shared", model="m", input_tokens=1, is_shared=True)
    memory.forget()


def ask_shared(agent: Agent, shared: Provider, **changes: object) -> None:
    Agent.objects.filter(pk=agent.pk).update(provider=shared, **changes)
    agent.refresh_from_db()


def test_an_answer_that_has_begun_is_whole_and_the_next_is_refused(
    say: Callable[..., Sent], agent: Agent, shared: Provider, budget: Budget
) -> None:
    ask_shared(agent, shared)
    sent = say("Hello")
    assert run_to_end(sent.generation).status == Status.COMPLETED
    assert len(stored(sent).content) > 4
    before = Message.objects.count()
    with pytest.raises(BudgetExceeded) as caught:
        say("And again")
    assert caught.value.retry_after
    assert Message.objects.count() == before
    remove_budget(budget=budget)
    assert run_to_end(say("And now").generation).status == Status.COMPLETED


def test_a_model_that_answers_alone_is_refused_before_anything_is_stored(
    shared: Provider, person: User, budget: Budget
) -> None:
    use_up(person)
    conversation = start_conversation(user=person, agent=None, provider=shared, model="practice-fast")
    api = APIClient()
    api.force_authenticate(person)
    answer = api.post(f"/api/v1/conversations/{conversation.pk}/messages/", {"content": "Hello"}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "budget_exceeded")
    assert int(answer["Retry-After"]) > 0
    assert not Message.objects.exists()


def test_one_s_own_provider_goes_on(say: Callable[..., Sent], person: User, budget: Budget) -> None:
    use_up(person)
    assert run_to_end(say("Hello").generation).status == Status.COMPLETED


def test_what_was_queued_before_the_end_is_refused_when_its_turn_comes(
    say: Callable[..., Sent], agent: Agent, shared: Provider, person: User, budget: Budget
) -> None:
    ask_shared(agent, shared)
    sent = say("Hello")
    use_up(person)
    generation = run_to_end(sent.generation)
    assert generation.status == Status.FAILED
    assert generation.error is not None
    assert (generation.error["code"], generation.attempt) == ("budget_exceeded", 1)


def test_a_fallback_that_the_budget_does_not_count_answers(
    say: Callable[..., Sent], agent: Agent, shared: Provider, provider: Provider, person: User
) -> None:
    set_budget(kind="person", person=person, tokens_per_day=1)
    own = {"provider": str(provider.pk), "model": "practice-fast"}
    ask_shared(agent, shared, fallbacks=[own])
    use_up(person)
    sent = say("Hello")
    generation = run_to_end(sent.generation)
    assert generation.status == Status.COMPLETED
    assert [(hop["provider"], hop["code"]) for hop in generation.hops] == [("Shared", "budget_exceeded")]
    assert generation.provider_name == provider.name
    (notice,) = read(sent.generation).notices
    assert notice.endswith(f"Trying practice-fast at {provider.name} instead."), "of an attempt that asked nobody"


def test_the_look_at_a_known_budget_adds_no_query_to_a_send(
    agent: Agent, person: User, budget: Budget, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    check_budgets(agent, person)
    with django_assert_num_queries(0):
        check_budgets(agent, person)
