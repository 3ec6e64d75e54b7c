"""REST and pages of webhooks."""

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings
from rest_framework.test import APIClient

from accounts.audit import Action
from accounts.models import AuditEvent, User
from providers.models import WebhookDelivery, WebhookEndpoint
from providers.services import forget_unreadable_keys
from providers.webhooks.services import MOST, create_endpoint, send_test
from tests.factories import make_staff, make_user

pytestmark = pytest.mark.django_db

URL = "http://127.0.0.1:9/hooks/wiz/?token=Hush4711"


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def api(owner: User) -> APIClient:
    return client_of(owner)


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def test_the_secret_is_shown_once_and_stored_encrypted(api: APIClient) -> None:
    made = api.post("/api/v1/webhooks/", {"url": URL, "events": ["generation.failed"], "description": "Mine"}).json()
    secret = made["secret"]
    assert secret.startswith("whsec_")
    shown = api.get(f"/api/v1/webhooks/{made['id']}/").json()
    assert "secret" not in shown
    assert (shown["url"], shown["events"], shown["server_wide"]) == (URL, ["generation.failed"], False)
    stored = WebhookEndpoint.objects.defer(None).get()
    assert stored.secret is not None
    assert secret.removeprefix("whsec_") not in str(stored.secret.token)
    assert stored.open_secret("secret") == secret
    rotated = api.post(f"/api/v1/webhooks/{made['id']}/rotate-secret/").json()
    assert rotated["secret"] not in {secret, ""}
    assert rotated["old_secret_until"]


def test_a_test_event_is_logged_and_can_be_sent_again(api: APIClient, owner: User) -> None:
    endpoint, _ = create_endpoint(owner=owner, url=URL)
    sent = api.post(f"/api/v1/webhooks/{endpoint.pk}/test/")
    assert (sent.status_code, sent.json()["status"]) == (202, "pending")
    WebhookDelivery.objects.update(status="failed", attempts=7, response_code=500)
    (row,) = api.get(f"/api/v1/webhooks/{endpoint.pk}/deliveries/").json()["results"]
    assert (row["event"], row["status"], row["attempts"], row["response_code"]) == ("webhook.test", "failed", 7, 500)
    again = api.post(f"/api/v1/webhooks/{endpoint.pk}/deliveries/{row['id']}/retry/")
    assert (again.status_code, again.json()["status"], again.json()["id"]) == (202, "pending", row["id"])


def test_what_is_switched_off_sends_nothing(api: APIClient, owner: User) -> None:
    endpoint, _ = create_endpoint(owner=owner, url=URL)
    off = api.patch(f"/api/v1/webhooks/{endpoint.pk}/", {"is_active": False}).json()
    assert (off["is_active"], off["off_reason"]) == (False, "person")
    refused = api.post(f"/api/v1/webhooks/{endpoint.pk}/test/")
    assert (refused.status_code, list(refused.json()["error"]["detail"])) == (400, ["is_active"])


def test_one_whose_address_is_not_allowed_any_more_can_still_be_switched_off(
    api: APIClient, owner: User, settings: Settings
) -> None:
    endpoint, _ = create_endpoint(owner=owner, url=URL)
    settings.PRIVATE_PROVIDERS = False
    assert api.patch(f"/api/v1/webhooks/{endpoint.pk}/", {"url": URL, "is_active": False}).status_code == 200
    assert api.patch(f"/api/v1/webhooks/{endpoint.pk}/", {"url": URL + "1"}).status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": "ftp://example.org/"}, "url"),
        ({"url": "http://user:word@127.0.0.1/"}, "url"),
        ({"url": "http://169.254.169.254/"}, "url"),
        ({"url": URL + "#here"}, "url"),
        ({"url": URL, "events": ["everything"]}, "events"),
        ({"url": URL, "secret": "whsec_AAAA"}, "secret"),
    ],
)
def test_wrong_endpoints_are_refused_beside_their_field(api: APIClient, body: dict[str, Any], field: str) -> None:
    response = api.post("/api/v1/webhooks/", body)
    assert response.status_code == 400
    assert list(response.json()["error"]["detail"]) == [field]


def test_private_addresses_are_refused_where_private_providers_are_off(api: APIClient, settings: Settings) -> None:
    settings.PRIVATE_PROVIDERS = False
    response = api.post("/api/v1/webhooks/", {"url": URL})
    assert response.status_code == 400
    assert "private network" in str(response.json()["error"]["detail"]["url"])


def test_the_whole_server_is_for_administrators(api: APIClient) -> None:
    body = {"url": URL, "server_wide": True}
    assert api.post("/api/v1/webhooks/", body).status_code == 403
    desk = client_of(make_staff())
    made = desk.post("/api/v1/webhooks/", body).json()
    assert made["server_wide"]
    assert client_of(make_staff("other@example.org")).get(f"/api/v1/webhooks/{made['id']}/").status_code == 200
    assert api.get(f"/api/v1/webhooks/{made['id']}/").status_code == 404
    assert desk.patch(f"/api/v1/webhooks/{made['id']}/", {"server_wide": False}).status_code == 400


