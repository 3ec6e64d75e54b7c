"""Signatures after Standard Webhooks: HMAC-SHA256 over ``id.timestamp.body``, in base64, after ``v1,``."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32  # the specification asks for 24 to 64


def make_secret() -> str:
    """A new signing secret in the form that receivers are given."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature_of(signers: Iterable[str], *, message_id: str, timestamp: int, body: str) -> str:
    """The ``webhook-signature``: one signature per secret, newest first, with spaces between them."""
    content = f"{message_id}.{timestamp}.{body}".encode()
    return " ".join(f"v1,{_sign(secret, content)}" for secret in signers)


def _sign(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
