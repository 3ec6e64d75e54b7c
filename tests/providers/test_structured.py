"""Objects that fit a schema, against the practice server; and the guard against hostile schemas and answers."""

import copy
import json
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import cast

import httpx2
import pytest

from providers import engine
from providers.answers import AnswerInvalid, read_answer
from providers.errors import ContextTooLong, InvalidRequest, ObjectInvalid, RequestRefused, SchemaRefused, ServerError
from providers.generation import complete
from providers.models import Provider, ProviderModel
from providers.practice import running_practice
from providers.retry import NO_RETRY
from providers.schemas import JSON, check_schema
from providers.structured import GeneratedObject, Strategy, complete_object
from providers.types import Capability, ChatMessage, ChatRequest, Completion, JSONSchema, ToolDefinition, Usage
from tests.factories import make_provider

pytestmark = pytest.mark.django_db(transaction=True)
Body = Mapping[str, object]
REQUEST = ChatRequest(model="practice-fast", messages=(ChatMessage(role="user", content="Who are you?"),))
ANSWER: JSONSchema = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}
TREE: JSONSchema = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            },
            "required": ["name", "children"],
        }
    },
}
RICH: JSONSchema = {
    "type": "object",
    "properties": {
        "colour": {"enum": ["red", "green"]},
        "size": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "rows": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    },
    "required": ["colour", "size", "rows"],
}


@pytest.fixture(scope="module")
def practice_url() -> Iterator[str]:
    with running_practice() as url:
        yield url


@pytest.fixture
def provider(practice_url: str) -> Provider:
    httpx2.delete(f"{practice_url}/log", trust_env=False)
    return make_provider(base_url=f"{practice_url}/v1", api_key="practice")


@pytest.fixture
def anthropic(practice_url: str) -> Provider:
    httpx2.delete(f"{practice_url}/log", trust_env=False)
    return make_provider(kind="anthropic", base_url=practice_url, api_key="practice")


def can(provider: Provider, *yes: Capability, model: str = REQUEST.model) -> None:
    """Store a catalogue row that can do just this."""
    structured = (Capability.JSON_SCHEMA, Capability.TOOLS, Capability.JSON_MODE)
    told = {str(capability): capability in yes for capability in structured}
    ProviderModel.objects.create(provider=provider, model_id=model, capabilities=told)


def generate(
    provider: Provider, request: ChatRequest = REQUEST, schema: JSONSchema = ANSWER, max_repairs: int = 2
) -> GeneratedObject:
    ask = partial(complete, provider, policy=NO_RETRY)
    asking = complete_object(provider, request, schema, ask=ask, max_repairs=max_repairs)
    return engine.run(asking, timeout=30)


def bodies(practice_url: str) -> list[Body]:
    entries = httpx2.get(f"{practice_url}/log", trust_env=False).json()
    return [entry["body"] for entry in entries if entry["method"] == "POST"]


def asking(content: str, model: str = REQUEST.model) -> ChatRequest:
    return replace(REQUEST, model=model, messages=(ChatMessage(role="user", content=content),))


@pytest.mark.parametrize(
    ("able", "strategy", "field"),
    [
        ((Capability.JSON_SCHEMA, Capability.TOOLS, Capability.JSON_MODE), Strategy.NATIVE, "response_format"),
        ((Capability.TOOLS, Capability.JSON_MODE), Strategy.TOOL, "tool_choice"),
        ((Capability.JSON_MODE,), Strategy.JSON_MODE, "response_format"),
    ],
)
def test_the_stored_capabilities_choose_the_strategy(
    provider: Provider, practice_url: str, able: tuple[Capability, ...], strategy: Strategy, field: str
) -> None:
    can(provider, *able)
    made = generate(provider)
    assert (made.strategy, made.repairs) == (strategy, 0)
    assert isinstance(made.object, dict)
    assert set(made.object) == {"answer"}
    assert len(bodies(practice_url)) == 1
    assert field in bodies(practice_url)[0]


def test_without_any_capability_the_schema_is_in_the_system_prompt(provider: Provider, practice_url: str) -> None:
    can(provider)
    request = replace(asking('echo: {"answer": "yes"}'), system_prompt="Be kind.")
    assert generate(provider, request).strategy is Strategy.PROMPT
    system = str(cast("list[Body]", bodies(practice_url)[0]["messages"])[0]["content"])
    assert system.startswith("Be kind.\n\n")
    assert json.dumps(ANSWER) in system
    assert "response_format" not in bodies(practice_url)[0]


