"""Second factors: who is asked for one, what is counted, what is stored, and who may take one away."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts.audit import Action
from accounts.factor_secrets import rotate_factors, seal, survey_factors
from accounts.login_limits import LIMITS
from accounts.models import AuditEvent, User
from accounts.services import create_token
from tests.codes import app_code
from tests.factories import PASSWORD, make_staff, make_user
from tests.passkeys import make_credential

pytestmark = pytest.mark.django_db

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STEP = "/accounts/2fa/authenticate/"
ACTIVATE = "/accounts/2fa/totp/activate/"


@pytest.fixture
def owner() -> User:
    """Somebody with an app and recovery codes."""
    owner = make_user()
    TOTP.activate(owner, SECRET)
    RecoveryCodes.activate(owner)
    return owner


def recovery_codes(owner: User) -> list[str]:
    codes: list[str] = RecoveryCodes.activate(owner).get_unused_codes()
    return codes


def half_in(owner: User, address: str = "192.0.2.1") -> Client:
    """The password was right."""
    client = Client(REMOTE_ADDR=address)
    answer = client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})
    assert answer["Location"] == STEP
    assert client.get("/c/").status_code == 302, "not in yet"
    return client


def confirmed(user: User) -> Client:
    """Logged in, with the password just entered once more."""
    client = Client()
    client.force_login(user)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    return client


def recorded(action: Action) -> list[str]:
    return list(AuditEvent.objects.filter(action=action).values_list("detail", flat=True))


def test_a_right_code_opens_and_works_once(owner: User) -> None:
    code = app_code(SECRET)
    client = half_in(owner)
    assert client.post(STEP, {"code": code})["Location"] == "/"
    assert client.get("/c/").status_code == 200
    again = half_in(owner).post(STEP, {"code": code})
    assert again.status_code == 200
    assert b"This is not right." in again.content


def test_a_code_is_spent_in_every_process(owner: User) -> None:
    """The memory of one process is not asked."""
    from django.core.cache import cache

    code = app_code(SECRET)
    half_in(owner).post(STEP, {"code": code})
    cache.clear()
    for spelling in (code, f"{code[:3]} {code[3:]}"):
        assert half_in(owner).post(STEP, {"code": spelling}).status_code == 200, "spent in every spelling"


def test_a_recovery_code_opens_once_and_is_recorded(owner: User) -> None:
    code = recovery_codes(owner)[3]
    assert half_in(owner).post(STEP, {"code": code}).status_code == 302
    assert half_in(owner).post(STEP, {"code": code}).status_code == 200
    assert len(recorded(Action.RECOVERY_CODE_USED)) == 1
    assert code not in recovery_codes(owner)


def test_ten_wrong_codes_are_429_and_say_when_to_come_back(owner: User) -> None:
    """S26."""
    client = half_in(owner)
    found = [client.post(STEP, {"code": f"{number:06}"}) for number in range(10)]
    limit = LIMITS["account"][0]
    assert [answer.status_code for answer in found] == [200] * limit + [429] * (10 - limit)
    assert 1 <= int(found[-1]["Retry-After"]) <= 300
    elsewhere = half_in(owner, "198.51.100.7").post(STEP, {"code": app_code(SECRET)})
    assert elsewhere.status_code == 429, "another address and the right code do not help"
    assert len(recorded(Action.FACTOR_FAILED)) == limit


def test_many_accounts_from_one_address_are_429() -> None:
    """S26."""
    people = [make_user(f"p{number}@example.org") for number in range(LIMITS["address"][0] + 1)]
    for person in people:
        TOTP.activate(person, SECRET)
    found = [half_in(person).post(STEP, {"code": "000000"}).status_code for person in people[:-1]]
    assert found == [200] * LIMITS["address"][0]
    answer = Client(REMOTE_ADDR="192.0.2.1").post("/accounts/login/", {"login": people[-1].email, "password": PASSWORD})
    assert answer.status_code == 429


@pytest.mark.parametrize("url", [ACTIVATE, "/accounts/2fa/webauthn/add/", "/accounts/2fa/recovery-codes/generate/"])
def test_changes_ask_for_the_password_again(client: Client, url: str) -> None:
    client.force_login(make_user())
    assert client.get(url)["Location"].startswith("/accounts/reauthenticate/")


def test_setting_up_the_app_stores_nothing_in_the_clear_and_is_recorded() -> None:
    user = make_user()
    client = confirmed(user)
    page = client.get(ACTIVATE).content.decode()
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', page)
    assert secret
    assert re.search(r'class="qr"[^>]*><svg ', page)
    assert not any(secret[1] in str(session.get_decoded()) for session in Session.objects.all())
    wrong = client.post(ACTIVATE, {"code": "000000"})
    assert secret[1] in wrong.content.decode(), "a wrong code keeps the secret"
    assert client.post(ACTIVATE, {"code": app_code(secret[1])})["Location"] == "/accounts/2fa/recovery-codes/"
    rows = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret[1] not in rows
    assert not any(secret[1] in str(value) for row in AuditEvent.objects.values_list() for value in row)
    assert client.get("/accounts/2fa/recovery-codes/").content.count(b"<li><code>") == 10
    assert client.get("/accounts/2fa/recovery-codes/").content.count(b"<li><code>") == 0, "shown once"


@pytest.mark.django_db(transaction=True)
def test_additions_and_removals_are_recorded() -> None:
    client = confirmed(make_user())
    secret = re.search(r'id="totp-secret">([A-Z2-7]+)<', client.get(ACTIVATE).content.decode())
    assert secret
    client.post(ACTIVATE, {"code": app_code(secret[1])})
    client.post("/accounts/2fa/recovery-codes/generate/")
    client.post("/accounts/2fa/totp/deactivate/")
    assert sorted(recorded(Action.FACTOR_ADDED)) == ["Recovery codes", "TOTP Authenticator"]
    assert recorded(Action.FACTOR_RESET) == ["Recovery codes"]
    assert sorted(recorded(Action.FACTOR_REMOVED)) == ["Recovery codes", "TOTP Authenticator"]
    assert not Authenticator.objects.exists()


def test_rotation_covers_second_factors(owner: User, settings: Settings, capsys: Any) -> None:
    """S19."""
    old = settings.FERNET_KEYS
    settings.FERNET_KEYS = ["a-brand-new-encryption-key-0123456789", *old]
    assert rotate_factors() == 2
    assert rotate_factors() == 0
    settings.FERNET_KEYS = settings.FERNET_KEYS[:1]
    assert survey_factors() == (2, 0)
    assert half_in(owner).post(STEP, {"code": app_code(SECRET)}).status_code == 302
    call_command("rotate_keys")
    assert "Re-encrypted: 0" in capsys.readouterr().out


def test_a_secret_that_no_key_opens_refuses_every_code(owner: User, settings: Settings) -> None:
    settings.FERNET_KEYS = ["some-other-encryption-key-0123456789ab"]
    assert survey_factors() == (0, 2)
    assert half_in(owner).post(STEP, {"code": app_code(SECRET)}).status_code == 200


def test_an_administrator_takes_a_factor_away_and_it_is_recorded(owner: User, client: Client) -> None:
    client.force_login(make_staff())
    assert b"second factor" in client.get("/admin/accounts/user/").content.lower()
    body = {"action": "reset_second_factors", "_selected_action": [str(owner.pk)]}
    assert client.post("/admin/accounts/user/", body).status_code == 302
    assert not Authenticator.objects.exists()
    event = AuditEvent.objects.filter(action=Action.FACTOR_RESET).get()
    assert (event.target_id, event.via) == (str(owner.pk), "admin")
    assert Client().post("/accounts/login/", {"login": owner.email, "password": PASSWORD})["Location"] == "/"


@pytest.mark.parametrize(("who", "setting", "is_led"), [
    ("staff", "off", False), ("staff", "staff", True), ("staff", "all", True),
    ("person", "staff", False), ("person", "all", True),
])  # fmt: skip
def test_whom_the_server_asks_for_a_second_factor(
    client: Client, settings: Settings, who: str, setting: str, is_led: bool
) -> None:
    settings.REQUIRE_MFA = setting
    user = make_staff() if who == "staff" else make_user()
    client.force_login(user)
    page = client.get("/c/")
    assert page.status_code == (302 if is_led else 200)
    assert client.get("/api/v1/me/").status_code == (403 if is_led else 200)
    if is_led:
        assert page["Location"] == "/settings/security/?next=%2Fc%2F"
        assert client.get("/api/v1/me/").json()["error"]["code"] == "second_factor_required"
        assert b"asks for a second factor" in client.get("/settings/security/").content
        assert client.get(ACTIVATE)["Location"].startswith("/accounts/reauthenticate/")
        TOTP.activate(user, SECRET)
        assert client.get("/c/").status_code == 200


@pytest.mark.parametrize("header", ["Basic x", "x", "", "Bearer", "Bearer wiz_unknown"])
def test_a_header_that_is_no_token_opens_nothing_beside_a_session(
    client: Client, settings: Settings, header: str
) -> None:
    settings.REQUIRE_MFA = "all"
    client.force_login(make_user())
    headers = {"Authorization": header}
    assert client.get("/c/", headers=headers).status_code == 302
    refusal = client.get("/api/v1/me/", headers=headers)
    assert refusal.status_code == (401 if header.startswith("Bearer") else 403)


def test_a_token_goes_on_working_for_who_owes_a_factor(client: Client, settings: Settings) -> None:
    settings.REQUIRE_MFA = "all"
    user = make_user()
    client.force_login(user)
    headers = {"Authorization": f"Bearer {create_token(user=user, name='script')[1]}"}
    assert client.get("/api/v1/me/", headers=headers).status_code == 200
    assert client.get("/c/", headers=headers).status_code == 302


@pytest.mark.parametrize("url", [STEP, "/accounts/2fa/webauthn/login/"])
@pytest.mark.parametrize("credential", ["", "{}", "[]", "null", "1", '{"response": 1}', "[" * 100_000, '{"id": "x"}'])
def test_nonsense_instead_of_a_passkey_is_refused_quietly(owner: User, url: str, credential: str) -> None:
    client = half_in(owner) if url == STEP else Client()
    client.get(url, headers={"Accept": "application/json"})
    assert client.post(url, {"credential": credential}).status_code in {200, 302}
    assert client.get("/c/").status_code == 302


def test_a_passkey_of_somebody_else_does_not_exist(owner: User) -> None:
    data = {"name": "Key", "credential": make_credential()}
    key = Authenticator.objects.create(user=owner, type="webauthn", data=data)
    outsider = confirmed(make_user("outsider@example.org"))
    for verb in ("edit", "remove"):
        assert outsider.post(f"/accounts/2fa/webauthn/keys/{key.pk}/{verb}/", {"name": "Mine"}).status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


def test_a_number_instead_of_a_name_makes_no_passkey(client: Client) -> None:
    client.force_login(make_user())
    assert (
        b"Browsers make passkeys for names only"
        in client.get("/settings/security/", headers={"Host": "127.0.0.1"}).content
    )
    assert b"Add a passkey" in client.get("/settings/security/", headers={"Host": "localhost"}).content


def test_sealing_is_not_the_text_itself() -> None:
    assert SECRET not in seal(SECRET)


@pytest.mark.parametrize("says", ["trust", ""])
def test_a_browser_is_trusted_only_where_that_is_allowed_and_only_when_asked(
    owner: User, settings: Settings, says: str
) -> None:
    settings.MFA_TRUST_ENABLED, settings.MFA_TRUST_COOKIE_AGE = True, 3600
    client = half_in(owner)
    assert client.post(STEP, {"code": app_code(SECRET)})["Location"] == "/accounts/2fa/trust/"
    assert b"Trust this browser?" in client.get("/accounts/2fa/trust/").content
    assert client.post("/accounts/2fa/trust/", {"action": says})["Location"] == "/"
    client.post("/accounts/logout/")
    again = client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})
    assert again["Location"] == ("/" if says == "trust" else STEP)
    settings.MFA_TRUST_ENABLED = False
    client.post("/accounts/logout/")
    half = client.post("/accounts/login/", {"login": owner.email, "password": PASSWORD})
    assert half["Location"] == STEP


def test_the_pages_of_second_factors_are_ours(owner: User) -> None:
    data = {"name": "Key", "credential": make_credential()}
    key = Authenticator.objects.create(user=owner, type="webauthn", data=data)
    client = confirmed(owner)
    for path, words in {
        "totp/deactivate/": b"Turn the authenticator app off?",
        "recovery-codes/generate/": b"Make new recovery codes?",
        "webauthn/add/": b"Make the passkey",
        f"webauthn/keys/{key.pk}/edit/": b"Rename the passkey",
        f"webauthn/keys/{key.pk}/remove/": b"Remove \xe2\x80\x9cKey\xe2\x80\x9d?",
        "reauthenticate/": b"Is it you?",
        "webauthn/reauthenticate/": b"Use a passkey",
    }.items():
        page = client.get(f"/accounts/2fa/{path}")
        assert (page.status_code, words in page.content) == (200, True), path
        assert b" style=" not in page.content, path
