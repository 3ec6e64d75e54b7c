"""Secrets of second factors, encrypted at rest under ``WIZ_ENCRYPTION_KEYS`` as the providers' keys are."""

import logging
import secrets
from base64 import b32encode
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from fernet_fields.hkdf import derive_fernet_key

SECRETS: Final = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}
"""Where a kind keeps its secret. A passkey has none: its public key is all that is stored."""

logger = logging.getLogger(__name__)


class FactorUnreadable(Exception):
    """None of the encryption keys opens it."""


def seal(secret: str) -> str:
    """Encrypt."""
    return _cipher().encrypt(secret.encode()).decode()


def unseal(token: str) -> str:
    """The reverse; raises ``FactorUnreadable``."""
    try:
        return _cipher().decrypt(token.encode()).decode()
    except InvalidToken:
        raise FactorUnreadable from None


def unseal_or_random(token: str) -> str:
    """The secret; when nothing opens it, a random one, so that every code is wrong until an administrator helps."""
    try:
        return unseal(token)
    except FactorUnreadable:
        logger.warning("No encryption key opens a second factor; an administrator can reset it.")
        return b32encode(secrets.token_bytes(20)).decode()


def rotate_factors() -> int:
    """Put every secret under the first encryption key; the number of rows changed. A second run changes nothing."""
    return sum(_rotate(pk) for pk in list(_rows().values_list("pk", flat=True)))


def survey_factors() -> tuple[int, int]:
    """How many secrets can be read, and how many nothing opens."""
    found = [_is_readable(token) for token in _tokens()]
    return found.count(True), found.count(False)


@transaction.atomic
def _rotate(pk: int) -> int:
    row = _rows().select_for_update().filter(pk=pk).first()
    if row is None:
        return 0
    name = SECRETS[row.type]
    token = str(row.data[name])
    if not _is_readable(token) or _is_newest(token):
        return 0
    row.data[name] = seal(unseal(token))
    row.save(update_fields=["data"])
    return 1


def _rows() -> "QuerySet[Authenticator]":
    rows: QuerySet[Authenticator] = Authenticator.objects.filter(type__in=SECRETS).order_by("pk")
    return rows


def _tokens() -> Iterator[str]:
    for row in _rows().iterator():
        yield str(row.data[SECRETS[row.type]])


def _is_readable(token: str) -> bool:
    try:
        unseal(token)
    except FactorUnreadable:
        return False
    return True


def _is_newest(token: str) -> bool:
    try:
        Fernet(derive_fernet_key(settings.FERNET_KEYS[0])).decrypt(token.encode())
    except InvalidToken:
        return False
    return True


def _cipher() -> MultiFernet:
    return _make_cipher(tuple(settings.FERNET_KEYS))


@lru_cache(maxsize=4)
def _make_cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(derive_fernet_key(key)) for key in keys])
