"""What each scope of a token opens, over every address of the REST API."""

import inspect
import uuid
from typing import Any

import pytest
from rest_framework.settings import api_settings
from rest_framework.test import APIClient

from accounts.models import User
from accounts.scopes import Needs, Scope, opened_by
from accounts.services import create_token
from conversations.models import Conversation
from providers.models import Provider
from tests.factories import make_provider, make_staff, make_user
from tests.wizsite.routes import Route, rest_routes

pytestmark = pytest.mark.django_db(transaction=True)

# The first part of an address says which scope a change needs; agents/…/generate/ is asked, not changed.
WRITES = {
    "me": Scope.MANAGE,
    "sessions": Scope.MANAGE,
    "tokens": Scope.MANAGE,
    "providers": Scope.MANAGE,
    "agents": Scope.MANAGE,
    "registry": Scope.ADMIN,
    "budgets": Scope.ADMIN,
    "webhooks": Scope.MANAGE,
    "generate": Scope.CHAT,
    "conversations": Scope.CHAT,
    "messages": Scope.CHAT,
    "generations": Scope.CHAT,
    "folders": Scope.CHAT,
    "shares": Scope.CHAT,
    "prompts": Scope.CHAT,
    "attachments": Scope.CHAT,
}
CALLS = [(route, verb) for route in rest_routes() for verb in sorted(route.verbs)]


def name_of(value: object) -> str | None:
    return value.pattern.removeprefix("api/v1/") if isinstance(value, Route) else None


def needed(route: Route, verb: str) -> Scope:
    """The scope that the documentation promises for a call."""
    head = route.pattern.split("/")[2]
    if route.pattern.endswith("agents/{pk}/generate/"):
        return Scope.CHAT
    if verb == "get":
        return {"registry": Scope.ADMIN, "budgets": Scope.ADMIN, "sessions": Scope.MANAGE}.get(head, Scope.READ)
    return WRITES[head]


def client_with(user: User, *scopes: str) -> APIClient:
    """Somebody with a token of these scopes."""
    _token, value = create_token(user=user, name="test", scopes=scopes)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    return client


def ids(route: Route) -> dict[str, object]:
    """Ids of nothing."""
    numbered = {"model_pk", "number", *(("pk",) if "sessions" in route.pattern else ())}
    return {name: 7 if name in numbered else uuid.UUID(int=1) for name in route.parameters}


def needs_of(route: Route) -> Any:
    return getattr(route.shape, "needs", None)


@pytest.mark.parametrize("route", rest_routes(), ids=name_of)
def test_every_address_says_which_scopes_it_needs(route: Route) -> None:
    """S22: an address that says nothing is closed, and fails here."""
    assert isinstance(needs_of(route), Needs), f"{route.pattern} has no needs"
    shape: Any = route.shape
    if inspect.isclass(route.shape):
        assert shape.permission_classes == api_settings.DEFAULT_PERMISSION_CLASSES
        assert shape.authentication_classes == api_settings.DEFAULT_AUTHENTICATION_CLASSES


@pytest.mark.parametrize(("route", "verb"), CALLS, ids=name_of)
def test_a_token_opens_what_its_scopes_say_and_nothing_else(route: Route, verb: str) -> None:
    """S21, S22: every address, verb and scope, with real tokens."""
    staff = make_staff()
    for scope in Scope:
        response = getattr(client_with(staff, scope), verb)(route.path(**ids(route)), {}, format="json")
        if response.status_code == 405:
            continue
        is_refused = response.status_code == 403 and response.json()["error"]["code"] == "scope_missing"
        assert is_refused == (needed(route, verb) not in opened_by([scope])), (scope, response.status_code)


def test_a_view_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("accounts.api.MeView.needs")
    client = APIClient()
    client.force_login(make_staff())
    assert client.get("/api/v1/me/").status_code == 403


def test_a_new_write_on_a_view_that_only_reads_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.api.ModelsView.post", lambda *_: None, raising=False)
    client = APIClient()
    client.force_login(make_staff())
    assert client.post("/api/v1/models/").status_code == 403