@pytest.mark.parametrize("able", [Capability.JSON_SCHEMA, Capability.TOOLS])
def test_the_messages_dialect_knows_native_schemas_and_tools(anthropic: Provider, able: Capability) -> None:
    can(anthropic, able)
    made = generate(anthropic)
    assert made.strategy == {Capability.JSON_SCHEMA: Strategy.NATIVE, Capability.TOOLS: Strategy.TOOL}[able]
    assert made.object == {"answer": "practice"}


def test_the_messages_dialect_is_never_asked_for_json_mode(anthropic: Provider) -> None:
    can(anthropic, Capability.JSON_MODE)
    assert generate(anthropic, asking('echo: {"answer": "yes"}')).strategy is Strategy.PROMPT


@pytest.mark.parametrize("kind", ["openai-compatible", "deepseek", "openai", "anthropic"])
def test_an_unknown_model_gets_the_strategy_of_its_kind(practice_url: str, kind: str) -> None:
    from providers.structured import _capabilities, _strategies

    provider = make_provider(kind=kind, base_url=f"{practice_url}/v1", api_key="practice")
    able = _capabilities(str(provider.pk), kind, "never-heard-of")
    best = {
        "openai": Strategy.NATIVE,
        "anthropic": Strategy.TOOL,
        "deepseek": Strategy.TOOL,
        "openai-compatible": Strategy.JSON_MODE,
    }
    strategies = list(_strategies(able, kind, is_object=True))
    assert strategies[0] is best[kind]
    assert strategies[-1] is Strategy.PROMPT


def test_a_model_without_a_row_is_judged_by_its_family(provider: Provider) -> None:
    assert generate(provider).strategy is Strategy.NATIVE


def test_a_schema_that_is_no_object_goes_without_tools_and_json_mode(provider: Provider) -> None:
    can(provider, Capability.TOOLS, Capability.JSON_MODE)
    made = generate(provider, asking("echo: [1, 2]"), {"type": "array", "items": {"type": "integer"}})
    assert (made.strategy, made.object) == (Strategy.PROMPT, [1, 2])


def test_refused_strategies_give_way_once_each_down_to_the_prompt(provider: Provider, practice_url: str) -> None:
    model = "practice-no-structure"
    can(provider, Capability.JSON_SCHEMA, Capability.TOOLS, Capability.JSON_MODE, model=model)
    made = generate(provider, asking('echo: {"answer": "plain"}', model))
    assert (made.strategy, made.object) == (Strategy.PROMPT, {"answer": "plain"})
    asked = bodies(practice_url)
    formats = [cast("Body", body.get("response_format", {})).get("type") for body in asked]
    assert formats == ["json_schema", None, "json_object", None]
    assert [("tool_choice" in body) for body in asked] == [False, True, False, False]


def test_a_request_that_is_refused_in_every_way_raises_the_providers_error(provider: Provider) -> None:
    with pytest.raises(InvalidRequest) as error:
        generate(provider, replace(REQUEST, model="practice-400"))
    assert error.value.code == "invalid_request"
    assert error.value.model == "practice-400"


@pytest.mark.parametrize(("model", "kind"), [("practice-context", ContextTooLong), ("practice-500", ServerError)])
def test_other_failures_do_not_change_the_strategy(
    provider: Provider, practice_url: str, model: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        generate(provider, replace(REQUEST, model=model))
    assert len(bodies(practice_url)) == 1


@pytest.mark.parametrize(("place", "status"), [("elsewhere/v1", 404), ("fault-301/v1", 301), ("fault-307/v1", 307)])
def test_a_wrong_address_is_asked_once(practice_url: str, place: str, status: int) -> None:
    httpx2.delete(f"{practice_url}/log", trust_env=False)
    provider = make_provider(base_url=f"{practice_url}/{place}", api_key="practice")
    can(provider, Capability.JSON_SCHEMA, Capability.TOOLS, Capability.JSON_MODE)
    with pytest.raises(InvalidRequest) as error:
        generate(provider)
    assert error.value.status == status
    assert len(bodies(practice_url)) == 1


def test_a_request_that_wiz_itself_refuses_is_not_asked_in_another_way(provider: Provider) -> None:
    asked: list[ChatRequest] = []

    async def refuse(request: ChatRequest) -> Completion:
        asked.append(request)
        raise RequestRefused(detail="Not sent.")

    can(provider, Capability.JSON_SCHEMA, Capability.TOOLS, Capability.JSON_MODE)
    with pytest.raises(RequestRefused):
        engine.run(complete_object(provider, REQUEST, ANSWER, ask=refuse), timeout=30)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("able", "strategy"),
    [(Capability.JSON_SCHEMA, Strategy.NATIVE), (Capability.TOOLS, Strategy.TOOL), (Capability.JSON_MODE, "json_mode")],
)
def test_a_bad_answer_is_repaired_by_showing_it_with_its_error(
    provider: Provider, practice_url: str, able: Capability, strategy: str
) -> None:
    model = "practice-bad-json-then-ok"
    can(provider, able, model=model)
    made = generate(provider, replace(REQUEST, model=model))
    assert (made.strategy, made.repairs) == (strategy, 1)
    wrong, repair = cast("list[Body]", bodies(practice_url)[1]["messages"])[-2:]
    assert wrong["role"] == "assistant"
    assert '"wrong"' in str(wrong["content"])
    assert "At $: " in str(repair["content"])
    if strategy == Strategy.TOOL:
        assert "'wrong'" in str(repair["content"]) or "'answer'" in str(repair["content"])


