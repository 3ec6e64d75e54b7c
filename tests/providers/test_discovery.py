"""The catalogue of models: fetched, merged, overridden, priced."""

import json
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from providers import discovery, families, ledger, pricing
from providers.models import Provider, ProviderModel
from providers.practice import running_practice
from providers.serializers import ModelSerializer
from providers.services import ensure_practice_provider
from providers.types import Capability, ChatMessage, ChatRequest, ToolCall, ToolDefinition, Usage
from tests.factories import make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "sk-a-secret-that-stays-behind-9Zq7"


@pytest.fixture(scope="module")
def practice_url() -> Iterator[str]:
    with running_practice() as url:
        yield f"{url}/v1"


def row_of(provider: Provider, model_id: str) -> ProviderModel:
    return ProviderModel.objects.get(provider=provider, model_id=model_id)


def test_the_live_list_is_stored_with_what_it_tells(practice_url: str) -> None:
    provider = make_provider(base_url=practice_url)
    count = discovery.refresh_models(provider=provider)
    assert count == ProviderModel.objects.filter(provider=provider).count() > 5
    row = row_of(provider, "practice")
    assert (row.source, row.context_length, row.max_output_tokens) == ("live", 128_000, 32_000)
    assert row.capabilities["vision"] is True
    assert row.capabilities["reasoning"] is False
    provider.refresh_from_db()
    assert provider.health == "ok"
    assert provider.models_fetched_at is not None


def test_a_second_refresh_changes_nothing_an_administrator_set(practice_url: str) -> None:
    provider = make_provider(base_url=practice_url)
    discovery.refresh_models(provider=provider)
    row = row_of(provider, "practice")
    discovery.override_model(
        row=row, overrides={"display_name": "Ours", "input_price": "2.5", "capabilities": {"vision": False}}
    )
    ProviderModel.objects.filter(pk=row.pk).update(is_hidden=True)
    discovery.refresh_models(provider=provider)
    row.refresh_from_db()
    assert (row.display_name, row.input_price, row.is_hidden) == ("Ours", Decimal("2.5"), True)
    assert row.capabilities["vision"] is False
    assert row.capabilities["tools"] is True


def test_an_override_that_is_taken_back_gives_way_to_the_next_refresh(practice_url: str) -> None:
    provider = make_provider(base_url=practice_url)
    discovery.refresh_models(provider=provider)
    row = discovery.override_model(row=row_of(provider, "practice"), overrides={"display_name": "Ours"})
    discovery.override_model(row=row, overrides={"display_name": None})
    discovery.refresh_models(provider=provider)
    assert row_of(provider, "practice").display_name == "Practice"


@pytest.mark.parametrize(
    "overrides",
    [
        {"model_id": "other"},
        {"context_length": -1},
        {"context_length": True},
        {"input_price": "NaN"},
        {"input_price": "-1"},
        {"capabilities": {"flying": True}},
        {"capabilities": {"vision": "yes"}},
        {"is_chat": 1},
    ],
)
def test_a_senseless_override_is_refused_by_its_field(overrides: dict[str, object]) -> None:
    row = ProviderModel.objects.create(provider=make_provider(), model_id="m")
    with pytest.raises(ValidationError) as error:
        discovery.override_model(row=row, overrides=overrides)
    assert set(error.value.message_dict) == set(overrides)


def test_models_that_are_not_listed_any_more_go_unless_somebody_worked_on_them(practice_url: str) -> None:
    provider = make_provider(base_url=practice_url)
    ProviderModel.objects.create(provider=provider, model_id="gone")
    ProviderModel.objects.create(provider=provider, model_id="kept", overrides={"display_name": "Kept"})
    discovery.refresh_models(provider=provider)
    assert not ProviderModel.objects.filter(provider=provider, model_id="gone").exists()
    assert row_of(provider, "kept").lifecycle == "retired"


