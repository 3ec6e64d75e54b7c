"""Every body that the REST API takes: foreign ids in it, fields that are not in it, and nonsense instead of it."""

import functools
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from tests.wizsite.routes import Route, rest_routes
from tests.wizsite.test_rest_errors import HOSTILE_BODIES
from tests.wizsite.world import World, make_world, snapshot

pytestmark = pytest.mark.django_db(transaction=True)

# What only Wiz itself writes, or only somebody with more rights.
NEVER_TAKEN = (
    "id", "pk", "owner", "owner_id", "user", "user_id", "is_staff", "is_superuser", "groups", "is_shared", "revision",
    "usage", "key_hint", "has_api_key", "status", "slug", "created_at", "updated_at", "digest", "last_used_at",
    "health", "head", "role", "attempt", "cost", "__class__", "constructor",
)  # fmt: skip
# Administrators' alone: tests/providers/test_budgets_api.py has the wrong bodies.
ADMINISTERED = "api/v1/budgets/"
WRITES = [
    (route, verb)
    for route in rest_routes()
    for verb in ("post", "patch")
    if verb in route.verbs and not route.pattern.startswith(ADMINISTERED)
]
# These do not read a body at all: what is sent changes nothing.
BODILESS = {
    "api/v1/agents/{pk}/test/",
    "api/v1/agents/{pk}/clone/",
    "api/v1/agents/{pk}/versions/{number}/restore/",
    "api/v1/providers/{pk}/models/refresh/",
    "api/v1/messages/{pk}/select/",
    "api/v1/generations/{pk}/cancel/",
    "api/v1/generations/{pk}/continue/",
    "api/v1/generations/{pk}/events/",
    "api/v1/webhooks/{pk}/test/",
    "api/v1/webhooks/{pk}/rotate-secret/",
    "api/v1/webhooks/{pk}/deliveries/{delivery_pk}/retry/",
}
# Takes a form with a file, never JSON: tests/conversations/test_attachments.py has the wrong ones.
UPLOADS = "api/v1/attachments/"
# Takes a file and not a form, and a much larger one: tests/conversations/transfer/ has the wrong ones.
FILES = {"api/v1/conversations/import/", UPLOADS}
READ_WRITES = [(route, verb) for route, verb in WRITES if route.pattern not in BODILESS | FILES]
# A right body would ask a provider here; tests/providers/test_generate_api.py has the wrong ones.
CHECKED = [(route, verb) for route, verb in READ_WRITES if "generate" not in route.pattern]
WRONG: tuple[Any, ...] = ({"a": [1]}, [[[]]], 1e308, -(10**40), "\U0001f600" * 5000)
MALFORMED = ("nothing that is JSON", "deep list", "NUL", "lone surrogate", "bad UTF-8", "NaN", "number beyond range")


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def api(world: World) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_login(world.owner)
    return client


def name_of(value: object) -> str | None:
    return value.pattern.removeprefix("api/v1/") if isinstance(value, Route) else None


@functools.cache
def openapi() -> dict[str, Any]:
    """The document, made once."""
    return dict(SchemaGenerator().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]


def properties(route: Route, verb: str) -> dict[str, Any]:
    """The fields of a request body, from the OpenAPI document."""
    document = openapi()
    described = {path.replace("{id}", "{pk}"): verbs for path, verbs in document["paths"].items()}
    operation = described["/" + route.pattern][verb]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    reference = schema["$ref"].rpartition("/")[2]
    return dict(document["components"]["schemas"][reference]["properties"])


def id_fields(route: Route, verb: str) -> Iterator[str]:
    """The fields of a body that name an object."""
    for name, field in properties(route, verb).items():
        kinds = [field, *field.get("oneOf", ()), *field.get("anyOf", ()), *field.get("allOf", ())]
        if any(kind.get("format") == "uuid" for kind in kinds):
            yield name