def test_there_is_an_end_to_endpoints(api: APIClient, owner: User) -> None:
    for _ in range(MOST):
        create_endpoint(owner=owner, url=URL)
    assert api.post("/api/v1/webhooks/", {"url": URL}).status_code == 400
    create_endpoint(owner=make_user("outsider@example.org"), url=URL)


def test_the_log_of_many_deliveries_is_read_in_few_queries(
    api: APIClient, owner: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    endpoint, _ = create_endpoint(owner=owner, url=URL)
    for _ in range(5):
        send_test(endpoint=endpoint)
    with django_assert_max_num_queries(2):
        assert len(api.get(f"/api/v1/webhooks/{endpoint.pk}/deliveries/").json()["results"]) == 5


def test_every_change_is_in_the_audit_log_without_the_address_s_query(api: APIClient) -> None:
    """S37."""
    made = api.post("/api/v1/webhooks/", {"url": URL}).json()
    api.patch(f"/api/v1/webhooks/{made['id']}/", {"url": URL + "&x=1"})
    api.post(f"/api/v1/webhooks/{made['id']}/rotate-secret/")
    api.delete(f"/api/v1/webhooks/{made['id']}/")
    rows = AuditEvent.objects.filter(target_id=made["id"]).order_by("id").values_list("action", "detail")
    assert list(rows) == [
        (Action.WEBHOOK_CREATED, "of one person"),
        (Action.WEBHOOK_CHANGED, "url"),
        (Action.WEBHOOK_CHANGED, "secret"),
        (Action.WEBHOOK_DELETED, ""),
    ]
    assert not any("Hush4711" in str(row) or "whsec_" in str(row) for row in AuditEvent.objects.values_list())


def test_new_encryption_keys_take_the_secrets_along_and_lost_ones_are_said(owner: User, settings: Settings) -> None:
    endpoint, secret = create_endpoint(owner=owner, url=URL)
    field = WebhookEndpoint._meta.get_field("secret")

    def use(*keys: str) -> None:
        settings.FERNET_KEYS = list(keys)
        for name in ("keys", "fernet_keys", "fernet"):
            vars(field).pop(name, None)
            vars(WebhookEndpoint._meta.get_field("old_secret")).pop(name, None)

    old, new = settings.FERNET_KEYS[0], "another-key-of-the-test"
    try:
        use(new, old)
        call_command("rotate_keys")
        use(new)
        assert WebhookEndpoint.objects.defer(None).get().open_secret("secret") == secret
        use("a-third-key")
        assert forget_unreadable_keys() == 1
        row = WebhookEndpoint.objects.get()
        assert (row.is_active, row.off_reason) == (False, "secret_lost")
    finally:
        use(old)
    assert endpoint.pk == row.pk


def test_the_pages_do_what_the_api_does(owner: User) -> None:
    client = Client()
    client.force_login(owner)
    assert b"No webhook yet" in client.get("/settings/webhooks/").content
    made = client.post("/settings/webhooks/new/", {"url": URL, "events": ["budget.warning"], "description": "Mine"})
    assert b"whsec_" in made.content
    assert made["Cache-Control"] == "no-store"
    endpoint = WebhookEndpoint.objects.get()
    page = f"/settings/webhooks/{endpoint.pk}/"
    assert b"whsec_" not in client.get(page).content
    client.post(f"{page}test/")
    delivery = endpoint.deliveries.get()
    assert b"webhook.test" in client.get(page).content
    assert client.post(f"{page}deliveries/{delivery.pk}/retry/").status_code == 302
    assert client.post(page, {"url": "http://169.254.169.254/", "is_active": "on"}).status_code == 422
    assert client.post(page, {"url": URL, "description": "Other"}).status_code == 302
    assert (WebhookEndpoint.objects.get().is_active, WebhookEndpoint.objects.get().description) == (False, "Other")
    assert b"whsec_" in client.post(f"{page}secret/").content
    assert client.post(f"{page}delete/", {"confirm": "something"}).status_code == 422
    assert client.post(f"{page}delete/", {"confirm": endpoint.host}).status_code == 302
    assert not WebhookEndpoint.objects.exists()


def test_the_admin_shows_endpoints_without_what_is_secret(owner: User) -> None:
    endpoint, secret = create_endpoint(owner=owner, url=URL)
    send_test(endpoint=endpoint)
    desk = Client()
    desk.force_login(make_staff())
    pages = [
        desk.get(f"/admin/providers/{path}")
        for path in ("webhookendpoint/", f"webhookendpoint/{endpoint.pk}/change/", "webhookdelivery/")
    ]
    assert [page.status_code for page in pages] == [200] * 3
    assert not any(secret in page.content.decode() or "Hush4711" in page.content.decode() for page in pages)
    action = {"action": "switch_off", "_selected_action": [str(endpoint.pk)]}
    desk.post("/admin/providers/webhookendpoint/", action)
    assert not WebhookEndpoint.objects.get().is_active
    desk.post(f"/admin/providers/webhookendpoint/{endpoint.pk}/delete/", {"post": "yes"})
    assert not WebhookEndpoint.objects.exists()
