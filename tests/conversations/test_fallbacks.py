"""When the agent's own model fails before it has said anything, the next one is asked, and everybody can see why."""

import pytest

from accounts.models import User
from agents.models import Agent
from conversations.claim import claim_generation
from conversations.execution import execute_generation
from conversations.forms import ready_agents
from conversations.models import Generation
from conversations.reaper import reap
from conversations.services import request_stop
from providers.errors import ProviderInactive
from providers.models import Provider, UsageRecord
from tests.conversations.conftest import Calls, die, read, run_to_end, stored
from tests.conversations.test_engine import Say
from tests.factories import make_provider, make_user


@pytest.fixture
def backup(person: User, practice_url: str) -> Provider:
    return make_provider(person, name="Backup", base_url=practice_url)


def fall_back(agent: Agent, *hops: tuple[Provider, str]) -> None:
    fallbacks = [{"provider": str(provider.pk), "model": model} for provider, model in hops]
    Agent.objects.filter(pk=agent.pk).update(fallbacks=fallbacks)


def test_an_overloaded_provider_is_tried_twice_and_then_the_fallback_answers(
    say: Say, agent: Agent, backup: Provider, calls: Calls
) -> None:
    fall_back(agent, (backup, "practice-fast"))
    sent = say("fallback please", model="practice-529")
    generation = run_to_end(sent.generation)
    assert calls.models == ["practice-529", "practice-529", "practice-fast"]
    reading = read(sent.generation)
    assert reading.end["status"] == "completed"
    assert stored(sent).content == reading.text
    assert reading.reasons == ["", "overloaded", "overloaded"]
    assert reading.notices[-1].endswith("is overloaded (529). Trying practice-fast at Backup instead.")
    assert (generation.hop, generation.provider_name, generation.model) == (1, "Backup", "practice-fast")
    assert [(hop["provider"], hop["model"], hop["code"]) for hop in generation.hops] == [
        (agent.provider.name, "practice-529", "overloaded")  # type: ignore[union-attr]
    ]


def test_usage_is_booked_on_who_answered(say: Say, agent: Agent, backup: Provider) -> None:
    fall_back(agent, (backup, "practice-fast"))
    sent = say("book it right", model="practice-401")
    run_to_end(sent.generation)
    record = UsageRecord.objects.get(generation_id=sent.generation.pk)
    assert (record.provider, record.provider_name, record.model) == (backup, "Backup", "practice-fast")


def test_a_refused_key_is_not_tried_again_before_the_fallback(
    say: Say, agent: Agent, backup: Provider, calls: Calls
) -> None:
    fall_back(agent, (backup, "practice-fast"))
    sent = say("no second try", model="practice-401")
    settlement = execute_generation(sent.generation.pk)
    assert settlement is not None
    assert settlement.retry_in == 0
    assert run_to_end(sent.generation).status == "completed"
    assert calls.models == ["practice-401", "practice-fast"]


def test_without_a_fallback_a_provider_is_tried_three_times(say: Say, calls: Calls) -> None:
    sent = say("three times", model="practice-503")
    assert run_to_end(sent.generation).status == "failed"
    assert calls.models == ["practice-503"] * 3


def test_once_there_is_text_nobody_else_is_asked(say: Say, agent: Agent, backup: Provider, calls: Calls) -> None:
    """P12."""
    fall_back(agent, (backup, "practice-fast"))
    sent = say("cut me off", model="practice-cut")
    generation = run_to_end(sent.generation)
    assert (generation.status, generation.hops) == ("failed", [])
    assert stored(sent).content
    assert calls.models == ["practice-cut"]


def test_fallbacks_that_cannot_be_asked_are_passed_over_and_recorded(
    say: Say, agent: Agent, backup: Provider, calls: Calls
) -> None:
    asleep = make_provider(agent.owner, name="Asleep", base_url=backup.base_url, is_active=False)
    foreign = make_provider(make_user("eve@example.org"), name="Foreign", base_url=backup.base_url)
    fall_back(agent, (asleep, "practice-fast"), (foreign, "practice-fast"), (backup, "practice-fast"))
    sent = say("pass over", model="practice-404")
    generation = run_to_end(sent.generation)
    assert generation.status == "completed"
    assert [hop["code"] for hop in generation.hops] == ["model_not_found", "provider_inactive", "provider_not_found"]
    assert generation.hops[1]["provider"] == "Asleep"
    assert generation.hops[1]["message"] == "Asleep is switched off."
    assert calls.models == ["practice-404", "practice-fast"]


def test_a_chain_that_fails_to_its_end_is_bounded_and_ends_with_the_last_error(
    say: Say, agent: Agent, backup: Provider, calls: Calls
) -> None:
    fall_back(agent, (backup, "practice-503"), (backup, "practice-401"))
    sent = say("all fail", model="practice-500")
    generation = run_to_end(sent.generation)
    assert generation.status == "failed"
    assert generation.error is not None
    assert generation.error["code"] == "auth_failed"
    assert calls.models == ["practice-500"] * 2 + ["practice-503"] * 2 + ["practice-401"]
    assert len(generation.hops) == 2


def test_an_agent_whose_provider_is_gone_falls_back(say: Say, agent: Agent, backup: Provider) -> None:
    fall_back(agent, (backup, "practice-fast"))
    sent = say("gone")
    Agent.objects.update(provider=None)
    generation = run_to_end(sent.generation)
    assert generation.status == "completed"
    assert [hop["code"] for hop in generation.hops] == ["provider_not_found"]


def test_attempts_that_die_are_bounded_on_a_fallback_too(say: Say, agent: Agent, backup: Provider) -> None:
    """R28."""
    fall_back(agent, (backup, "practice-fast"))
    sent = say("die on the fallback", model="practice-401")
    execute_generation(sent.generation.pk)
    for _ in range(2):
        die(sent.generation)
        reap()
    generation = Generation.objects.get(pk=sent.generation.pk)
    assert (generation.status, generation.attempt, generation.hop) == ("interrupted", 3, 1)
    assert claim_generation(sent.generation.pk) is None


def test_a_stop_before_the_next_hop_ends_the_run_and_nobody_is_called(
    say: Say, agent: Agent, backup: Provider, calls: Calls
) -> None:
    fall_back(agent, (backup, "practice-fast"))
    sent = say("stop before the hop", model="practice-401")
    execute_generation(sent.generation.pk)
    request_stop(generation=sent.generation)
    assert run_to_end(sent.generation).status == "cancelled"
    assert calls.models == ["practice-401"]


def test_a_send_is_taken_when_only_a_fallback_can_be_asked(
    say: Say, person: User, agent: Agent, backup: Provider, calls: Calls
) -> None:
    """The page offers such an agent, and the reader sees why somebody else has answered."""
    assert agent.provider is not None
    Provider.objects.filter(pk=agent.provider.pk).update(is_active=False)
    agent.refresh_from_db()
    with pytest.raises(ProviderInactive):
        say("nobody is there")
    assert not ready_agents(person).exists()
    fall_back(agent, (backup, "practice-fast"))
    agent.refresh_from_db()
    assert list(ready_agents(person)) == [agent]
    sent = say("somebody else, please")
    generation = run_to_end(sent.generation)
    assert (generation.status, calls.models) == ("completed", ["practice-fast"])
    assert [(hop["model"], hop["code"]) for hop in generation.receipt["hops"]] == [
        ("practice-fast", "provider_inactive")
    ]
    assert read(generation).text == stored(sent).content
    Provider.objects.filter(pk=backup.pk).update(is_active=False)
    with pytest.raises(ProviderInactive, match=agent.provider.name):
        say("and now nobody again")
