"""What ``manage.py doctor`` looks at; every part answers in one sentence."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.db import connection

from providers import valkey
from providers.generation import test_provider
from providers.models import Provider
from providers.services import count_unreadable_keys
from wizsite import checks, health, heartbeat

CLOCK_LIMIT = 5.0  # seconds two clocks may differ


@dataclass(frozen=True)
class Finding:
    """One line of the diagnosis."""

    part: str
    ok: bool
    sentence: str


def examine() -> Iterator[Finding]:
    """All findings, the cheap ones first; never raises."""
    for part, question in QUESTIONS.items():
        yield _ask(part, question)
    yield from examine_providers()


def _ask(part: str, question: Callable[[], tuple[bool, str]]) -> Finding:
    try:
        ok, sentence = question()
    except Exception as error:
        return Finding(part, ok=False, sentence=f"does not work ({type(error).__name__}).")
    return Finding(part, ok, sentence)


def _examine_settings() -> tuple[bool, str]:
    problems = checks.deployment_errors()
    if problems:
        return False, " ".join(problems)
    if not settings.SECURE_PUBLIC_URL:
        return True, f"fine; {settings.PUBLIC_URL} is not https, so cookies and HSTS are set for plain http."
    return True, "fine."


def _examine_database() -> tuple[bool, str]:
    problem = health.check_database() or health.check_migrations()
    return not problem, problem or f"answers ({connection.vendor}), all migrations applied."


def _examine_valkey() -> tuple[bool, str]:
    client = valkey.client()
    client.ping()
    policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
    if policy != "noeviction":
        return False, f"answers, but maxmemory-policy is {policy}: set noeviction, or queued work may vanish."
    return True, "answers."


def _examine_workers() -> tuple[bool, str]:
    names = sorted(heartbeat.living_workers())
    return bool(names), f"alive: {', '.join(names)}." if names else "no worker has given a sign of life."


def _examine_beat() -> tuple[bool, str]:
    sign = heartbeat.living_beat()
    if sign is None:
        return False, "no sign of life; without it interrupted answers are not picked up."
    return True, f"alive on {sign.host}."


def _examine_clock() -> tuple[bool, str]:
    """Heartbeats and deadlines compare times of several machines."""
    seconds, microseconds = valkey.client().time()
    differences = [abs(time.time() - (seconds + microseconds / 1e6)), _database_clock_difference()]
    worst = max(differences)
    return worst <= CLOCK_LIMIT, f"differs from Valkey's and the database's by {worst:.1f} s at most."


def _database_clock_difference() -> float:
    if connection.vendor != "postgresql":
        return 0.0  # SQLite runs in this process
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return abs((datetime.now(UTC) - moment).total_seconds())


def _examine_keys() -> tuple[bool, str]:
    count = count_unreadable_keys()
    if count:
        return False, f"{count} stored secret(s) cannot be decrypted: put their key back into WIZ_ENCRYPTION_KEYS."
    return True, "every stored key and header of a provider can be decrypted."


def examine_providers() -> Iterator[Finding]:
    """One short real call to each active provider."""
    try:
        active = list(Provider.objects.filter(is_active=True).order_by("name"))
    except Exception as error:
        yield Finding("providers", ok=False, sentence=f"cannot be listed ({type(error).__name__}).")
        return
    for provider in active:
        yield _ask(f"provider {provider.name}", partial(_call, provider))


def _call(provider: Provider) -> tuple[bool, str]:
    outcome = test_provider(provider=provider, model=None)
    return outcome.ok, outcome.message


QUESTIONS: dict[str, Callable[[], tuple[bool, str]]] = {
    "settings": _examine_settings,
    "database": _examine_database,
    "valkey": _examine_valkey,
    "worker": _examine_workers,
    "beat": _examine_beat,
    "clock": _examine_clock,
    "encryption keys": _examine_keys,
}
