"""The Django admin: for operators only, through the services, and never with a key on a page."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import ApiToken, User
from accounts.services import create_token, digest_token
from conversations.models import Conversation, Generation, Message
from providers.models import Provider, ProviderModel, UsageRecord
from tests.factories import PASSWORD, make_agent, make_answer, make_provider, make_staff, make_user

pytestmark = pytest.mark.django_db

CANARY = "sk-canary-0123456789abcdef"
SPOKEN = "canary-of-a-private-conversation"


@pytest.fixture
def staff() -> User:
    return make_staff()


@pytest.fixture
def desk(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


@pytest.fixture
def provider(staff: User) -> Provider:
    """A provider with a canary for a key, and one row of everything around it."""
    provider = make_provider(None, name="Shared", api_key=CANARY)
    agent = make_agent(None, provider)
    conversation = Conversation.objects.create(owner=staff, agent=agent, title=SPOKEN)
    message = make_answer(conversation, SPOKEN)
    Generation.objects.create(conversation=conversation, message=message)
    ProviderModel.objects.create(provider=provider, model_id="m")
    UsageRecord.objects.create(user=staff, provider=provider, provider_name="Shared", model="m")
    create_token(user=staff, name="script")
    return provider


def form(**changes: object) -> dict[str, object]:
    """The provider form as a browser sends it."""
    return {
        "name": "Shared",
        "kind": "openai-compatible",
        "base_url": "http://127.0.0.1:9/v1",
        "new_key": "",
        "organization": "",
        "project": "",
        "owner": "",
        "is_shared": "on",
        "is_active": "on",
        "further_keys-TOTAL_FORMS": "0",
        "further_keys-INITIAL_FORMS": "0",
        **changes,
    }


def pages(desk: Client) -> dict[str, str]:
    """Every list, form and history of every registered model."""
    texts = {}
    for model in admin.site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        urls = [base, f"{base}?q=canary", f"{base}?q=sk-", f"{base}add/"]
        for pk in model._default_manager.values_list("pk", flat=True)[:3]:
            urls += [f"{base}{pk}/change/", f"{base}{pk}/history/", f"{base}{pk}/delete/"]
        for url in urls:
            response = desk.get(url)
            assert response.status_code in {200, 403}, url
            texts[url] = response.content.decode()
    return texts


def test_no_page_of_the_admin_holds_a_key_a_digest_or_what_was_said(desk: Client, provider: Provider) -> None:
    """S17."""
    digest = ApiToken.objects.get().digest
    token = bytes(Provider.objects.defer(None).get(pk=provider.pk).api_key.token).decode()
    texts = pages(desk)
    assert len(texts) > 30
    for url, text in texts.items():
        assert CANARY not in text, url
        assert token not in text, url
        assert digest not in text, url
        assert SPOKEN not in text, url


def test_the_key_field_is_a_password_without_a_value(desk: Client, provider: Provider) -> None:
    text = desk.get(f"/admin/providers/provider/{provider.pk}/change/").content.decode()
    field = text[text.rindex("<input", 0, text.index('name="new_key"')) :]
    field = field[: field.index(">")]
    assert 'type="password"' in field
    assert "value=" not in field
    assert 'name="api_key"' not in text


def test_a_key_given_in_the_admin_is_sealed_and_not_logged(desk: Client, provider: Provider) -> None:
    """S17, S37."""
    key = "sk-other-canary-9876543210"
    url = f"/admin/providers/provider/{provider.pk}/change/"
    response = desk.post(url, form(new_key=key), follow=True)
    assert response.status_code == 200
    assert key not in response.content.decode()
    row = Provider.objects.defer(None).get(pk=provider.pk)
    assert row.open_secret("api_key") == key
    assert row.key_hint == key[-4:]
    assert not any(key in str(entry.__dict__) for entry in LogEntry.objects.all())


def test_a_refused_form_does_not_give_the_key_back(desk: Client, provider: Provider) -> None:
    key = "sk-refused-canary-0000"
    response = desk.post(f"/admin/providers/provider/{provider.pk}/change/", form(name="", new_key=key))
    assert response.status_code == 200
    assert key not in response.content.decode()


def test_saving_without_a_new_key_keeps_the_key(desk: Client, provider: Provider) -> None:
    desk.post(f"/admin/providers/provider/{provider.pk}/change/", form(name="Renamed"))
    row = Provider.objects.defer(None).get(pk=provider.pk)
    assert (row.name, row.open_secret("api_key")) == ("Renamed", CANARY)


def test_another_address_needs_the_key_again(desk: Client, provider: Provider) -> None:
    url = f"/admin/providers/provider/{provider.pk}/change/"
    response = desk.post(url, form(base_url="http://127.0.0.1:10/v1"))
    assert response.status_code == 200
    assert "needs the key again" in response.content.decode()
    assert Provider.objects.get(pk=provider.pk).base_url == "http://127.0.0.1:9/v1"


def test_a_save_tells_the_registry(desk: Client, provider: Provider) -> None:
    before = provider.revision
    desk.post(f"/admin/providers/provider/{provider.pk}/change/", form(name="Renamed"))
    assert Provider.objects.get(pk=provider.pk).revision > before


def key_rows(*rows: dict[str, str], stored: int = 0) -> dict[str, object]:
    """The rows of further keys as a browser sends them."""
    fields = {f"further_keys-{number}-{name}": value for number, row in enumerate(rows) for name, value in row.items()}
    return {**fields, "further_keys-TOTAL_FORMS": len(rows), "further_keys-INITIAL_FORMS": stored}


def test_further_keys_are_added_changed_and_removed_in_the_admin(desk: Client, provider: Provider) -> None:
    """S17."""
    url, secret = f"/admin/providers/provider/{provider.pk}/change/", "sk-further-canary-5566778899"
    refused = desk.post(url, form(**key_rows({"label": "Second", "new_key": f"{secret} x", "weight": "2"})))
    assert refused.status_code == 200
    assert secret not in refused.content.decode()
    added = desk.post(url, form(**key_rows({"label": "Second", "new_key": secret, "weight": "2"})), follow=True)
    assert secret not in added.content.decode()
    key = provider.further_keys.defer(None).select_related("provider").get()
    assert (key.label, key.weight, key.open_secret("api_key")) == ("Second", 2, secret)
    row = {"id": str(key.pk), "provider": str(provider.pk), "new_key": ""}
    desk.post(url, form(**key_rows({**row, "label": "Third", "weight": "3"}, stored=1)))
    key.refresh_from_db(fields=["label", "weight"])
    assert (key.label, key.weight) == ("Third", 3)
    desk.post(url, form(**key_rows({**row, "label": "Third", "weight": "3", "DELETE": "on"}, stored=1)))
    assert not provider.further_keys.exists()
    assert not any(secret in str(entry.__dict__) for entry in LogEntry.objects.all())


def test_a_provider_can_be_added_and_deleted(desk: Client) -> None:
    response = desk.post("/admin/providers/provider/add/", form(name="New", new_key=CANARY))
    assert response.status_code == 302
    provider = Provider.objects.defer(None).get(name="New")
    assert provider.open_secret("api_key") == CANARY
    assert desk.post(f"/admin/providers/provider/{provider.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Provider.objects.exists()


def test_a_forbidden_address_is_refused_in_the_form(desk: Client) -> None:
    """S14."""
    response = desk.post("/admin/providers/provider/add/", form(base_url="http://169.254.169.254/"))
    assert response.status_code == 200
    assert not Provider.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("action", ["test", "refresh", "clear"])
def test_an_action_says_what_happened_and_no_key(desk: Client, provider: Provider, action: str) -> None:
    body = {"action": action, "_selected_action": [str(provider.pk)]}
    response = desk.post("/admin/providers/provider/", body, follow=True)
    assert response.status_code == 200
    assert CANARY not in response.content.decode()


@pytest.mark.parametrize("model", ["conversations/conversation", "conversations/generation", "providers/usagerecord"])
def test_what_the_product_writes_is_read_only(desk: Client, provider: Provider, model: str) -> None:
    assert desk.get(f"/admin/{model}/add/").status_code == 403
    name = model.rpartition("/")[2]
    row = next(found for found in admin.site._registry if found._meta.model_name == name)._default_manager.get()
    text = desk.get(f"/admin/{model}/{row.pk}/change/").content.decode()
    assert 'name="_save"' not in text
    assert desk.post(f"/admin/{model}/{row.pk}/change/", {"title": "x", "status": "failed"}).status_code == 403


def test_deleting_a_conversation_quotes_nothing_of_it(desk: Client, provider: Provider) -> None:
    conversation = Conversation.objects.get()
    response = desk.post(f"/admin/conversations/conversation/{conversation.pk}/delete/", {"post": "yes"}, follow=True)
    assert not Conversation.objects.exists()
    assert SPOKEN not in response.content.decode()
    assert not any(SPOKEN in str(entry.__dict__) for entry in LogEntry.objects.all())


def test_messages_have_no_page_of_their_own() -> None:
    assert Message not in admin.site._registry


def test_a_token_is_made_here_and_its_value_shown_once(desk: Client, staff: User) -> None:
    body = {"user": str(staff.pk), "name": "from the admin", "scopes": ["read", "admin"]}
    response = desk.post("/admin/accounts/apitoken/add/", body)
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    value = re.search(r"wiz_[\w-]{43}", response.content.decode())
    assert value
    token = ApiToken.objects.get(user=staff, name="from the admin")
    assert (token.digest, token.scopes) == (digest_token(value[0]), ["read", "admin"])
    assert value[0] not in desk.get(f"/admin/accounts/apitoken/{token.pk}/change/").content.decode()
    assert value[0] not in desk.get("/admin/accounts/apitoken/").content.decode()


def test_the_admin_gives_nobody_a_token_that_is_stronger_than_its_person(desk: Client) -> None:
    """S22."""
    person = make_user("person@example.org")
    body = {"user": str(person.pk), "name": "x", "scopes": ["admin"]}
    assert desk.post("/admin/accounts/apitoken/add/", body).status_code == 200
    assert not ApiToken.objects.exists()


def test_who_is_no_superuser_makes_tokens_for_nobody_else(client: Client, staff: User) -> None:
    """S22: a token of somebody else would be that person's rights."""
    helper = make_user("helper@example.org", is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="add_apitoken"))
    client.force_login(helper)
    body = {"user": str(staff.pk), "name": "x", "scopes": ["read"]}
    assert client.post("/admin/accounts/apitoken/add/", body).status_code == 200
    assert not ApiToken.objects.exists()
    assert client.post("/admin/accounts/apitoken/add/", {**body, "user": str(helper.pk)}).status_code == 200
    assert ApiToken.objects.get().user == helper


