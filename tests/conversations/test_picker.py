"""The list of those who could answer: whose it is, what it says, how it is searched, and choosing from it."""

import re
from datetime import date

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from agents.models import Agent
from conversations.models import Conversation, Generation, Message
from conversations.prompts import create_prompt
from conversations.services import send_message, start_conversation
from conversations.templatetags.picker import short_count
from providers.models import Provider, ProviderModel
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.services._schedule_refresh", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def owner() -> User:
    return make_user("owner@example.org")


@pytest.fixture
def provider(owner: User) -> Provider:
    return make_provider(owner, name="Acme")


@pytest.fixture
def agent(owner: User, provider: Provider) -> Agent:
    return make_agent(owner, provider, name="Quill", description="Writes letters")


@pytest.fixture
def conversation(owner: User, agent: Agent) -> Conversation:
    return start_conversation(user=owner, agent=agent)


@pytest.fixture
def home(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def model(provider: Provider, name: str, **fields: object) -> ProviderModel:
    return ProviderModel.objects.create(provider=provider, model_id=name, **fields)


def rows(home: Client, path: str, **query: str | int) -> list[str]:
    """The names in the list, in order; those that cannot be chosen in brackets."""
    page = home.get(path, query, headers=HTMX).content.decode()
    found = re.findall(r'<(?:button|a|div) class="picker-row"([^>]*)>.*?<strong>(.*?)</strong>', page, re.DOTALL)
    return [f"[{name}]" if "aria-disabled" in attributes else name for attributes, name in found]


def test_it_holds_what_the_person_may_use_and_says_what_a_model_can_do_and_costs(
    home: Client, conversation: Conversation, provider: Provider
) -> None:
    model(
        provider, "large", display_name="Large", capabilities={"vision": True, "tools": True}, context_length=128_000,
        input_price="2.5", output_price="10",
    )  # fmt: skip
    model(provider, "hidden", is_hidden=True)
    model(provider, "embedder", is_chat=False)
    stranger = make_user("stranger@example.org")
    model(make_provider(stranger, name="Theirs"), "theirs")
    make_agent(stranger, make_provider(stranger, name="More"), name="Their agent")
    path = f"/c/{conversation.pk}/picker/"
    assert rows(home, path) == ["Quill", "Large"]
    page = " ".join(home.get(path, headers=HTMX).content.decode().split())
    for told in ("images", "tools", "128k context", "$2.50 in, $10.00 out", "Writes letters"):
        assert told in page
    assert 'aria-selected="true"' in page


def test_what_cannot_answer_says_why(home: Client, conversation: Conversation, owner: User, provider: Provider) -> None:
    model(provider, "ended", ends_on=date(2020, 1, 1))
    model(provider, "ending", ends_on=date(2999, 1, 2))
    make_agent(owner, None, name="Homeless")
    make_agent(owner, provider, name="Asleep", is_active=False)
    make_agent(owner, provider, name="Empty", model="")
    make_agent(owner, make_provider(owner, name="Dark", is_active=False), name="Cut off")
    path = f"/c/{conversation.pk}/picker/"
    assert rows(home, path) == ["Quill", "[Asleep]", "[Cut off]", "[Empty]", "[Homeless]", "[ended]", "ending"]
    page = home.get(path, headers=HTMX).content.decode()
    for reason in ("switched off", "Dark is switched off", "needs a model", "needs a provider", "ends Jan. 2, 2999"):
        assert reason in page


def test_the_search_wants_all_words_in_name_or_provider(
    home: Client, conversation: Conversation, provider: Provider
) -> None:
    for name in ("alpha-mini", "alpha-large", "beta-mini"):
        model(provider, name)
    path = f"/c/{conversation.pk}/picker/"
    assert rows(home, path, q="mini ALPHA") == ["alpha-mini"]
    assert rows(home, path, q="acme beta") == ["beta-mini"]
    assert rows(home, path, q="letters") == ["Quill"]
    assert "Nothing here is called “&lt;x&gt;”." in home.get(path, {"q": "<x>"}, headers=HTMX).content.decode()


def test_hundreds_of_models_come_in_parts_in_a_few_queries(
    home: Client, conversation: Conversation, provider: Provider, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ProviderModel.objects.bulk_create(
        ProviderModel(provider=provider, model_id=f"m{number:03}", position=number) for number in range(300)
    )
    path = f"/c/{conversation.pk}/picker/"
    with django_assert_max_num_queries(16):
        first = rows(home, path)
    second = rows(home, path, start=60)
    assert (len(first), second[0], len(second)) == (61, "m060", 60)
    assert len(rows(home, path, start=240)) == 60
    assert "picker-more" not in home.get(path, {"start": 240}, headers=HTMX).content.decode()
    for nonsense in ("-1", "x", "9" * 30, "²"):
        assert home.get(path, {"start": nonsense}, headers=HTMX).status_code == 200


def test_recent_choices_stand_on_top(
    home: Client, conversation: Conversation, owner: User, agent: Agent, provider: Provider
) -> None:
    model(provider, "plain")
    model(provider, "used")
    start_conversation(user=owner, agent=None, provider=provider, model="used")
    start_conversation(user=owner, agent=None, provider=provider, model="used")
    start_conversation(user=owner, agent=None, provider=provider, model="not listed")
    assert rows(home, f"/c/{conversation.pk}/picker/") == ["used", "Quill", "plain", "used"]
    assert rows(home, f"/c/{conversation.pk}/picker/", q="used") == ["used"]


def test_choosing_changes_who_answers_and_all_that_depends_on_it(
    home: Client, conversation: Conversation, agent: Agent, provider: Provider
) -> None:
    row = model(provider, "o1-thinker", capabilities={"sampling": False, "reasoning": True})
    path = f"/c/{conversation.pk}/picker/"
    part = home.post(path, {"model": row.pk}, headers=HTMX).content.decode()
    for piece in ("picker-choice", "head-title", "context-gauge", "parameters-panel", "parameters-button"):
        assert f'id="{piece}"' in part
    assert 'name="temperature"' not in part
    assert 'name="reasoning_effort"' in part
    conversation.refresh_from_db()
    assert (conversation.agent, conversation.model) == (None, "o1-thinker")
    assert home.post(path, {"agent": str(agent.pk)}).headers["Location"] == f"/c/{conversation.pk}/"
    conversation.refresh_from_db()
    assert (conversation.agent, conversation.provider, conversation.model) == (agent, None, "")
    foreign = model(make_provider(make_user("stranger@example.org")), "theirs")
    assert home.post(path, {"model": foreign.pk}, headers=HTMX).status_code == 422
    conversation.refresh_from_db()
    assert conversation.agent == agent


def test_without_javascript_the_button_leads_to_a_page_with_the_same_list(
    home: Client, conversation: Conversation, agent: Agent, provider: Provider
) -> None:
    row = model(provider, "plain")
    page = home.get(f"/c/{conversation.pk}/picker/").content.decode()
    assert f'formaction="/c/{conversation.pk}/picker/" name="model" value="{row.pk}"' in page
    assert f'href="/c/?model={row.pk}&amp;temporary=on"' in home.get("/c/picker/", {"temporary": "on"}).content.decode()
    shown = home.get("/c/", {"model": row.pk}).content.decode()
    assert f'<input type="hidden" name="model" value="{row.pk}">' in shown
    assert f'<option value="{agent.pk}">Quill</option>' in shown
    home.post("/c/", {"content": "Hi", "model": row.pk, "temperature": "0.3", "key": "k"})
    made = Conversation.objects.latest("created_at")
    assert (made.agent, made.model, made.parameters) == (None, "plain", {"temperature": 0.3})


def test_parameters_that_cannot_be_keep_the_first_message_in_the_composer(home: Client, agent: Agent) -> None:
    response = home.post("/c/", {"content": "Keep me", "agent": str(agent.pk), "temperature": "9"})
    assert response.status_code == 422
    assert "Keep me</textarea>" in response.content.decode()
    assert not Conversation.objects.exists()


def test_a_provider_without_an_agent_is_enough_to_begin(home: Client, provider: Provider) -> None:
    row = model(provider, "first")
    assert f'name="model" value="{row.pk}"' in home.get("/c/").content.decode()


def test_the_gauge_tells_how_full_the_context_is(
    home: Client, owner: User, conversation: Conversation, provider: Provider
) -> None:
    path = f"/c/{conversation.pk}/gauge/"
    model(provider, "practice", context_length=1000)
    sent = send_message(user=owner, conversation=conversation, content="Hello")
    assert "role=" not in home.get(path).content.decode()
    usage = {"input_tokens": 800, "output_tokens": 50, "certain": True}
    Generation.objects.filter(pk=sent.generation.pk).update(status="completed", usage=usage)
    Message.objects.filter(pk=sent.reply.pk).update(content="So")
    page = home.get(path).content.decode()
    assert "850 of 1,000 tokens" in page
    assert 'class="gauge high"' in page


@pytest.mark.parametrize(
    ("count", "told"), [(900, "900"), (8_192, "8.19k"), (128_000, "128k"), (1_000_000, "1M"), (1_048_576, "1.05M")]
)
def test_counts_are_short(count: int, told: str) -> None:
    assert short_count(count) == told


@pytest.mark.parametrize("address", ["/c/picker/?q=", "/c/prompts/offer/?q=", "/agents/?filter="])
def test_a_nul_in_a_search_is_a_space(home: Client, owner: User, agent: Agent, address: str) -> None:
    create_prompt(owner=owner, name="quill", description="Writes letters", text="x")
    response = home.get(f"{address}writes%00letters", headers=HTMX)
    assert response.status_code == 200
    assert "Writes letters" in response.content.decode()
