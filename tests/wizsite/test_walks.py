"""Walks over every address that the resolver knows: other people's belongings, strangers, forged requests.

A new address without a row in ``world.py`` fails here. Walks that change nothing go through a whole part of the site in
one world; every address is a subtest of its own.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.services import create_token
from conversations.models import Conversation
from providers import valkey
from tests.factories import make_user
from tests.wizsite.routes import VERBS, Route, all_routes
from tests.wizsite.world import OWNERLESS, World, make_world, snapshot

pytestmark = pytest.mark.django_db(transaction=True)

PERSONAL = [route for route in all_routes() if route.parameters and route.pattern not in OWNERLESS]
PLAIN = [route for route in all_routes() if not route.parameters]
# Who has not logged in may come here; everywhere else is a door.
OPEN = {
    "",
    "accounts/login/",
    "accounts/signup/",
    "accounts/logout/",
    "accounts/inactive/",
    "accounts/2fa/webauthn/login/",
    "accounts/password/reset/",
    "accounts/password/reset/done/",
    "accounts/password/reset/key/done/",
    "accounts/confirm-email/",
    "api/schema/",
    "api/docs/",
    "healthz/live",
    "healthz/ready",
    "manifest.webmanifest",
}


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversations.publication.publish_run", lambda _: None)
    monkeypatch.setattr("conversations.publication.publish_change", lambda _: None)


@pytest.fixture
def world() -> World:
    return make_world()


def name_of(route: Route) -> str:
    return route.pattern or "/"


def is_rest(route: Route) -> bool:
    return route.pattern.startswith("api/v1/")


def call(client: Any, route: Route, verb: str, path: str, world: World) -> Any:
    """A request as a program or, to a page, as a form makes it."""
    if is_rest(route):
        return getattr(client, verb)(path, world.body(route, verb), **({} if verb == "get" else {"format": "json"}))
    return getattr(client, verb)(path)


def parts(routes: list[Route]) -> list[Any]:
    """The routes by the part of the site that they belong to, as parameters."""
    found: dict[str, list[Route]] = defaultdict(list)
    for route in routes:
        first, *rest = route.pattern.removeprefix("api/v1/").split("/")
        found[f"api {first}" if is_rest(route) else first if rest else "the rest"].append(route)
    return [pytest.param(routes, id=name) for name, routes in found.items()]


@contextmanager
def visiting(route: Route, subtests: pytest.Subtests) -> Iterator[None]:
    """A subtest that has to leave all as it was; counting requests begins anew."""
    valkey.client().flushdb()
    before = snapshot()
    with subtests.test(name_of(route)):
        yield
        assert snapshot() == before


@pytest.mark.parametrize("routes", parts(PERSONAL))
def test_what_belongs_to_somebody_else_does_not_exist(
    routes: list[Route], world: World, subtests: pytest.Subtests
) -> None:
    """S1: every address and verb with the ids of somebody else, over a token and over a session."""
    outsider = make_user("outsider@example.org")
    _token, value = create_token(user=outsider, name="test")
    program, browser = APIClient(), APIClient()
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    browser.force_login(outsider)
    for route in routes:
        with visiting(route, subtests):
            for client in (program, browser) if is_rest(route) else (browser,):
                for verb in VERBS:
                    response = call(client, route, verb, world.path(route), world)
                    known = verb in route.verbs and isinstance(route.shape, type) and is_rest(route)
                    assert response.status_code in ({404} if known else {404, 405}), (verb, response.status_code)


@pytest.mark.parametrize("route", PERSONAL, ids=name_of)
def test_the_same_addresses_work_for_their_owner(route: Route, world: World) -> None:
    """So that a walk over wrong addresses does not pass."""
    client = APIClient()
    client.force_login(world.owner)
    if route.pattern == "c/{pk}/restore/":
        Conversation.objects.update(trashed_at=timezone.now())
    found = [
        call(client, route, verb, world.path(route), world).status_code
        for verb in ("get", "patch", "post", "delete")
        if verb in route.verbs
    ]
    assert any(status not in {404, 405} for status in found), found
    assert all(status < 500 or status in {502, 503, 504} for status in found), found


@pytest.mark.parametrize("routes", parts([route for route in [*PERSONAL, *PLAIN] if route.pattern not in OPEN]))
def test_a_stranger_comes_nowhere(routes: list[Route], world: World, subtests: pytest.Subtests) -> None:
    """S24: every address and verb, with and without the last slash, with a suffix."""
    for route in routes:
        with visiting(route, subtests):
            path = world.path(route)
            for variant in (path, path.rstrip("/"), f"{path.rstrip('/')}.json", f"{path}?format=json", path + "/"):
                for verb in VERBS:
                    response = call(APIClient(), route, verb, variant, world)
                    assert response.status_code in {301, 302, 401, 404, 405}, (variant, verb, response.status_code)
                    if response.status_code == 302:
                        assert response["Location"].startswith("/accounts/"), (variant, verb)
                    if is_rest(route) and variant == path and verb in route.verbs:
                        assert response.status_code in {401, 405}, (verb, response.status_code)
                        assert response.status_code == 405 or response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/admin/", "/admin/accounts/user/", "/admin/nothing/", "/admin/logout/"])
def test_a_stranger_does_not_come_into_the_admin(path: str) -> None:
    """S24."""
    for verb in VERBS:
        response = getattr(Client(), verb)(path)
        assert response.status_code in {302, 404, 405}, verb


@pytest.mark.parametrize("routes", parts([*PERSONAL, *PLAIN]))
def test_a_session_writes_nothing_without_the_csrf_token(
    routes: list[Route], world: World, subtests: pytest.Subtests
) -> None:
    """S29."""
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(world.owner)
    for route in routes:
        with visiting(route, subtests):
            for verb in ("post", "put", "patch", "delete"):
                response = call(client, route, verb, world.path(route), world)
                assert response.status_code in {403, 405}, (verb, response.status_code)


@pytest.mark.parametrize("routes", parts([*PERSONAL, *PLAIN]))
def test_looking_changes_nothing(routes: list[Route], world: World, subtests: pytest.Subtests) -> None:
    """S29: no GET and no HEAD has an effect."""
    client = APIClient()
    client.force_login(world.owner)
    for route in routes:
        with visiting(route, subtests):
            for verb in ("get", "head", "options"):
                response = getattr(client, verb)(world.path(route))
                assert response.status_code < 500, verb
    assert client.get("/api/v1/me/").status_code == 200, "still logged in"
