"""What programs are told of providers."""

import json

import pytest

from providers.errors import AuthFailed, InvalidRequest, ProviderError
from providers.models import Provider, WebhookDelivery
from providers.services import record_health
from providers.webhooks.services import create_endpoint
from tests.factories import make_provider, make_user

pytestmark = pytest.mark.django_db

KEY = "sk-canary-0123456789abcdef"


def see(provider: Provider, error: ProviderError | None) -> list[str]:
    """The events that a call with this outcome adds."""
    before = set(WebhookDelivery.objects.values_list("pk", flat=True))
    record_health(provider_id=provider.pk, error=error)
    return [row.event for row in WebhookDelivery.objects.exclude(pk__in=before)]


def test_a_provider_s_change_for_the_worse_and_the_better_is_told_once() -> None:
    owner = make_user()
    provider = make_provider(owner, name="Mine", api_key=KEY)
    create_endpoint(owner=owner, url="http://127.0.0.1:9/")
    failure = AuthFailed(provider="Mine", detail=KEY)
    assert see(provider, None) == []
    assert see(provider, InvalidRequest()) == []
    assert see(provider, failure) == ["provider.unhealthy"]
    facts = json.loads(WebhookDelivery.objects.get().body)["data"]
    assert (facts["provider"], facts["name"], facts["error"]["code"]) == (str(provider.pk), "Mine", "auth_failed")
    assert see(provider, failure) == []
    assert see(provider, None) == ["provider.recovered"]
    assert see(provider, None) == []
    assert not any(KEY in body for body in WebhookDelivery.objects.values_list("body", flat=True))


def test_shared_providers_are_told_to_the_server_s_endpoints_alone() -> None:
    create_endpoint(owner=make_user(), url="http://127.0.0.1:9/")
    server, _ = create_endpoint(owner=None, url="http://127.0.0.1:9/")
    see(make_provider(None), AuthFailed())
    assert WebhookDelivery.objects.get().endpoint == server