@pytest.mark.parametrize(("route", "verb"), READ_WRITES, ids=name_of)
def test_a_foreign_id_in_a_body_names_nothing(route: Route, verb: str, api: APIClient, world: World) -> None:
    """S2."""
    stranger = make_world("stranger@example.org")
    foreign = {
        "provider": stranger.provider,
        "agent": stranger.agent,
        "default_agent": stranger.agent,
        "parent": stranger.reply,
        "message": stranger.reply,
        "folder": stranger.folder,
    }
    for name in id_fields(route, verb):
        for value in (str(foreign[name].pk), str(uuid.uuid4())):
            before = snapshot()
            body = {**world.body(route, verb), name: value}
            response = getattr(api, verb)(world.path(route), body, format="json")
            assert response.status_code in {400, 404}, (name, response.status_code, response.content)
            assert snapshot() == before


def test_a_foreign_provider_among_the_fallbacks_names_nothing(api: APIClient, world: World) -> None:
    """S2."""
    stranger = make_world("stranger@example.org")
    fallbacks = [{"provider": str(stranger.provider.pk), "model": "practice"}]
    response = api.patch(f"/api/v1/agents/{world.agent.pk}/", {"fallbacks": fallbacks}, format="json")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == ["fallbacks"]


def test_the_search_for_ids_in_bodies_finds_them() -> None:
    found = {(name_of(route), name) for route, verb in READ_WRITES for name in id_fields(route, verb)}
    assert {
        ("agents/", "provider"),
        ("generate/text/", "provider"),
        ("conversations/{pk}/messages/", "parent"),
    } <= found


@pytest.mark.parametrize(("route", "verb"), READ_WRITES, ids=name_of)
def test_a_field_that_is_not_in_the_form_is_refused(route: Route, verb: str, api: APIClient, world: World) -> None:
    """S34: nobody is made an owner, an administrator or rich by a field."""
    known = properties(route, verb)
    before = snapshot()
    for name in NEVER_TAKEN:
        if name in known:
            continue
        body = {**world.body(route, verb), name: str(world.owner.pk)}
        response = getattr(api, verb)(world.path(route), body, format="json")
        assert response.status_code == 400, (name, response.content)
        assert response.json()["error"]["detail"] == {name: ["Unknown field."]}
    assert snapshot() == before


@pytest.mark.parametrize("verb", ["post", "patch"])
def test_only_an_administrator_shares_a_provider(verb: str, api: APIClient, world: World) -> None:
    """S34."""
    path = "/api/v1/providers/" + ("" if verb == "post" else f"{world.provider.pk}/")
    body = {"name": "x", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "shared": True}
    before = snapshot()
    assert getattr(api, verb)(path, body, format="json").status_code == 403
    assert snapshot() == before


@pytest.mark.parametrize(("route", "verb"), WRITES, ids=name_of)
def test_no_body_breaks_anything(route: Route, verb: str, api: APIClient, world: World) -> None:
    """S30."""
    for name, content in HOSTILE_BODIES.items():
        send: Any = api.generic
        response = send(verb.upper(), world.path(route), content, content_type="application/json")
        assert response.status_code < 500 or response.status_code in {502, 503, 504}, (name, response.content)
        if response.status_code >= 400:
            assert json.loads(response.content)["error"]["code"], name
        if name in MALFORMED and route.pattern not in BODILESS | {UPLOADS}:
            assert response.status_code == 400, (name, response.status_code)


@pytest.mark.parametrize(("route", "verb"), CHECKED, ids=name_of)
def test_every_field_of_a_wrong_type_is_400(route: Route, verb: str, api: APIClient, world: World) -> None:
    """S30."""
    for name in properties(route, verb):
        for wrong in WRONG:
            body = {**world.body(route, verb), name: wrong}
            response = getattr(api, verb)(world.path(route), body, format="json")
            is_answer = response.status_code in {502, 503, 504} and response.json()["error"]["code"]
            assert response.status_code < 500 or is_answer, (name, wrong, response.content)


@pytest.mark.parametrize(("route", "verb"), READ_WRITES, ids=name_of)
def test_a_body_over_the_limit_is_413(route: Route, verb: str, api: APIClient, world: World) -> None:
    """S30."""
    limit = 16_777_216 if route.pattern.startswith("api/v1/generate/") else 2_621_440
    send: Any = api.generic
    content = b'{"x": "' + b"x" * limit + b'"}'
    response = send(verb.upper(), world.path(route), content, content_type="application/json")
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "too_large"
