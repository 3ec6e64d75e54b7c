"""The OpenAPI document is generated from the code, complete and without a word about keys."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from agents.gateway.application import DIALECTS
from tests.wizsite.routes import rest_routes

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(client: Client) -> dict[str, Any]:
    return dict(client.get("/api/schema/?format=json").json())


def api_patterns(resolver: Any = None, prefix: str = "") -> set[str]:
    """Every pattern below /api/v1/."""
    found: set[str] = set()
    for entry in (resolver or get_resolver()).url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            found |= api_patterns(entry, path)
        elif isinstance(entry, URLPattern) and path.startswith("api/v1/"):
            found.add(path)
    return found


def test_the_document_is_made_without_a_warning() -> None:
    errors = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO(), stderr=errors)


def test_every_part_of_the_contract_is_described(document: dict[str, Any]) -> None:
    expected = {
        "me/": {"get"},
        "tokens/": {"get", "post"},
        "tokens/{id}/": {"delete"},
        "providers/": {"get", "post"},
        "providers/{id}/": {"get", "patch", "delete"},
        "providers/{id}/test/": {"post"},
        "providers/{id}/models/": {"get"},
        "providers/{id}/models/refresh/": {"post"},
        "models/": {"get"},
        "registry/": {"get", "delete"},
        "agents/": {"get", "post"},
        "agents/{id}/": {"get", "patch", "delete"},
        "agents/{id}/test/": {"post"},
        "agents/{id}/generate/": {"post"},
        "conversations/": {"get", "post"},
        "conversations/{id}/": {"get", "patch", "delete"},
        "conversations/{id}/messages/": {"get", "post"},
        "messages/{id}/edit/": {"post"},
        "messages/{id}/regenerate/": {"post"},
        "messages/{id}/select/": {"post"},
        "conversations/{id}/fork/": {"post"},
        "generations/{id}/": {"get"},
        "generations/{id}/cancel/": {"post"},
        "generations/{id}/events/": {"get"},
        "generations/{id}/continue/": {"post"},
        "generate/text/": {"post"},
        "generate/object/": {"post"},
        "providers/{id}/models/{model_pk}/": {"patch"},
        "usage/": {"get"},
    }
    described = {path.removeprefix("/api/v1/"): set(verbs) for path, verbs in document["paths"].items()}
    missing = {path: verbs - described.get(path, set()) for path, verbs in expected.items()}
    assert not {path: verbs for path, verbs in missing.items() if verbs}


def test_every_call_describes_its_refusals_in_the_one_shape(document: dict[str, Any]) -> None:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items() if path.startswith("/api/") else ():
            described = operation["responses"]
            assert {"401", "403", "429"} <= set(described), (path, verb)
            assert any(status.startswith("2") for status in described), (path, verb)
            schema = described["401"]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Error"}
    assert "412" in document["paths"]["/api/v1/providers/{id}/"]["patch"]["responses"]
    assert "502" in document["paths"]["/api/v1/generate/text/"]["post"]["responses"]
    assert "422" in document["paths"]["/api/v1/attachments/"]["post"]["responses"]
    assert "409" in document["paths"]["/api/v1/attachments/{id}/"]["delete"]["responses"]


def test_the_gateway_is_described_in_its_dialects_shapes(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    described = {path: set(verbs) for path, verbs in document["paths"].items() if path.startswith("/v1/")}
    asking = {f"/v1/{path}" for path in (*DIALECTS, "embeddings")}
    assert described == {"/v1/models": {"get"}, "/v1/models/{model}": {"get"}} | {path: {"post"} for path in asking}
    for path in asking:
        operation = document["paths"][path]["post"]
        asked = operation["requestBody"]["content"]["application/json"]
        body = schemas[asked["schema"]["$ref"].rpartition("/")[2]]
        assert (body["additionalProperties"], body["properties"]["model"]) == (False, {"type": "string"})
        example = asked["examples"]["hello"]["value"]
        assert set(body["required"]) <= set(example) <= set(body["properties"])
        answer = operation["responses"]["200"]["content"]
        assert set(answer["application/json"]["schema"]["required"]) <= set(answer["application/json"]["example"])
        assert ("text/event-stream" in answer) == (path != "/v1/embeddings")
        refusal = operation["responses"]["400"]["content"]["application/json"]
        shape = {"type", "error"} if path == "/v1/messages" else {"error"}
        assert set(schemas[refusal["schema"]["$ref"].rpartition("/")[2]]["required"]) == shape
        assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_an_example_of_the_document_is_the_same_every_time(client: Client) -> None:
    first, second = (client.get("/api/schema/?format=json").json()["paths"]["/v1/responses"] for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "path",
    ["tokens/", "providers/", "agents/", "conversations/{id}/messages/", "generate/text/", "generate/object/"],
)
def test_the_main_calls_have_examples(document: dict[str, Any], path: str) -> None:
    body = document["paths"][f"/api/v1/{path}"]["post"]["requestBody"]["content"]["application/json"]
    assert body["examples"]


def test_the_key_is_described_as_write_only(document: dict[str, Any]) -> None:
    """S17."""
    schemas = document["components"]["schemas"]
    assert "api_key" in schemas["ProviderRequest"]["properties"]
    assert "api_key" not in schemas["Provider"]["properties"]
    assert "digest" not in str(document)


def test_the_pages_load_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "cdn" not in text
    assert "https://" not in text


def test_every_address_is_described(document: dict[str, Any]) -> None:
    described = {path.removeprefix("/").replace("{id}", "{pk}") for path in document["paths"]}
    assert {route.pattern for route in rest_routes()} <= described


def test_the_walk_over_the_routes_finds_the_routes() -> None:
    assert len(api_patterns()) > 20
