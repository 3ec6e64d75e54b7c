"""Two people change the same settings: the second one is told, and nobody reads twice what did not change."""

import threading
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import User
from providers.services import record_health
from tests.factories import make_agent, make_provider, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def api(owner: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(owner)
    return client


@pytest.fixture(params=["providers", "agents"])
def path(request: pytest.FixtureRequest, owner: User) -> str:
    provider = make_provider(owner)
    thing = provider if request.param == "providers" else make_agent(owner, provider)
    return f"/api/v1/{request.param}/{thing.pk}/"


def patch(api: APIClient, path: str, name: str, tag: str = "") -> Any:
    return api.patch(path, {"name": name}, format="json", headers={"If-Match": tag} if tag else {})


def test_a_change_from_a_stale_reading_is_412_and_changes_nothing(api: APIClient, path: str) -> None:
    tag = api.get(path)["ETag"]
    assert patch(api, path, "First", tag).status_code == 200
    refused = patch(api, path, "Second", tag)
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, "stale")
    assert api.get(path).json()["name"] == "First"
    assert api.delete(path, headers={"If-Match": tag}).status_code == 412
    assert api.get(path).status_code == 200


def test_a_change_s_answer_carries_the_tag_for_the_next_one(api: APIClient, path: str) -> None:
    first = patch(api, path, "First", api.get(path)["ETag"])
    assert first["ETag"] == api.get(path)["ETag"]
    assert patch(api, path, "Second", first["ETag"]).status_code == 200


@pytest.mark.parametrize("tag", ["", "*", '"x", {tag}', "W/{tag}"])
def test_who_names_no_version_or_the_right_one_may_write(api: APIClient, path: str, tag: str) -> None:
    assert patch(api, path, "New", tag.format(tag=api.get(path)["ETag"])).status_code == 200


@pytest.mark.parametrize("tag", ['"x"', "nonsense", '""', ","])
def test_a_made_up_tag_fits_nothing(api: APIClient, path: str, tag: str) -> None:
    assert patch(api, path, "New", tag).status_code == 412


def test_what_is_known_already_is_not_sent_again(api: APIClient, path: str) -> None:
    tag = api.get(path)["ETag"]
    again = api.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    patch(api, path, "New")
    assert api.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_news_about_health_is_sent_but_is_no_conflict(api: APIClient, owner: User) -> None:
    provider = make_provider(owner)
    path = f"/api/v1/providers/{provider.pk}/"
    tag = api.get(path)["ETag"]
    record_health(provider_id=provider.pk, error=None)
    assert api.get(path, headers={"If-None-Match": tag}).json()["health"]["status"] == "ok"
    assert patch(api, path, "New", tag).status_code == 200


def test_a_foreign_object_is_404_whatever_the_tag(api: APIClient) -> None:
    path = f"/api/v1/providers/{make_provider(make_user('outsider@example.org')).pk}/"
    assert patch(api, path, "x", '"x"').status_code == 404


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_at_the_same_time_one_wins(api: APIClient, owner: User, path: str) -> None:
    tag, found = api.get(path)["ETag"], []
    together = threading.Barrier(2)

    def change(name: str) -> None:
        client = APIClient()
        client.force_authenticate(User.objects.get(pk=owner.pk))
        together.wait(20)
        found.append(patch(client, path, name, tag).status_code)
        connection.close()

    threads = [threading.Thread(target=change, args=(name,)) for name in ("One", "Two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [200, 412]
