"""Agents whose models end, have ended, or are gone from their provider's list."""

from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.formats import date_format
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from agents.models import Agent
from agents.services import Fallback
from agents.standing import agent_standings
from providers.models import Provider, ProviderModel
from providers.standing import ModelStatus, find_listed
from tests.factories import make_agent, make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db
TODAY = timezone.now().date()
SOON, PAST = TODAY + timedelta(days=40), TODAY - timedelta(days=3)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)


@pytest.fixture
def owner() -> User:
    return make_user("owner@example.org")


@pytest.fixture
def provider(owner: User) -> Provider:
    provider = make_provider(owner, name="Mine")
    list_model(provider, "fine")
    list_model(provider, "ending", lifecycle="deprecated", ends_on=SOON)
    list_model(provider, "fading", lifecycle="deprecated")
    list_model(provider, "over", lifecycle="deprecated", ends_on=PAST)
    list_model(provider, "retired", lifecycle="retired")
    return provider


def list_model(provider: Provider, model_id: str, **fields: object) -> ProviderModel:
    return ProviderModel.objects.create(provider=provider, model_id=model_id, **fields)


def status_of(agent: Agent) -> tuple[str, date | None]:
    standing = agent_standings([agent])[agent.pk].model
    return standing.status, standing.ends_on


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("fine", ("active", None)),
        ("ending", ("deprecated", SOON)),
        ("fading", ("deprecated", None)),
        ("over", ("retired", PAST)),
        ("retired", ("retired", None)),
        ("never-heard-of", ("unlisted", None)),
        ("", ("unknown", None)),
    ],
)
def test_an_agent_stands_as_its_model_does(
    owner: User, provider: Provider, model: str, expected: tuple[str, date | None]
) -> None:
    assert status_of(make_agent(owner, provider, model=model)) == expected


def test_without_a_live_list_nobody_knows(owner: User, provider: Provider) -> None:
    ProviderModel.objects.update(source=ProviderModel.Source.STATIC)
    assert status_of(make_agent(owner, provider, model="gone")) == ("unknown", None)
    assert status_of(make_agent(owner, make_provider(owner), model="gone")) == ("unknown", None)
    agent = make_agent(owner, provider, model="fine")
    provider.delete()
    agent.refresh_from_db()
    assert status_of(agent) == ("unknown", None)


@pytest.mark.parametrize(
    ("asked", "listed", "found"),
    [
        ("m", ["m", "m-20260101"], "m"),
        ("qwen3", ["qwen3:latest"], "qwen3:latest"),
        ("gemini-x", ["models/gemini-x"], "models/gemini-x"),
        ("models/gemini-x", ["gemini-x"], "gemini-x"),
        ("maker/m:online", ["maker/m"], "maker/m"),
        ("maker/m:free", ["maker/m"], None),
        ("claude-x-4-5", ["claude-x-4-5-20250929", "claude-x-4-5-20251101"], "claude-x-4-5-20251101"),
        ("mistral-x-latest", ["mistral-x-2508", "mistral-x-2512"], "mistral-x-2512"),
        ("gpt-x", ["gpt-x-2026-01-14", "gpt-x-mini"], "gpt-x-2026-01-14"),
        ("gpt-x", ["gpt-x-mini", "my-gpt-x"], None),
        ("a.c", ["abc-2026"], None),
    ],
)
def test_a_model_goes_by_other_names(asked: str, listed: list[str], found: str | None) -> None:
    assert find_listed(asked, listed) == found


def test_a_name_that_stands_for_an_ending_model_ends_with_it(owner: User, provider: Provider) -> None:
    list_model(provider, "claude-x-20250929", lifecycle="deprecated", ends_on=SOON)
    assert status_of(make_agent(owner, provider, model="claude-x")) == ("deprecated", SOON)