def test_a_failure_keeps_the_stored_list_and_shows_in_the_health() -> None:
    provider = make_provider()
    ProviderModel.objects.create(provider=provider, model_id="known")
    assert discovery.refresh_models(provider=provider) == 1
    provider.refresh_from_db()
    assert (provider.health, provider.health_code) == ("failing", "connection_failed")


def test_a_vendor_that_does_not_answer_gets_the_list_known_beforehand() -> None:
    provider = make_provider(kind="anthropic", base_url="http://127.0.0.1:9", api_key="some-key")
    assert discovery.refresh_models(provider=provider) > 5
    rows = ProviderModel.objects.filter(provider=provider)
    assert set(rows.values_list("source", flat=True)) == {"static"}
    assert not rows.filter(model_id__startswith="claude-3").exists()


def test_the_practice_faults_stay_hidden_after_a_refresh(practice_url: str) -> None:
    provider = ensure_practice_provider(base_url=practice_url)
    discovery.refresh_models(provider=provider)
    offered = [row.model_id for row in discovery.list_models(provider).offered()]
    assert offered == ["practice", "practice-fast", "practice-slow", "practice-reasoning"]


def test_a_person_sees_the_chat_models_of_active_providers_only() -> None:
    owner, neighbour = make_user(), make_user("neighbour@example.org")
    mine, shared, theirs, off = (
        make_provider(owner),
        make_provider(),
        make_provider(neighbour),
        make_provider(owner, is_active=False),
    )
    for provider in (mine, shared, theirs, off):
        ProviderModel.objects.create(provider=provider, model_id="chat")
    ProviderModel.objects.create(provider=mine, model_id="embedder", is_chat=False)
    ProviderModel.objects.create(provider=mine, model_id="hidden", is_hidden=True)
    ProviderModel.objects.create(provider=mine, model_id="ended", lifecycle="retired")
    seen = {(row.provider_id, row.model_id) for row in discovery.list_user_models(owner)}
    assert seen == {(mine.pk, "chat"), (shared.pk, "chat")}


def test_the_list_of_a_person_is_one_query_and_carries_no_key(django_assert_num_queries: object) -> None:
    owner = make_user()
    for _ in range(3):
        ProviderModel.objects.create(provider=make_provider(owner, api_key="some-key"), model_id="chat")
    with django_assert_num_queries(1):  # type: ignore[operator]
        rows = list(discovery.list_user_models(owner))
        assert all("api_key" in row.provider.get_deferred_fields() for row in rows)
        assert len({row.provider.name for row in rows}) == 3


def test_no_secret_travels_with_either_read() -> None:
    owner = make_user()
    provider = make_provider(owner, api_key=SECRET)
    ProviderModel.objects.create(provider=provider, model_id="chat")
    for rows in (discovery.list_models(provider), discovery.list_user_models(owner)):
        with CaptureQueriesContext(connection) as queries:
            (row,) = rows
            assert row.provider.name == provider.name
        assert len(queries) == 1
        assert "api_key" not in queries[0]["sql"].replace("has_api_key", "")
        assert {"api_key", "headers"} <= row.provider.get_deferred_fields()
        said = json.dumps(ModelSerializer(rows, many=True).data) + repr(row.__dict__) + repr(row.provider.__dict__)
        assert SECRET not in said
        assert SECRET[-4:] not in json.dumps(ModelSerializer(rows, many=True).data)


def test_groups_decide_whose_models_a_person_sees() -> None:
    member, stranger, staff = make_user("member@example.org"), make_user("stranger@example.org"), make_staff()
    group = Group.objects.create(name="Team")
    member.groups.add(group)
    ours, open_to_all = make_provider(), make_provider()
    ours.groups.add(group)
    for provider in (ours, open_to_all):
        ProviderModel.objects.create(provider=provider, model_id="chat")
    seen = {
        person: {row.provider_id for row in discovery.list_user_models(person)} for person in (member, stranger, staff)
    }
    assert seen == {member: {ours.pk, open_to_all.pk}, stranger: {open_to_all.pk}, staff: {ours.pk, open_to_all.pk}}


