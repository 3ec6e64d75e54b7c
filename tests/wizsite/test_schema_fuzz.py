"""Requests made up from the OpenAPI document: nothing breaks, and nothing answers what is not described.

The same requests every time: the generator is seeded by the operation alone, and bounded.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import status_code_conformance

from accounts.services import create_token
from providers.practice import running_practice
from tests.live import serving_site
from tests.wizsite.world import World, make_world

EXAMPLES = 12  # of each operation
LIMIT = 30  # seconds for one answer
# Without a worker there is no end to wait for.
ENDLESS = {"wait"}
OF_PROVIDERS = {502, 503, 504}
CALM = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def world(transactional_db: None, settings: Settings) -> Iterator[World]:
    """A person whose provider answers."""
    settings.API_RATE = settings.TOKEN_RATE = settings.GATEWAY_RATE = settings.GATEWAY_TOKEN_RATE = 0
    with running_practice() as url:
        yield make_world(base_url=f"{url}/v1")


def own_ids(world: World, path: str) -> dict[str, str]:
    """The ids of the person's own objects for an address of the document."""
    kinds = {
        "providers": world.provider,
        "agents": world.agent,
        "conversations": world.conversation,
        "messages": world.question if path.endswith("/edit/") else world.reply,
        "generations": world.generation,
        "tokens": world.token,
    }
    thing = kinds.get(path.removeprefix("/api/v1/").partition("/")[0])
    ids = {"key_id": str(world.key.pk), "model_pk": str(world.model.pk)}
    return ids | ({"id": str(thing.pk)} if thing is not None else {})


def check(case: Any, world: World, value: str, *, own: bool) -> None:
    """Send a made-up request, to the person's own objects or to made-up ones; raises what the checks raise."""
    if own:
        case.path_parameters = {**case.path_parameters, **own_ids(world, case.operation.path)}
    if own and case.operation.path.startswith("/v1/") and isinstance(case.body, dict):
        case.body = {**case.body, "model": f"{world.provider.slug}/practice-fast"}
    case.query = {name: value for name, value in case.query.items() if name not in ENDLESS}
    response = case.call(headers={"Authorization": f"Bearer {value}"}, timeout=LIMIT)
    checks = [status_code_conformance]
    if response.status_code not in OF_PROVIDERS:
        checks.append(not_a_server_error)
    case.validate_response(response, checks=checks)
    assert response.status_code != 401


def fuzz(operation: Any, world: World, value: str) -> None:
    """Made-up requests of one operation; raises ``AssertionError`` with the smallest one that fails a check."""

    @CALM
    @given(case=operation.as_strategy(), own=st.sampled_from([True, True, False]))
    def run(case: Any, own: bool) -> None:
        check(case, world, value, own=own)

    run()


def test_requests_from_the_document_get_only_described_answers(world: World) -> None:
    _token, value = create_token(user=world.owner, name="of the caller")
    failures = []
    with serving_site() as site:
        schema = schemathesis.openapi.from_url(f"{site}/api/schema/?format=json")
        found: Iterator[Any] = iter(schema.get_all_operations())
        operations = [each.ok() for each in found]
        assert len(operations) > 40
        # What deletes comes last: the others need the objects.
        for operation in sorted(operations, key=lambda each: each.method == "delete"):
            try:
                fuzz(operation, world, value)
            except Exception as failure:
                failures.append(f"{operation.label}: {failure}")
    assert not failures, "\n\n".join(failures)