def test_usage_is_the_sum_of_all_calls(provider: Provider) -> None:
    good = generate(provider).usage
    made = generate(provider, replace(REQUEST, model="practice-bad-json-then-ok"))
    assert made.repairs == 1
    assert made.usage.input > 2 * good.input
    assert made.usage.output > good.output
    assert made.usage.certain


def test_a_call_that_tells_no_usage_makes_the_sum_uncertain(provider: Provider) -> None:
    assert generate(provider, replace(REQUEST, model="practice-no-usage")).usage == Usage(certain=False)


def test_the_repairs_are_bounded_and_the_failure_keeps_text_path_and_usage(
    provider: Provider, practice_url: str
) -> None:
    with pytest.raises(ObjectInvalid) as error:
        generate(provider, replace(REQUEST, model="practice-always-bad-json"), max_repairs=1)
    failure = error.value
    assert (failure.code, failure.retryable) == ("invalid_object", False)
    assert failure.detail == '{"wrong": tr'
    assert failure.path == "$"
    assert failure.problem.startswith("The answer is not JSON")
    assert failure.usage.input > 0
    assert failure.provider == provider.name
    assert failure.record()["code"] == "invalid_object"
    assert len(bodies(practice_url)) == 2


def test_the_failure_names_the_place_of_the_error(provider: Provider) -> None:
    can(provider)
    schema: JSONSchema = {"properties": {"rows": {"items": {"properties": {"n": {"type": "integer"}}}}}}
    with pytest.raises(ObjectInvalid) as error:
        generate(provider, asking('echo: {"rows": [{"n": 1}, {"n": "x"}]}'), schema, max_repairs=0)
    assert error.value.path == "$.rows[1].n"
    assert error.value.detail == '{"rows": [{"n": 1}, {"n": "x"}]}'


def test_an_answer_cut_off_at_its_limit_is_told_so(provider: Provider, practice_url: str) -> None:
    can(provider)
    with pytest.raises(ObjectInvalid):
        generate(provider, replace(asking('echo: {"answer": "a long one"}'), max_tokens=1), max_repairs=1)
    assert "cut off" in str(bodies(practice_url)[1]["messages"])


@pytest.mark.parametrize("able", [Capability.JSON_SCHEMA, Capability.TOOLS, Capability.JSON_MODE])
def test_temperature_zero_is_sent_in_every_call(provider: Provider, practice_url: str, able: Capability) -> None:
    model = "practice-bad-json-then-ok"
    can(provider, able, model=model)
    generate(provider, replace(REQUEST, model=model, temperature=0, seed=7))
    assert [(body["temperature"], body["seed"]) for body in bodies(practice_url)] == [(0, 7), (0, 7)]


def test_request_and_schema_are_left_as_they_were(provider: Provider) -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.org/a", **ANSWER}
    before, request = copy.deepcopy(schema), replace(REQUEST, model="practice-bad-json-then-ok")
    kept = copy.deepcopy(request)
    generate(provider, request, schema)
    assert schema == before
    assert request == kept


def test_the_tools_of_the_request_are_offered_but_not_called(provider: Provider, practice_url: str) -> None:
    own = ToolDefinition(name="clock", description="Tells the time.", parameters={"type": "object"})
    assert generate(provider, replace(REQUEST, tools=(own,), tool_choice="clock")).object == {"answer": "practice"}
    assert bodies(practice_url)[0]["tool_choice"] == "none"


