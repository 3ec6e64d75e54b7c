"""ETags of objects that two people may change at once.

A tag has two parts: the version of what may be changed, and the whole answer. ``If-Match`` looks at the first, so that
a health check in between is no conflict; ``If-None-Match`` at both, so that nobody is kept from news.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response


class Stale(APIException):
    """Somebody else was faster."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "stale"
    default_detail = _("This was changed since you read it. Read it again, then make your change.")


def check_match(request: Request, version: object) -> None:
    """Raise ``Stale`` when ``If-Match`` names another version; without the header anybody may write."""
    wanted = request.headers.get("If-Match", "").strip()
    if wanted and wanted != "*" and _digest(version) not in {tag.partition("-")[0] for tag in _tags(wanted)}:
        raise Stale


def tagged(request: Request, version: object, shown: Mapping[str, Any], **options: Any) -> Response:
    """The answer with its tag; 304 without a body when the caller has it already."""
    tag = f"{_digest(version)}-{_digest(JSONRenderer().render(shown))}"
    headers = {"ETag": f'"{tag}"'}
    wanted = request.headers.get("If-None-Match", "").strip()
    if request.method in {"GET", "HEAD"} and (wanted == "*" or tag in _tags(wanted)):
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(shown, headers=headers, **options)


def _tags(header: str) -> set[str]:
    return {tag.strip().removeprefix("W/").strip('"') for tag in header.split(",")}


def _digest(value: object) -> str:
    content = value if isinstance(value, bytes) else str(value).encode()
    return hashlib.sha256(content).hexdigest()[:16]
