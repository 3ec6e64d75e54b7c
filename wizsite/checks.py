"""System checks that catch wrong deployments before they serve anybody."""

import ipaddress
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name

from wizsite import env

MIN_DISTINCT = 8  # different characters; a random secret of 32 has many more
TEST_HOSTS = {"testserver"}  # added by Django's test runner
VENDOR_VARIABLES = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"),
    *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"),
    *env.PROXY_NAMES,
)


@register(Tags.security)
def check_secrets(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Secrets are long, varied, and not shared between purposes."""
    named = [("SECRET_KEY", settings.SECRET_KEY), *(("WIZ_ENCRYPTION_KEYS", key) for key in settings.FERNET_KEYS)]
    found: list[CheckMessage] = [
        Error(f"{name} is too simple: use at least {env.MIN_SECRET_LENGTH} random characters.", id="wiz.E001")
        for name, value in named
        if len(value) < env.MIN_SECRET_LENGTH or len(set(value)) < MIN_DISTINCT
    ]
    if not settings.FERNET_KEYS:
        found.append(Error("WIZ_ENCRYPTION_KEYS is empty: provider keys could not be kept.", id="wiz.E002"))
    if settings.SECRET_KEY in settings.FERNET_KEYS:
        found.append(Error("WIZ_ENCRYPTION_KEYS must not contain SECRET_KEY.", id="wiz.E003"))
    return found


@register(Tags.security)
def check_debug(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Debug pages show settings and source, so they are for this machine only."""
    hosts = {*settings.ALLOWED_HOSTS, urlsplit(settings.PUBLIC_URL).hostname or ""} - TEST_HOSTS
    public = sorted(host for host in hosts if not is_local(host))
    if settings.DEBUG and public:
        return [Error(f"WIZ_DEBUG is on although Wiz answers to {', '.join(public)}: turn it off.", id="wiz.E004")]
    return []


@register(Tags.security)
def check_hosts(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Host names are listed one by one: links in mails and the sockets' origin check depend on them."""
    if "*" in settings.ALLOWED_HOSTS:
        return [Error("WIZ_ALLOWED_HOSTS contains '*': list the names Wiz is reached by.", id="wiz.E005")]
    return []


@register(Tags.security)
def check_environment(app_configs: Sequence[AppConfig] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Nothing in the environment may make a vendor's SDK send the operator's own key, or use a proxy."""
    names = [name for name in VENDOR_VARIABLES if env.text(name) or env.text(name.lower())]
    return [
        Warning(
            f"{name} came back after the start; Wiz takes keys and addresses from its providers only.", id="wiz.W001"
        )
        for name in names
    ]


def is_local(host: str) -> bool:
    """Whether ``host`` can only mean this machine."""
    name = host.strip("[]").lower()
    if name in {"localhost", ""} or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def deployment_errors() -> list[str]:
    """The errors among our own checks, one line each."""
    checks = (check_secrets, check_debug, check_hosts, check_environment)
    return [str(message.msg) for check in checks for message in check(None) if message.is_serious()]