@pytest.mark.parametrize("schema", [TREE, RICH], ids=["tree", "enum, anyOf and nested arrays"])
@pytest.mark.parametrize("able", [Capability.JSON_SCHEMA, Capability.TOOLS])
def test_recursive_and_composed_schemas_work(provider: Provider, able: Capability, schema: JSONSchema) -> None:
    can(provider, able)
    made = generate(provider, schema=schema)
    assert made.repairs == 0
    assert isinstance(made.object, dict)


@pytest.mark.parametrize(
    "said",
    [
        'Here you are:\n```json\n{"answer": "x"}\n```\nAnything else?',
        '```\n{"answer": "x"}\n```',
        'Sure! {"answer": "x"} is what you want.',
        'I first thought of {"reply": 1}, but it is {"answer": "x"}.',
        '<think>{not json}</think>\n{"answer": "x"}',
    ],
)
def test_prose_around_the_json_is_ignored_in_the_prompt_strategy_only(provider: Provider, said: str) -> None:
    can(provider)
    assert generate(provider, asking(f"echo: {said}")).object == {"answer": "x"}
    with pytest.raises(AnswerInvalid):
        read_answer(said, check_schema(ANSWER))


def nested(depth: int) -> dict[str, object]:
    return {"not": nested(depth - 1)} if depth else {}


