"""The same ``Idempotency-Key`` makes a thing once, for programs that repeat themselves after a lost answer."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import models, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from accounts.models import MakingKey
from accounts.rest import person

KEPT = timedelta(days=7)
MAX_LENGTH = 200
MAKING_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key makes one object. Kept for 7 days."
)
Made = TypeVar("Made", bound=models.Model)


class OtherRequest(APIException):
    """The key belongs to another request, or to something that is gone."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "key_reused"
    default_detail = _("This Idempotency-Key was used for something else. Use a new key for something new.")


def make_once(request: Request, mine: "models.QuerySet[Made]", make: Callable[[], Made]) -> Made:
    """What ``make`` makes, or what an earlier request with this key made, looked up in ``mine``.

    Raises ``OtherRequest`` (422) when the key came with another body or address. What fails uses up no key.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        return make()
    if len(key) > MAX_LENGTH or "\0" in key:
        raise ValidationError({"Idempotency-Key": [_("An Idempotency-Key has at most 200 characters.")]})
    user, digest = person(request), _digest([request.path, request.data])
    with transaction.atomic():
        MakingKey.objects.filter(user=user, created_at__lt=timezone.now() - KEPT).delete()
        claimed, is_new = MakingKey.objects.get_or_create(
            user=user, kind=mine.model._meta.label, key=key, defaults={"digest": digest}
        )
        if is_new:
            made = make()
            MakingKey.objects.filter(pk=claimed.pk).update(made=str(made.pk))
            return made
    earlier = mine.filter(pk=claimed.made).first() if claimed.digest == digest else None
    if earlier is None:
        raise OtherRequest
    return earlier


def _digest(asked: object) -> str:
    """A keyed hash: a body may hold a provider's key."""
    return salted_hmac("wiz.making", json.dumps(asked, sort_keys=True), algorithm="sha256").hexdigest()