def test_without_the_scope_admin_an_administrator_s_token_has_a_person_s_rights() -> None:
    staff = make_staff()
    shared = make_provider(None, name="Shared")
    limited = client_with(staff, "read", "chat", "manage")
    assert limited.get("/api/v1/me/").json()["is_staff"] is False
    assert limited.patch(f"/api/v1/providers/{shared.pk}/", {"name": "Mine"}).status_code == 404
    body = {"name": "New", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "shared": True}
    assert limited.post("/api/v1/providers/", body).status_code == 403
    full = client_with(staff, "manage", "admin")
    assert full.patch(f"/api/v1/providers/{shared.pk}/", {"name": "Ours"}).status_code == 200
    assert full.post("/api/v1/providers/", body).status_code == 201
    assert Provider.objects.get(pk=shared.pk).name == "Ours"
    staff.refresh_from_db()
    assert staff.is_staff


def test_who_laid_down_rights_cannot_lose_them_by_being_saved() -> None:
    staff = make_staff()
    staff.lay_down_rights()
    with pytest.raises(ValueError, match="administrator"):
        staff.save()
    assert User.objects.get(pk=staff.pk).is_staff


def test_the_scope_admin_makes_nobody_an_administrator() -> None:
    """A token that was made while its person was one."""
    staff = make_staff()
    client = client_with(staff, *Scope.values)
    assert client.get("/api/v1/registry/").status_code == 200
    User.objects.filter(pk=staff.pk).update(is_staff=False, is_superuser=False)
    assert client.get("/api/v1/registry/").status_code == 403


MAKERS = [
    (("read",), None, 403),
    (("chat",), None, 403),
    (("manage",), ["read", "manage"], 201),
    (("manage",), ["manage"], 201),
    (("manage",), None, 201),
    (("manage",), ["chat"], 400),
    (("manage",), ["admin"], 400),
    (("chat", "manage"), ["chat"], 201),
    (("chat", "manage"), ["read", "chat", "manage", "admin"], 400),
    (("manage", "admin"), ["admin"], 201),
]


@pytest.mark.parametrize(("own", "wanted", "status"), MAKERS)
def test_a_token_makes_no_stronger_token(own: tuple[str, ...], wanted: list[str] | None, status: int) -> None:
    """S22."""
    client = client_with(make_staff(), *own)
    body = {"name": "child"} | ({"scopes": wanted} if wanted else {})
    response = client.post("/api/v1/tokens/", body, format="json")
    assert response.status_code == status
    if status == 201:
        assert opened_by(response.json()["scopes"]) <= opened_by(own)


def test_a_token_makes_no_token_that_outlives_it() -> None:
    from datetime import timedelta

    from django.utils import timezone

    end = timezone.now() + timedelta(days=2)
    _token, value = create_token(user=make_user(), name="short", expires_at=end)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    later = (end + timedelta(seconds=1)).isoformat()
    response = client.post("/api/v1/tokens/", {"name": "x", "expires_at": later}, format="json")
    assert list(response.json()["error"]["detail"]) == ["expires_at"]
    made = client.post("/api/v1/tokens/", {"name": "x"}, format="json").json()
    assert made["expires_at"] == end.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("scopes", [[], ["everything"], "read", ["read", 1], [None], {}, ["READ"]])
def test_strange_scopes_are_refused_beside_their_field(scopes: object) -> None:
    client = APIClient()
    client.force_login(make_user())
    response = client.post("/api/v1/tokens/", {"name": "x", "scopes": scopes}, format="json")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == ["scopes"]


def test_a_person_s_token_cannot_administer() -> None:
    client = APIClient()
    client.force_login(make_user())
    response = client.post("/api/v1/tokens/", {"name": "x", "scopes": ["admin"]}, format="json")
    assert list(response.json()["error"]["detail"]) == ["scopes"]
    assert client.post("/api/v1/tokens/", {"name": "x"}, format="json").json()["scopes"] == ["read", "chat", "manage"]


def test_a_reading_token_changes_nothing() -> None:
    """S22: read cannot write, and cannot generate."""
    owner = make_user()
    provider = make_provider(owner)
    client = client_with(owner, "read")
    question = {"provider": str(provider.pk), "model": "m", "prompt": "Hello"}
    for path, body in {
        "conversations/": {"title": "x"},
        "generate/text/": question,
        "generate/object/": {**question, "schema": {}},
        f"providers/{provider.pk}/test/": {},
    }.items():
        assert client.post(f"/api/v1/{path}", body, format="json").status_code == 403
    assert not Conversation.objects.exists()