HOSTILE: dict[str, tuple[JSONSchema, str]] = {
    "too large": ({"enum": ["x" * 70_000]}, "larger than 64 kB"),
    "too deep": (nested(65), "deeper than 64"),
    "far too deep": ({"const": json.loads("[" * 900 + "]" * 900)}, "deeper than 64"),
    "too many parts": ({"allOf": [{}] * 3000}, "more than 2000 parts"),
    "remote reference": ({"$ref": "https://example.org/schema.json"}, "only point inside"),
    "file reference": ({"items": {"$ref": "file:///etc/passwd"}}, "only point inside"),
    "remote dynamic reference": ({"$dynamicRef": "other.json#a"}, "only point inside"),
    "reference to itself": ({"$ref": "#"}, "only back to itself"),
    "references in a circle": (
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        "only back to itself",
    ),
    "circle through anyOf": ({"anyOf": [{"type": "null"}, {"$ref": "#"}]}, "only back to itself"),
    "circle through an anchor": ({"allOf": [{"$ref": "#a"}], "$anchor": "a"}, "only back to itself"),
    "reference to nothing": ({"$ref": "#/$defs/none"}, "points to nothing"),
    "reference to no schema": ({"$ref": "#/x/y", "x": {"y": {"type": 5}}}, "points to nothing"),
    "no schema": ({"type": "objekt"}, "not a valid schema"),
    "no schema inside": ({"properties": {"a": {"minLength": -1}}}, "not a valid schema"),
    "mixed required": ({"required": [[1], {"a": 1}]}, "lists of names"),
    "inner id": ({"properties": {"a": {"$id": "https://example.org/"}}}, "of its own"),
    "inner dialect": ({"items": {"$schema": "http://json-schema.org/draft-07/schema#"}}, "of its own"),
    "another dialect": ({"$schema": "http://json-schema.org/draft-07/schema#"}, "another dialect"),
    "not a number": ({"minimum": float("nan")}, "not plain JSON"),
    "not JSON": ({"enum": [object()]}, "not plain JSON"),
    "lone surrogate": ({"title": "\ud800"}, "not plain JSON"),
    "long pattern": ({"pattern": "a" * 300}, "longer than 256"),
    "repeating pattern": ({"pattern": "(.{1,100}){1,100}x$"}, "repeats too much"),
    "look-ahead": ({"pattern": "(?=a)b"}, "not supported"),
    "pattern of names": ({"patternProperties": {"(a)\\1": {}}}, "not supported"),
    "unclosed pattern": ({"items": {"pattern": "("}}, "not supported"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_schema_is_refused_with_a_sentence(name: str) -> None:
    schema, sentence = HOSTILE[name]
    started = time.monotonic()
    with pytest.raises(SchemaRefused) as error:
        check_schema(schema)
    assert sentence in error.value.detail
    assert (error.value.code, error.value.retryable) == ("invalid_schema", False)
    assert time.monotonic() - started < 2


def test_a_schema_that_contains_itself_is_refused() -> None:
    schema: dict[str, object] = {"type": "object"}
    schema["items"] = schema
    with pytest.raises(SchemaRefused):
        check_schema(schema)


def test_a_refused_schema_costs_no_call(provider: Provider, practice_url: str) -> None:
    with pytest.raises(SchemaRefused):
        generate(provider, schema={"$ref": "#"})
    assert bodies(practice_url) == []


def test_a_deep_but_allowed_schema_is_checked() -> None:
    schema = check_schema(nested(60))
    assert read_answer("1", schema) == 1


def test_names_of_properties_are_not_taken_for_keywords() -> None:
    names = ("$ref", "pattern", "$id", "required", "$schema")
    schema = check_schema({"type": "object", "properties": {name: {"type": "string"} for name in names}})
    answer: JSON = dict.fromkeys(names, "x")
    assert read_answer(json.dumps(answer), schema) == answer


def judge(schema: JSONSchema, value: object) -> str:
    """The complaint about a value, empty when it is valid."""
    return judge_text(schema, json.dumps(value))


def judge_text(schema: JSONSchema, text: str) -> str:
    """The complaint about an answer, empty when it is valid; never slow."""
    checked = check_schema(schema)
    started = time.thread_time()
    try:
        read_answer(text, checked)
    except AnswerInvalid as error:
        return f"{error.path}: {error.problem}"
    finally:
        assert time.thread_time() - started < 20
    return ""


def test_a_catastrophic_pattern_is_run_in_linear_time() -> None:
    text = "a" * 4000 + "!"
    for pattern in (r"^(a+)+$", r"^(a|a)*$", r"^(.*a){10}$", r"(\s*)*x", r"^(.{1,70}){1,70}x$"):
        assert "does not match" in judge({"pattern": pattern}, text)
        assert "not allowed" in judge({"patternProperties": {pattern: {}}, "additionalProperties": False}, {text: 1})


def test_a_text_too_long_for_a_pattern_is_refused_not_tried() -> None:
    assert "longer than 4096" in judge({"pattern": "a"}, "a" * 5000)


def test_references_that_multiply_end_at_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.answers.CPU_LIMIT", 0.2)
    defs = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(40)}
    schema = {"$ref": "#/$defs/d0", "$defs": {**defs, "d40": {"type": "integer"}}}
    assert "too much work to check" in judge(schema, 1)


def test_complaints_of_failed_branches_do_not_fill_the_memory() -> None:
    branches: JSONSchema = {"anyOf": [{"items": {"anyOf": [{"type": "string"}] * 50}}] * 30}
    assert "too much work to check" in judge(branches, [1] * 50_000)
    tracemalloc.start()
    judge({"anyOf": [{"type": "integer"}] * 1000}, "x" * 200_000)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("keyword", ["uniqueItems", "anyOf", "contains"])
def test_a_huge_answer_is_judged_in_bounded_time(keyword: str) -> None:
    schemas: dict[str, JSONSchema] = {
        "uniqueItems": {"uniqueItems": True},
        "anyOf": {"items": {"anyOf": [{"type": "string"}, {"type": "array"}]}},
        "contains": {"contains": {"const": -1}},
    }
    items = [*range(10_000), *([n] for n in range(10_000))]
    assert bool(judge(schemas[keyword], items)) is (keyword != "uniqueItems")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("NaN", "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ('"\\ud800"', "not JSON"),
        ('"\\u0000"', "NUL"),
        ("1e999", "not JSON"),
        ("9" * 5000, "not JSON"),
        ("[" * 65 + "]" * 65, "deeper than 64"),
        ("[" * 100_000, "not JSON"),
        ('"' + "x" * 300_000 + '"', "longer than"),
        ('{"a": 1} and more', "not JSON"),
    ],
)
def test_an_answer_that_nobody_can_store_or_check_is_invalid(text: str, problem: str) -> None:
    assert problem in judge_text({}, text)


def test_an_escaped_backslash_before_u0000_is_text() -> None:
    assert judge_text({}, '"\\\\u0000"') == ""


def test_the_checks_of_our_own_agree_with_json_schema() -> None:
    assert judge({"uniqueItems": True}, [1, True, "1", [1], {"a": 1}]) == ""
    assert "not unique" in judge({"uniqueItems": True}, [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}])
    closed: JSONSchema = {"properties": {"a": {}}, "patternProperties": {"^x": {}}, "additionalProperties": False}
    assert judge(closed, {"a": 1, "x-1": 2}) == ""
    assert "'b' is not allowed" in judge(closed, {"a": 1, "b": 2})
    assert "$.b" in judge({"additionalProperties": {"type": "integer"}}, {"b": "x"})
    assert "$.x1" in judge({"patternProperties": {"^x": {"type": "integer"}}}, {"x1": "x"})
    assert "unevaluated" in judge({"properties": {"a": {}}, "unevaluatedProperties": False}, {"b": 1}).lower()
    assert judge({"format": "email"}, "no address") == ""
    assert judge({"multipleOf": 0.01}, 10**320) != ""
