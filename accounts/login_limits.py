"""How often somebody may try to log in: per account and per address, counted in the database.

An attempt is written down before the password is looked at and taken back when it was right, so that parallel attempts
cannot slip through together. What is refused is not counted, so nobody waits longer than a window after the last real
attempt. An account that does not exist is counted like any other. The account's part of an attempt is a keyed hash:
people type passwords into the wrong field.
"""

import ipaddress
import math
from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.audit import address_of
from accounts.models import LoginAttempt

# Column: how many failures in how long.
LIMITS = {"account": (5, timedelta(minutes=5)), "address": (8, timedelta(minutes=1))}
KEPT = max(window for _count, window in LIMITS.values())


class TooManyAttempts(Exception):
    """Not now; ``wait`` is in whole seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__()
        self.wait = wait


def begin_attempt(request: HttpRequest, login: str) -> LoginAttempt:
    """Count an attempt as failed until ``end_attempt`` says otherwise; raises ``TooManyAttempts``."""
    now = timezone.now()
    LoginAttempt.objects.filter(created_at__lt=now - KEPT).delete()
    account = salted_hmac("wiz.login", login.strip().lower(), algorithm="sha256").hexdigest()
    attempt = LoginAttempt.objects.create(account=account, address=_network(address_of(request)), created_at=now)
    for column, (limit, window) in LIMITS.items():
        same = LoginAttempt.objects.filter(created_at__gt=now - window, **{column: getattr(attempt, column)})
        times = list(same.order_by("-created_at", "-id").values_list("created_at", flat=True)[: limit + 1])
        if len(times) > limit:
            attempt.delete()
            raise TooManyAttempts(max(1, math.ceil((times[-1] + window - now).total_seconds())))
    return attempt


def end_attempt(attempt: LoginAttempt) -> None:
    """It was the right person after all."""
    attempt.delete()


def _network(address: str | None) -> str:
    """An address; of an IPv6 address the part that one customer is given whole."""
    parsed = ipaddress.ip_address(address) if address else None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False).network_address)
    return str(parsed or "")