def test_a_token_cannot_be_changed_here_but_revoked(desk: Client, provider: Provider) -> None:
    token = ApiToken.objects.get()
    assert desk.post(f"/admin/accounts/apitoken/{token.pk}/change/", {"name": "x"}).status_code == 403
    assert desk.post(f"/admin/accounts/apitoken/{token.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not ApiToken.objects.exists()


def test_a_person_can_be_added_with_a_password(desk: Client) -> None:
    body = {
        "email": "New@example.org",
        "name": "New",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    response = desk.post("/admin/accounts/user/add/", body)
    assert response.status_code == 302, response.content.decode()[-2000:]
    person = User.objects.get(email__iexact="new@example.org")
    assert person.check_password(PASSWORD)
    assert Client().login(email="new@example.org", password=PASSWORD)


def test_the_password_hash_of_a_person_is_not_shown_whole(desk: Client, staff: User) -> None:
    text = desk.get(f"/admin/accounts/user/{staff.pk}/change/").content.decode()
    assert staff.password not in text


def test_the_admin_uses_the_site_s_own_log_in() -> None:
    """S26: the log-in that counts attempts is the only one."""
    for url in ("/admin/", "/admin/login/", "/admin/providers/provider/"):
        response = Client().get(url, follow=True)
        assert response.request["PATH_INFO"] == "/accounts/login/"
    response = Client().post("/admin/login/", {"username": "staff@example.org", "password": PASSWORD})
    assert response.status_code == 302
    assert "_auth_user_id" not in response.client.session


def test_who_is_no_staff_is_kept_out(client: Client, provider: Provider) -> None:
    """S1."""
    client.force_login(make_user("person@example.org"))
    for url in ("/admin/", "/admin/providers/provider/", f"/admin/providers/provider/{provider.pk}/change/"):
        response = client.get(url, follow=True)
        assert response.status_code in {403, 404}
