"""The table of kinds: clients, defaults, refusals, and the lists of models that they read."""

from dataclasses import replace

import pytest

from providers import errors
from providers.adapters import KINDS, create_client, dropped_fields
from providers.types import (
    Capability,
)
from tests.providers.wire import answering, ask, config, connected, http


def test_a_configuration_without_what_its_kind_needs_is_refused() -> None:
    base = config("http://127.0.0.1:1")
    for settings, kind in (
        (replace(base, kind="openai", api_key=""), errors.KeyMissing),
        (replace(base, kind="telepathy"), errors.UnsupportedKind),
        (replace(base, base_url=""), errors.AddressRefused),
        (replace(base, base_url="ftp://x"), errors.AddressRefused),
        (replace(base, base_url="http://169.254.169.254"), errors.AddressRefused),
    ):
        with pytest.raises(kind) as caught:
            create_client(settings)
        assert caught.value.provider == "Practice"


async def test_each_kind_has_its_default_address() -> None:
    for kind, row in KINDS.items():
        if row.base_url:
            client = create_client(replace(config(""), kind=kind, base_url=""))
            assert client.config.base_url == row.base_url
            await client.aclose()


def test_callers_can_tell_what_a_dialect_drops() -> None:
    request = replace(ask("hi"), temperature=0, top_p=None, seed=3, stop=("x",), json_mode=True)
    assert dropped_fields("openai", request) == ()
    assert dropped_fields("anthropic", request) == ("json_mode", "seed", "temperature")
    assert dropped_fields("anthropic", ask("hi")) == ()


async def test_models_are_listed_with_what_the_server_tells(practice: str) -> None:
    async with connected(config(practice)) as client:
        models = await client.list_models()
    assert models[0].id == "practice"
    assert models[0].display_name == "Practice"
    assert models[0].context_length == 128_000
    assert models[0].max_output_tokens == 32_000
    assert models[0].capabilities[Capability.VISION]
    assert not models[0].capabilities[Capability.REASONING]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"data":[]}', []),
        (b'[{"id":"a"},{"id":"b"}]', ["a", "b"]),
        (b'{"models":[{"name":"a"}]}', ["a"]),
        (b'{"data":[{"id":"a","shutdown_date":"2026-12-11"},null,5,{"id":null}]}', ["a"]),
    ],
)
async def test_lists_of_other_shapes_are_read(body: bytes, names: list[str]) -> None:
    async with answering(http(body, kind="application/json")) as base, connected(config(base)) as client:
        assert [model.id for model in await client.list_models()] == names


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"<html></html>", "200 OK", errors.BadResponse),
        (b"", "200 OK", errors.BadResponse),
        (b"{}", "200 OK", errors.BadResponse),
        (b'"x"', "200 OK", errors.BadResponse),
        (b'{"data":[{', "200 OK", errors.BadResponse),
        (b'{"error":{"message":"x","code":"invalid_api_key"}}', "200 OK", errors.AuthFailed),
        (b'{"error":{"message":"x"}}', "401 Unauthorized", errors.AuthFailed),
        (b'{"detail":"Not Found"}', "404 Not Found", errors.InvalidRequest),
    ],
)
async def test_a_list_that_is_none_is_a_typed_error(body: bytes, status: str, kind: type[errors.ProviderError]) -> None:
    async with answering(http(body, status, "application/json")) as base, connected(config(base)) as client:
        with pytest.raises(errors.ProviderError) as caught:
            await client.list_models()
    assert type(caught.value) is kind


async def test_a_list_that_never_comes_times_out(practice: str) -> None:
    async with answering(b"", hold=True) as base, connected(config(base, limits={"first_event": 0.2})) as client:
        with pytest.raises(errors.ProviderTimeout):
            await client.list_models()
