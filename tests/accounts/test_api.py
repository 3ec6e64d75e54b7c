"""REST: the caller and the caller's tokens; the command that makes a token."""

from base64 import b64encode
from datetime import timedelta
from io import StringIO
from urllib.parse import quote_from_bytes

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.services import create_token, digest_token
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def outsider() -> User:
    return make_user("outsider@example.org")


@pytest.fixture
def api(owner: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(owner)
    return client


def test_me_is_the_caller(api: APIClient, owner: User) -> None:
    owner.groups.add(Group.objects.create(name="Research"))
    assert api.get("/api/v1/me/").json() == {
        "id": str(owner.pk),
        "email": owner.email,
        "name": "",
        "is_staff": False,
        "groups": ["Research"],
        "language": "",
        "theme": "system",
        "high_contrast": False,
        "single_keys": True,
        "default_agent": None,
        "temporary_by_default": False,
        "budgets": [],
    }


@pytest.mark.parametrize("body", [{"is_staff": True}, {"groups": ["Research"]}, {"email": "x@example.org"}])
def test_nobody_gives_oneself_rights(api: APIClient, body: dict[str, object]) -> None:
    """S34."""
    assert api.patch("/api/v1/me/", body, format="json").status_code == 400


def test_a_token_s_value_is_shown_once(api: APIClient, owner: User) -> None:
    response = api.post("/api/v1/tokens/", {"name": "script"}, format="json")
    assert response.status_code == 201
    value = response.json()["token"]
    assert value.startswith("wiz_")
    assert ApiToken.objects.get(user=owner).digest == digest_token(value)
    assert value not in api.get("/api/v1/tokens/").content.decode()
    assert "digest" not in api.get("/api/v1/tokens/").content.decode()


def test_the_value_of_a_new_token_works(api: APIClient) -> None:
    value = api.post("/api/v1/tokens/", {"name": "script"}, format="json").json()["token"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {value}")
    assert client.get("/api/v1/me/").status_code == 200


@pytest.mark.parametrize("field", ["user", "digest", "token", "last_used_at", "created_at", "id", "is_staff"])
def test_no_other_field_can_be_set(api: APIClient, outsider: User, field: str) -> None:
    """S34."""
    response = api.post("/api/v1/tokens/", {"name": "x", field: str(outsider.pk)}, format="json")
    assert response.status_code == 400
    assert response.json()["error"]["detail"] == {field: ["Unknown field."]}
    assert not ApiToken.objects.exists()


def test_a_token_cannot_be_born_expired(api: APIClient) -> None:
    past = (timezone.now() - timedelta(days=1)).isoformat()
    response = api.post("/api/v1/tokens/", {"name": "x", "expires_at": past}, format="json")
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == ["expires_at"]


def test_the_list_shows_only_one_s_own_in_three_queries(
    api: APIClient, owner: User, outsider: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        create_token(user=owner, name=f"mine {number}")
        create_token(user=outsider, name=f"theirs {number}")
    with django_assert_max_num_queries(3):
        results = api.get("/api/v1/tokens/").json()["results"]
    assert [row["name"] for row in results] == [f"mine {number}" for number in (4, 3, 2, 1, 0)]


def test_pages_follow_one_another(api: APIClient, owner: User) -> None:
    for number in range(5):
        create_token(user=owner, name=f"{number}")
    names = []
    url = "/api/v1/tokens/?page_size=2"
    while url:
        page = api.get(url).json()
        assert set(page) == {"next", "previous", "results"}
        names += [row["name"] for row in page["results"]]
        url = page["next"]
    assert names == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("size", ["100000", "-1", "0", "x", "1e9", "\u0663"])
def test_a_strange_page_size_is_bounded(api: APIClient, size: str) -> None:
    assert api.get("/api/v1/tokens/", {"page_size": size}).status_code == 200


@pytest.mark.parametrize("cursor", ["x", "%00", "é", "cD1ub25zZW5zZQ==", "cD0lMDA=", "bz14", "A" * 10_001])
def test_a_made_up_cursor_is_400(api: APIClient, owner: User, cursor: str) -> None:
    """R19, S2."""
    create_token(user=owner, name="x")
    response = api.get("/api/v1/tokens/", {"cursor": cursor})
    assert response.status_code == 400
    assert response.json()["error"]["message"]


@pytest.mark.parametrize("place", ["abc", "1.5", "9" * 30, "2026-13-99", "0001-01-01T00:00+14:00", "\ud800", "", "\0"])
@pytest.mark.parametrize("path", ["tokens/", "folders/", "conversations/", "agents/{agent}/versions/"])
def test_a_cursor_for_another_list_is_400_or_a_place_of_this_one(
    api: APIClient, owner: User, path: str, place: str
) -> None:
    """R19, S2."""
    agent = make_agent(owner, make_provider(owner))
    position = quote_from_bytes(place.encode("utf-8", "surrogatepass"))
    cursor = b64encode(f"p={position}".encode()).decode()
    response = api.get(f"/api/v1/{path.format(agent=agent.pk)}", {"cursor": cursor})
    assert response.status_code in {200, 400}
    if response.status_code == 400:
        assert response.json()["error"]["code"] == "parse_error"


def test_a_token_can_be_revoked_by_its_owner_only(api: APIClient, owner: User, outsider: User) -> None:
    """S1."""
    mine, _value = create_token(user=owner, name="mine")
    theirs, _value = create_token(user=outsider, name="theirs")
    assert api.delete(f"/api/v1/tokens/{theirs.pk}/").status_code == 404
    assert api.delete(f"/api/v1/tokens/{mine.pk}/").status_code == 204
    assert list(ApiToken.objects.all()) == [theirs]


@pytest.mark.parametrize("pk", ["x", "0", "00000000-0000-0000-0000-000000000000"])
def test_a_token_that_does_not_exist_is_404(api: APIClient, pk: str) -> None:
    assert api.delete(f"/api/v1/tokens/{pk}/").status_code == 404


def test_create_token_prints_the_value_alone(owner: User) -> None:
    out = StringIO()
    call_command("create_token", owner.email.upper(), "--name", "ci", "--days", "30", stdout=out)
    value = out.getvalue().removesuffix("\n")
    token = ApiToken.objects.get(digest=digest_token(value))
    assert (token.user, token.name) == (owner, "ci")
    assert token.expires_at is not None
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)


def test_create_token_gives_the_scopes_that_were_asked_for(owner: User) -> None:
    call_command("create_token", owner.email, "--scope", "chat", "--scope", "read", stdout=StringIO())
    assert ApiToken.objects.get().scopes == ["read", "chat"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody@example.org"],
        ["owner@example.org", "--days", "0"],
        ["owner@example.org", "--scope", "admin"],
        ["owner@example.org", "--scope", "everything"],
    ],
)
def test_create_token_says_in_one_line_what_is_wrong(owner: User, arguments: list[str]) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("create_token", *arguments)
    assert "\n" not in str(caught.value)
    assert not ApiToken.objects.exists()