def test_the_fallbacks_that_need_care_are_told(owner: User, provider: Provider) -> None:
    fallbacks = [Fallback(provider=str(provider.pk), model=model) for model in ("fine", "over", "unheard-of")]
    agent = make_agent(owner, provider, model="fine", fallbacks=fallbacks)
    told = agent_standings([agent])[agent.pk].fallbacks
    assert [(name, standing.status) for name, standing in told] == [
        ("over", ModelStatus.RETIRED),
        ("unheard-of", ModelStatus.UNLISTED),
    ]


def test_a_fallback_that_makes_no_sense_breaks_no_list(owner: User, provider: Provider) -> None:
    agent = make_agent(owner, provider, model="fine")
    agent.fallbacks = ["x", {"provider": "y"}, {"provider": 5, "model": "m"}, None]
    agent.save()
    assert status_of(agent) == ("active", None)


def test_many_agents_take_two_queries(
    owner: User, provider: Provider, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    others = [make_provider(owner) for _ in range(3)]
    for other in others:
        list_model(other, "listed")
    agents = [make_agent(owner, where, model=model) for where in (provider, *others) for model in ("fine", "ending")]
    with django_assert_num_queries(2):
        assert len(agent_standings(agents)) == 8
    with django_assert_num_queries(0):
        assert agent_standings([]) == {}


def test_the_rest_api_tells_status_and_day(
    owner: User, provider: Provider, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for model in ("fine", "ending", "over", "unheard-of"):
        make_agent(owner, provider, name=model, model=model)
    api = APIClient()
    api.force_authenticate(owner)
    with django_assert_max_num_queries(4):
        rows = api.get("/api/v1/agents/").json()["results"]
    assert {row["name"]: (row["model_status"], row["model_ends_on"]) for row in rows} == {
        "fine": ("active", None),
        "ending": ("deprecated", SOON.isoformat()),
        "over": ("retired", PAST.isoformat()),
        "unheard-of": ("unlisted", None),
    }
    one = rows[0]
    assert api.get(f"/api/v1/agents/{one['id']}/").json()["model_status"] == one["model_status"]
    assert api.patch(f"/api/v1/agents/{one['id']}/", {"model_status": "active"}, format="json").status_code == 400


def test_the_page_marks_them_and_says_what_to_do(
    client: Client, owner: User, provider: Provider, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    agent = make_agent(owner, provider, name="Ending", model="ending", visibility="everyone")
    for number in range(10):
        make_agent(owner, provider, name=f"Over {number}", model="over")
    make_agent(owner, provider, name="Fine", model="fine")
    client.force_login(owner)
    with django_assert_max_num_queries(10):
        page = client.get("/agents/").content.decode()
    assert f"ends {date_format(SOON)}" in page
    assert f"ended {date_format(PAST)}" in page
    assert "choose another model before then" in page
    assert page.count('class="care') == 11
    client.force_login(make_user("reader@example.org"))
    seen = client.get("/agents/").content.decode()
    assert agent.name in seen
    assert "its owner should choose another model" in seen


def test_the_admin_s_list_tells_it_without_a_query_per_row(
    client: Client, owner: User, provider: Provider, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(15):
        make_agent(owner, provider, name=f"A {number}", model="ending")
    client.force_login(make_staff())
    with django_assert_max_num_queries(14):
        page = client.get("/admin/agents/agent/").content.decode()
    assert page.count(f"deprecated · {date_format(SOON)}") == 15


def test_agents_that_use_a_provider_are_found_by_their_fallbacks_too(owner: User, provider: Provider) -> None:
    other = make_provider(owner)
    own = make_agent(owner, provider, model="fine")
    by_fallback = make_agent(owner, other, model="x", fallbacks=[Fallback(provider=str(provider.pk), model="over")])
    make_agent(owner, other, model="x")
    assert set(Agent.objects.that_use(provider)) == {own, by_fallback}
    assert set(Agent.objects.visible_to(owner).that_use(provider)) == {own, by_fallback}
