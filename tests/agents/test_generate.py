"""REST: an agent's answer outside any conversation, over a real socket, against the practice provider."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from pytest_django import Settings

from accounts.models import User
from agents.models import Agent
from agents.services import Fallback
from providers.models import Provider, ProviderModel, UsageRecord
from providers.practice import running_practice
from tests.factories import make_agent, make_provider, make_user
from tests.live import calling, read_events, serving_site
from tests.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def practice_url() -> Iterator[str]:
    with running_practice() as url:
        yield url


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving_site() as address:
        yield address


@pytest.fixture(autouse=True)
def _private_providers_allowed(settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS = True


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def provider(owner: User, practice_url: str) -> Provider:
    httpx2.delete(f"{practice_url}/log", trust_env=False)
    return make_provider(owner, base_url=f"{practice_url}/v1", api_key="practice")


@pytest.fixture
def api(site: str, owner: User) -> Iterator[httpx2.Client]:
    with calling(site, owner) as client:
        yield client


def log(practice_url: str) -> list[dict[str, Any]]:
    entries = httpx2.get(f"{practice_url}/log", trust_env=False).json()
    return [entry for entry in entries if entry["method"] == "POST"]


def path_of(agent: Agent) -> str:
    return f"agents/{agent.pk}/generate/"


def falling_back(owner: User, provider: Provider, *models: str) -> Agent:
    """An agent with these models at one provider."""
    first, *others = models
    fallbacks = [{"provider": str(provider.pk), "model": model} for model in others]
    return make_agent(owner, provider, model=first, fallbacks=fallbacks, temperature=0)  # type: ignore[arg-type]


def test_an_agent_answers_with_its_prompt_and_parameters(
    api: httpx2.Client, owner: User, provider: Provider, practice_url: str
) -> None:
    agent = make_agent(owner, provider, model="practice-fast", system_prompt="Rhyme.", temperature=0, max_tokens=50)
    history = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]
    answer = api.post(path_of(agent), json={"message": "echo: 👩‍🚀 ok", "history": history}).json()
    assert (answer["text"], answer["finish_reason"], answer["hops"]) == ("👩‍🚀 ok", "stop", [])
    (entry,) = log(practice_url)
    system, *said = entry["body"]["messages"]
    assert (system["content"], said[:2], said[2]["content"]) == ("Rhyme.", history, "echo: 👩‍🚀 ok")
    assert (entry["body"]["temperature"], entry["body"]["max_tokens"]) == (0, 50)
    record = UsageRecord.objects.get(user=owner)
    assert (record.agent_name, record.model) == (agent.name, "practice-fast")
    assert answer["usage"]["output_tokens"] == record.output_tokens


def test_a_streamed_answer_says_the_same(api: httpx2.Client, owner: User, provider: Provider) -> None:
    agent = make_agent(owner, provider, model="practice-fast")
    whole = api.post(path_of(agent), json={"message": "Hello"}).json()
    *deltas, (_, end) = read_events(api, path_of(agent), {"message": "Hello"})
    assert "".join(data["text"] for _, data in deltas) == whole["text"]
    assert (end["status"], end["usage"]) == ("completed", whole["usage"])


def test_fallbacks_are_asked_in_order_and_the_hops_are_told(
    api: httpx2.Client, owner: User, provider: Provider, practice_url: str
) -> None:
    agent = falling_back(owner, provider, "practice-401", "practice-503", "practice-fast")
    answer = api.post(path_of(agent), json={"message": "Hello"}).json()
    assert (answer["model"], answer["finish_reason"]) == ("practice-fast", "stop")
    assert [(hop["model"], hop["error"]["code"]) for hop in answer["hops"]] == [
        ("practice-401", "auth_failed"),
        ("practice-503", "overloaded"),
    ]
    assert [entry["body"]["model"] for entry in log(practice_url)] == ["practice-401", "practice-503", "practice-fast"]
    assert [entry["body"]["temperature"] for entry in log(practice_url)] == [0, 0, 0]
    assert [record.model for record in UsageRecord.objects.all()] == ["practice-fast"]


def test_a_stream_tells_the_hop_before_the_answer(api: httpx2.Client, owner: User, provider: Provider) -> None:
    agent = falling_back(owner, provider, "practice-401", "practice-fast")
    (name, notice), *deltas, (_, end) = read_events(api, path_of(agent), {"message": "Hello"})
    assert (name, notice["hop"]["model"]) == ("notice", "practice-401")
    assert deltas
    assert (end["status"], end["hops"]) == ("completed", [notice["hop"]])


def test_parameters_are_fitted_to_each_fallback(
    api: httpx2.Client, owner: User, provider: Provider, practice_url: str
) -> None:
    ProviderModel.objects.create(provider=provider, model_id="practice-fast", capabilities={"sampling": False})
    agent = falling_back(owner, provider, "practice-401", "practice-fast")
    assert api.post(path_of(agent), json={"message": "Hello"}).json()["dropped"] == ["temperature"]
    assert ["temperature" in entry["body"] for entry in log(practice_url)] == [True, False]


def test_the_last_failure_is_the_answer_when_all_fail(api: httpx2.Client, owner: User, provider: Provider) -> None:
    agent = falling_back(owner, provider, "practice-503", "practice-401")
    response = api.post(path_of(agent), json={"message": "Hello"})
    assert (response.status_code, response.json()["error"]["code"]) == (502, "auth_failed")


@pytest.mark.parametrize("is_owner", [True, False])
def test_the_provider_s_own_words_are_for_those_who_may_read_the_instructions(
    site: str, owner: User, provider: Provider, is_owner: bool
) -> None:
    def shared(*models: str) -> str:
        agent = falling_back(owner, provider, *models)
        Agent.objects.filter(pk=agent.pk).update(visibility=Agent.Visibility.EVERYONE)
        return path_of(agent)

    with calling(site, owner if is_owner else make_user("outsider@example.org")) as api:
        refusal = api.post(shared("practice-400"), json={"message": "Hello"}).json()["error"]
        passed = api.post(shared("practice-401", "practice-fast"), json={"message": "Hello"}).json()["hops"]
        story = {"message": "Write a long story"}
        (_, notice), *_, (_, end) = read_events(api, shared("practice-401", "practice-error-event"), story)
    assert (refusal["code"], notice["hop"], passed) == ("invalid_request", passed[0], end["hops"])
    assert refusal["message"]
    assert refusal["detail"]["hint"]
    told = [refusal["detail"]["provider_message"], passed[0]["error"]["detail"], end["error"]["detail"]]
    assert [bool(words) for words in told] == [is_owner] * 3


def test_nobody_else_is_asked_once_something_was_said(
    api: httpx2.Client, owner: User, provider: Provider, practice_url: str
) -> None:
    agent = falling_back(owner, provider, "practice-error-event", "practice-fast")
    *deltas, (_, end) = read_events(api, path_of(agent), {"message": "Write a long story"})
    assert deltas
    assert (end["status"], end["hops"]) == ("failed", [])
    assert len(log(practice_url)) == 1


def test_a_wrong_question_is_not_passed_on(
    api: httpx2.Client, owner: User, provider: Provider, practice_url: str
) -> None:
    agent = falling_back(owner, provider, "practice-400", "practice-fast")
    assert api.post(path_of(agent), json={"message": "Hello"}).status_code == 400
    assert len(log(practice_url)) == 1


@pytest.mark.parametrize("place", ["elsewhere", "fault-301/v1"])
def test_a_wrong_address_is_not_taken_for_a_wrong_question(
    api: httpx2.Client, owner: User, provider: Provider, practice_url: str, place: str
) -> None:
    lost = make_provider(owner, name="Lost", base_url=f"{practice_url}/{place}", api_key="practice")
    fallback: Fallback = {"provider": str(provider.pk), "model": "practice-fast"}
    agent = make_agent(owner, lost, model="practice-fast", fallbacks=[fallback])
    answer = api.post(path_of(agent), json={"message": "Hello"}).json()
    assert [(hop["provider"], hop["error"]["code"]) for hop in answer["hops"]] == [("Lost", "invalid_request")]
    assert answer["text"]


def test_a_fallback_that_the_owner_may_not_use_any_more_is_left_out(
    api: httpx2.Client, owner: User, provider: Provider, practice_url: str
) -> None:
    """S2."""
    agent = falling_back(owner, provider, "practice-401", "practice-fast")
    theirs = make_provider(make_user("neighbour@example.org"), base_url=f"{practice_url}/v1")
    Agent.objects.update(
        fallbacks=[{"provider": str(pk), "model": "practice-fast"} for pk in (theirs.pk, uuid.uuid4())]
    )
    response = api.post(path_of(agent), json={"message": "Hello"})
    assert response.json()["error"]["code"] == "auth_failed"
    assert [entry["body"]["model"] for entry in log(practice_url)] == ["practice-401"]


def test_a_provider_s_failure_is_a_typed_error(api: httpx2.Client, owner: User) -> None:
    agent = make_agent(owner, make_provider(owner))
    response = api.post(path_of(agent), json={"message": "x"})
    assert response.status_code == 502
    error = response.json()["error"]
    assert error["code"] == "connection_failed"
    assert error["detail"]["hint"]


def test_an_agent_without_provider_or_model_says_so(api: httpx2.Client, owner: User) -> None:
    for agent, code in ((make_agent(owner, None), "provider_not_found"),
                        (make_agent(owner, make_provider(owner), model=""), "model_not_found")):  # fmt: skip
        assert api.post(path_of(agent), json={"message": "x"}).json()["error"]["code"] == code


def test_an_agent_that_is_switched_off_answers_nobody(
    api: httpx2.Client, owner: User, provider: Provider, practice_url: str
) -> None:
    agent = make_agent(owner, provider, is_active=False)
    response = api.post(path_of(agent), json={"message": "Hello"})
    assert (response.status_code, list(response.json()["error"]["detail"])) == (400, ["agent"])
    assert "switched off" in response.json()["error"]["detail"]["agent"][0]
    assert not log(practice_url)


def test_a_private_agent_does_not_exist_for_others(site: str, owner: User, provider: Provider) -> None:
    """S1."""
    agent = make_agent(owner, provider)
    with calling(site, make_user("outsider@example.org")) as outsider:
        assert outsider.post(path_of(agent), json={"message": "x"}).status_code == 404


def test_leaving_ends_the_call(api: httpx2.Client, owner: User, provider: Provider, practice_url: str) -> None:
    """R34."""
    agent = make_agent(owner, provider, model="practice-silent")
    with pytest.raises(httpx2.ReadTimeout):
        api.post(path_of(agent), json={"message": "x"}, timeout=1.5)
    left = time.time()
    wait_for(lambda: log(practice_url)[0]["ended"] == "client hung up", 10, "the end of the upstream call")
    assert log(practice_url)[0]["end"] - left < 5


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": "x", "history": [{"role": "system", "content": "x"}]},
        {"message": "x", "history": [{"role": "user", "content": 1}]},
        {"message": "x", "history": [{"role": "user", "content": "x", "tool": 1}]},
        {"message": "x", "history": [{"role": ["user"], "content": "x"}]},
        {"message": "x", "history": [1]},
        {"message": "x", "stream": "perhaps"},
        {"message": "x", "base_url": "http://evil.example"},
    ],
)
def test_a_wrong_body_is_400(api: httpx2.Client, owner: User, provider: Provider, body: dict[str, object]) -> None:
    response = api.post(path_of(make_agent(owner, provider)), json=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "validation_error"
