"""Idempotency keys: what came with the same key is done once, and a repetition is told what it made."""

import hashlib
from datetime import timedelta
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Model
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from conversations.models import Message, SendKey

KEY_LIFETIME = timedelta(days=7)
KEY_LENGTH = 200


class KeyReused(Exception):
    """The same idempotency key came with another request."""

    def __init__(self) -> None:
        super().__init__(_("This Idempotency-Key was used for another message. Use a new key for a new message."))


class Once(NamedTuple):
    """A request as its key sees it: ``digest`` tells requests with one key apart. An empty key repeats freely."""

    key: str = ""
    digest: str = ""


FREELY = Once()


def once(key: str, *parts: str | Model | None) -> Once:
    """The request that consists of these texts and rows, under a key that its sender chose."""
    text = "\0".join(part if isinstance(part, str) else str(part.pk) if part else "" for part in parts)
    return Once(key, hashlib.sha256(text.encode()).hexdigest())


def claim_key(user: User, request: Once) -> Message | None:
    """The reply that this request has made already; else the key is its own from now on.

    Call it in the transaction that makes the reply. Raises ``KeyReused`` and ``ValidationError``.
    """
    if not request.key:
        return None
    if len(request.key) > KEY_LENGTH:
        raise ValidationError({"key": _("An Idempotency-Key has at most %d characters.") % KEY_LENGTH})
    mine = SendKey.objects.filter(user=user, key=request.key)
    mine.filter(created_at__lt=timezone.now() - KEY_LIFETIME).delete()
    claimed, is_new = SendKey.objects.get_or_create(user=user, key=request.key, defaults={"digest": request.digest})
    if is_new:
        return None
    if claimed.digest != request.digest or claimed.reply is None:
        raise KeyReused
    return claimed.reply


def remember_reply(user: User, request: Once, reply: Message) -> None:
    """Note what the request has made."""
    if request.key:
        SendKey.objects.filter(user=user, key=request.key, digest=request.digest).update(reply=reply)