@pytest.mark.parametrize(
    "model_id",
    ["text-embedding-3-large", "whisper-1", "gpt-4o-mini-tts", "gpt-image-1", "dall-e-3", "omni-moderation-latest",
     "gpt-realtime", "gpt-4o-transcribe", "mistral-ocr-latest", "gpt-3.5-turbo-instruct", "rerank-v3.5"],
)  # fmt: skip
def test_what_does_not_chat_is_known_by_its_name(model_id: str) -> None:
    assert not families.is_chat(model_id)


@pytest.mark.parametrize(
    "model_id", ["gpt-6-sol", "claude-opus-5-5", "deepseek-chat", "meta-llama/llama-4-scout", "olive-7b", "practice"]
)
def test_what_chats_is_known_by_its_name(model_id: str) -> None:
    assert families.is_chat(model_id)


def test_family_rules_tell_who_takes_a_temperature() -> None:
    sampling = {
        model: families.known_capabilities(model)[Capability.SAMPLING]
        for model in ("gpt-4.1", "gpt-6-sol", "o3", "claude-sonnet-4-5", "claude-opus-5-5", "unheard-of")
    }
    assert [model for model, takes in sampling.items() if takes] == ["gpt-4.1", "claude-sonnet-4-5", "unheard-of"]


def test_prices_follow_the_vendor_and_the_cache() -> None:
    provider = make_provider(kind="anthropic", base_url="https://api.anthropic.com", api_key="some-key")
    plain = pricing.price_usage(provider, "claude-opus-5-5", Usage(input=1_000_000, output=1_000_000))
    cached = pricing.price_usage(provider, "claude-opus-5-5", Usage(input=1_000_000, cache_read=1_000_000))
    assert plain is not None
    assert cached is not None
    assert 0 < cached < plain


def test_an_administrators_price_wins() -> None:
    provider = make_provider()
    row = ProviderModel.objects.create(provider=provider, model_id="m")
    assert pricing.price_usage(provider, "m", Usage(input=10)) is None
    discovery.override_model(row=row, overrides={"input_price": "2", "output_price": "4"})
    assert pricing.price_usage(provider, "m", Usage(input=500_000, output=250_000)) == Decimal(2)


@pytest.mark.parametrize("figure", [-5, 10**12, "many", None, 1.5, True])
def test_nonsensical_usage_is_booked_sanely_and_marked(figure: object) -> None:
    """P17."""
    record = ledger.record_usage(
        user=make_user(),
        provider=make_provider(),
        model="m",
        usage=Usage(input=figure, output=3),  # type: ignore[arg-type]
    )
    record.refresh_from_db()
    assert 0 <= record.input_tokens <= ledger.LARGEST
    assert record.output_tokens == 3
    assert not record.is_certain


def test_parts_are_never_larger_than_their_whole() -> None:
    sane = ledger.sanitize_usage(Usage(input=10, output=5, cache_read=8, cache_write=8, reasoning=50))
    assert sane == Usage(input=10, output=5, cache_read=8, cache_write=2, reasoning=5, certain=False)


def test_an_estimate_is_marked_as_one() -> None:
    request = ChatRequest(model="m", messages=(ChatMessage(role="user", content="x" * 10),), system_prompt="y" * 6)
    assert ledger.estimate_usage(request, "z" * 9) == Usage(input=4, output=3, certain=False)


def test_an_estimate_counts_tools_their_calls_and_the_schema() -> None:
    schema = {"type": "object", "title": "s" * 400}
    call = ToolCall("1", "lookup", "a" * 400)
    request = ChatRequest(
        model="m",
        messages=(ChatMessage(role="assistant", content="", tool_calls=(call,)),),
        tools=(ToolDefinition("lookup", "d" * 400, schema),),
        response_schema=schema,
    )
    assert 400 <= ledger.estimate_usage(request, "").input <= 450


def test_the_command_tells_each_provider(practice_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_provider(name="Works", base_url=practice_url)
    make_provider(name="Fails")
    call_command("refresh_models")
    output = capsys.readouterr().out
    assert "Works: " in output
    assert "Fails: 0 models (" in output
