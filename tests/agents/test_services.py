"""Writes on agents, the request they become, and their answers."""

import uuid
from collections.abc import Iterator

import pytest
from django.core.exceptions import ValidationError

from agents import services
from agents.models import Agent
from providers.errors import ModelNotFound, ProviderNotFound
from providers.models import ProviderModel, UsageRecord
from providers.practice import running_practice
from providers.services import ensure_practice_provider
from providers.types import ChatMessage
from tests.factories import make_agent, make_provider, make_user

HELLO = (ChatMessage(role="user", content="Hello"),)


@pytest.fixture(scope="module")
def practice_url() -> Iterator[str]:
    with running_practice() as url:
        yield f"{url}/v1"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "a\x00b"),
        ("name", "x" * 101),
        ("model", "a\nb"),
        ("model", "x" * 201),
        ("description", "x" * 301),
        ("system_prompt", "a\x00b"),
        ("system_prompt", "x" * 100_001),
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", float("nan")),
        ("top_p", 1.1),
        ("max_tokens", 0),
        ("max_tokens", 10_000_001),
        ("reasoning_effort", "heroic"),
        ("visibility", "world"),
        ("starters", ["x"] * 13),
        ("starters", [1]),
        ("fallbacks", [{"provider": "no-id", "model": "m"}]),
        ("fallbacks", [{"provider": str(uuid.uuid4()), "model": "m"}]),
        ("fallbacks", [{"provider": "x"}]),
    ],
)
def test_a_wrong_value_is_told_by_its_field(field: str, value: object) -> None:
    owner = make_user()
    with pytest.raises(ValidationError) as error:
        make_agent(owner, make_provider(owner), **{field: value})  # type: ignore[arg-type]
    assert set(error.value.message_dict) == {field}


@pytest.mark.django_db
def test_an_agent_uses_only_what_its_owner_sees() -> None:
    """S2."""
    owner, neighbour = make_user(), make_user("neighbour@example.org")
    theirs = make_provider(neighbour)
    with pytest.raises(ValidationError) as error:
        make_agent(owner, theirs)
    assert set(error.value.message_dict) == {"provider"}
    with pytest.raises(ValidationError) as error:
        make_agent(owner, make_provider(owner), fallbacks=[{"provider": str(theirs.pk), "model": "m"}])
    assert set(error.value.message_dict) == {"fallbacks"}
    with pytest.raises(ValidationError):
        make_agent(None, theirs)


@pytest.mark.django_db
def test_names_serve_once_per_owner_and_slugs_once_at_all() -> None:
    owner, neighbour, provider = make_user(), make_user("neighbour@example.org"), make_provider()
    first, second = make_agent(owner, provider, name="Same"), make_agent(neighbour, provider, name="Same")
    assert (first.slug, second.slug) == ("same", "same-2")
    with pytest.raises(ValidationError) as error:
        make_agent(owner, provider, name="Same")
    assert set(error.value.message_dict) == {"name"}


@pytest.mark.django_db
def test_a_change_leaves_the_other_fields() -> None:
    owner = make_user()
    agent = make_agent(owner, make_provider(owner), temperature=0.0, starters=["One", " "])
    changed = services.update_agent(agent=agent, name="Renamed")
    changed.refresh_from_db()
    assert (changed.name, changed.slug, changed.temperature, changed.starters) == ("Renamed", agent.slug, 0.0, ["One"])
    assert services.update_agent(agent=agent, temperature=None).temperature is None


@pytest.mark.django_db
def test_the_request_carries_the_parameters_and_zero_is_a_value() -> None:
    agent = make_agent(None, make_provider(), temperature=0.0, max_tokens=7, system_prompt="Be brief.")
    request, dropped = services.build_request(agent, HELLO)
    assert (request.temperature, request.max_tokens, request.top_p, dropped) == (0.0, 7, None, ())
    assert (request.system_prompt, request.messages) == ("Be brief.", HELLO)


@pytest.mark.django_db
def test_what_the_model_does_not_take_is_dropped_by_name() -> None:
    provider = make_provider()
    ProviderModel.objects.create(
        provider=provider, model_id="strict", capabilities={"sampling": False, "reasoning": False}
    )
    agent = make_agent(None, provider, model="strict", temperature=0.5, top_p=0.5, reasoning_effort="high")
    request, dropped = services.build_request(agent, HELLO)
    assert dropped == ("temperature", "top_p", "reasoning_effort")
    assert (request.temperature, request.top_p, request.reasoning_effort) == (None, None, None)


@pytest.mark.django_db
def test_the_guide_is_made_once_for_everyone() -> None:
    provider = ensure_practice_provider(base_url="http://127.0.0.1:8001/v1")
    guide = services.ensure_practice_agent(provider=provider)
    assert services.ensure_practice_agent(provider=provider) == guide
    assert guide in Agent.objects.visible_to(make_user())
    assert (guide.name, guide.model, len(guide.starters)) == ("Guide", "practice", 3)


@pytest.mark.django_db(transaction=True)
def test_an_agent_answers(practice_url: str) -> None:
    agent = make_agent(None, make_provider(base_url=practice_url), model="practice-fast")
    answer = services.generate_response(agent=agent, message="Hello", history=HELLO)
    assert answer.text
    assert services.test_agent(agent=agent).ok


@pytest.mark.django_db(transaction=True)
def test_an_agents_answer_uses_its_fallbacks_and_is_booked(practice_url: str) -> None:
    owner, asker = make_user(), make_user("asker@example.org")
    provider = make_provider(owner, base_url=practice_url)
    fallbacks: list[services.Fallback] = [{"provider": str(provider.pk), "model": "practice-fast"}]
    agent = make_agent(owner, provider, model="practice-401", fallbacks=fallbacks)
    for user in (None, asker):
        assert services.generate_response(agent=agent, message="Hello", user=user).text
    booked = UsageRecord.objects.order_by("created_at").values_list("user__email", "model", "agent_name")
    assert list(booked) == [(person.email, "practice-fast", agent.name) for person in (owner, asker)]


@pytest.mark.django_db(transaction=True)
def test_an_agent_without_provider_or_model_says_so() -> None:
    provider = make_provider()
    with pytest.raises(ModelNotFound):
        services.generate_response(agent=make_agent(None, provider, model=""), message="Hello")
    orphan = make_agent(None, None)
    with pytest.raises(ProviderNotFound):
        services.generate_response(agent=orphan, message="Hello")
    assert services.test_agent(agent=orphan).code == "provider_not_found"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("told", "is_sent"), [({"json_schema": True}, True), ({}, True), ({"json_schema": False}, False)]
)
def test_a_response_schema_is_sent_unless_the_model_does_not_take_it(told: dict[str, bool], is_sent: bool) -> None:
    owner = make_user()
    provider = make_provider(owner)
    ProviderModel.objects.create(provider=provider, model_id="m", capabilities=told)
    schema = {"type": "object"}
    agent = make_agent(owner, provider, model="m", response_schema=schema)
    request, dropped = services.build_request(agent, HELLO)
    assert (request.response_schema, dropped) == ((schema, ()) if is_sent else (None, ("response_schema",)))
